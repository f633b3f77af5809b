import { random } from './payments.ts';

const START = 1_760_000_000_000;
const AD_TYPES = ['banner', 'modal', 'sponsored-search', 'mail', 'mobile'];
const EVENT_TYPES = ['view', 'click', 'purchase'];
const ADS_PER_CAMPAIGN = 10;

export interface AdsOptions { readonly events: number; readonly campaigns: number; readonly seed: number }

const adOf = (n: number): string => `ad-${String(n).padStart(6, '0')}-7f3a9c`;

/** Rows of the table `ads`: ten advertisements a campaign. */
export function adsTable(campaigns: number): { readonly ad_id: string; readonly campaign_id: string }[] {
  return Array.from({ length: campaigns * ADS_PER_CAMPAIGN }, (_, n) => ({ ad_id: adOf(n), campaign_id: `campaign-${Math.floor(n / ADS_PER_CAMPAIGN)}` }));
}

/** Events as those of the Yahoo Streaming Benchmark, about 215 bytes, 0.1 ms apart (10,000 a second), a third of them views. The same bytes for the same arguments. */
export function adEvents({ events, campaigns, seed }: AdsOptions): Uint8Array {
  const draw = random(seed);
  const below = (n: number): number => Math.floor(draw() * n);
  const out = Buffer.allocUnsafeSlow(events * 256);
  let end = 0;
  let part = '';
  for (let i = 0; i < events; i++) {
    part += `{"user_id":"user-${below(100_000)}-d1c2b3a4","page_id":"page-${below(100_000)}-5e6f7a8b","ad_id":"${adOf(below(campaigns * ADS_PER_CAMPAIGN))}","ad_type":"${AD_TYPES[below(5)]}",`
      + `"event_type":"${EVENT_TYPES[below(3)]}","ts":${START + Math.floor(i / 10)},"ip_address":"10.${below(256)}.${below(256)}.${below(256)}"}\n`;
    if (i % 1024 === 1023 || i === events - 1) {
      end += out.write(part, end, 'latin1');
      part = '';
    }
  }
  return new Uint8Array(out.buffer, out.byteOffset, end);
}
