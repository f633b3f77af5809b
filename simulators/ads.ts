import { Random } from './random.ts';
import type { SimulatedEvent, Simulator, SimulatorOptions } from './simulator.ts';
import { checkOptions, isoTime } from './simulator.ts';

const SECOND = 1000;
const ADS_PER_CAMPAIGN = 10;
const CAMPAIGNS = 100;
const USERS = 100_000;
const PAGES = 100_000;
const AD_TYPES = ['banner', 'modal', 'sponsored-search', 'mail', 'mobile'] as const;
const EVENT_TYPES = ['view', 'click', 'purchase'] as const;

/**
 * The events of the Yahoo Streaming Benchmark (S. Chintapalli et al., 2016): what browsers tell of advertisements, which are ten in each of 100 campaigns (`keys`). Kind of
 * event and of advertisement are drawn alike, a third are views, as there. The table `ads` says which campaign an advertisement is in.
 */
export const ads: Simulator = {
  name: 'ads',
  description: 'views, clicks and purchases of advertisements in campaigns (the Yahoo Streaming Benchmark), with the table `ads`; injects nothing',
  types: ['AdEvent'],
  incidents: [],
  events,
  tables: ({ seed, keys = CAMPAIGNS }) => new Map([['ads', adsOf(seed, keys)]]),
};

function* events(options: SimulatorOptions): Generator<SimulatedEvent> {
  checkOptions(options);
  const { seed, rate, start, duration, keys = CAMPAIGNS } = options;
  const draw = Random.forPurpose(seed, 'ad events');
  const known = adsOf(seed, keys);
  const end = start + duration;
  let number = 0;
  for (let at = start + draw.exponential(SECOND / rate); at < end; at += draw.exponential(SECOND / rate)) {
    const time = Math.floor(at);
    yield {
      type: 'AdEvent', time, id: `ad-event-${++number}`,
      fields: {
        event_id: `ad-event-${number}`, user_id: `user-${draw.int(1, USERS)}`, page_id: `page-${draw.int(1, PAGES)}`, ad_id: draw.pick(known).ad_id, ad_type: draw.pick(AD_TYPES),
        event_type: draw.pick(EVENT_TYPES), ts: isoTime(time), ip_address: `10.${draw.int(0, 255)}.${draw.int(0, 255)}.${draw.int(1, 254)}`,
      },
    };
  }
}

/** Every advertisement with its campaign; names are drawn, so that nothing can be told from their order. */
function adsOf(seed: string | number, campaigns: number): { readonly ad_id: string; readonly campaign_id: string }[] {
  const draw = Random.forPurpose(seed, 'ads');
  const name = (kind: string, n: number): string => `${kind}-${n.toString(36)}${Math.floor(draw.next() * 36 ** 6).toString(36).padStart(6, '0')}`;
  return Array.from({ length: campaigns }, (_, c) => name('campaign', c)).flatMap((campaign_id, c) =>
    Array.from({ length: ADS_PER_CAMPAIGN }, (_, a) => ({ ad_id: name('ad', c * ADS_PER_CAMPAIGN + a), campaign_id })));
}
