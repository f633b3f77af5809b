import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { adEvents, adsTable } from './ads.ts';
import { payments } from './payments.ts';
import { thousandRules } from './rules/w5.ts';

/** One row of the bench: a rule file over an input, and how many times as fast as `JSON.parse` alone it is to be. */
export interface Workload {
  readonly name: string;
  readonly what: string;
  /** File under bench/rules/, or a path from there. */
  readonly file: string;
  /** The type of its events. Default: Payment. */
  readonly type?: 'AdEvent';
  readonly events: number;
  /** Cards, or campaigns. */
  readonly cards: number;
  readonly required: number;
  /** The last tenth of the input is to be as fast as the second. */
  readonly flat: boolean;
}

const MILLION = 1_000_000;

export const WORKLOADS: readonly Workload[] = [
  { name: 'W1', what: 'a sequence, all pairs', file: 'w1.cep', events: MILLION, cards: 10_000, required: 3, flat: false },
  { name: 'W2', what: 'a greedy loop and its average', file: 'w2.cep', events: MILLION, cards: 10_000, required: 1.5, flat: false },
  { name: 'W3', what: 'absence', file: 'w3.cep', events: MILLION, cards: 10_000, required: 3, flat: false },
  { name: 'W5', what: 'a thousand rules', file: 'w5.cep', events: MILLION, cards: 10_000, required: 1.5, flat: false },
  { name: 'W6', what: '150,000 open runs', file: 'w6.cep', events: 300_000, cards: 10, required: 1.5, flat: true },
  { name: 'Y1', what: 'views by campaign (Yahoo)', file: '../../rules/ads/campaign-views.cep', type: 'AdEvent', events: MILLION, cards: 100, required: 1.5, flat: false },
];

/** The text of a rule file of the bench; `w5.cep` is made on the spot. */
export function ruleText(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1);
  return file === 'w5.cep' ? thousandRules() : readFileSync(path, 'utf8');
}

export function rulePath(file: string): string {
  return fileURLToPath(new URL(`rules/${file}`, import.meta.url));
}

/** The input of a workload; the same bytes every time. `scale` makes it shorter. */
export function inputOf(workload: Workload, scale = 1): Uint8Array {
  if (workload.type === 'AdEvent') return adEvents({ events: Math.round(workload.events * scale), campaigns: workload.cards, seed: 20_251_009 });
  return payments({ events: Math.round(workload.events * scale), cards: workload.cards, seed: 20_251_009 });
}

/** Rows of the tables that a workload reads. */
export function tablesOf(workload: Workload): ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]> {
  return workload.type === 'AdEvent' ? new Map([['ads', adsTable(workload.cards)]]) : new Map();
}
