/** Alerts as a job sends them. */
import { alertToJson } from '../../../src/core/alert-json.ts';
import type { Alert } from '../../../src/core/alert.ts';

export const T0 = Date.UTC(2026, 3, 1, 12);

export function alertOf(n: number, more: Partial<Alert> = {}): Alert {
  return {
    id: `id-${n}`, rule: 'CardTesting', channel: 'fraud_alerts', kind: 'match', version: 1, title: 'Card testing', severity: 'high', tags: ['cards'],
    key: { card: `c${n}` }, from: T0, to: T0 + 60_000, detected: T0 + 61_000, at: T0 + 60_000, suppressed: 0, dropped: 0, shadow: false, fields: { total: n },
    events: [
      { stage: 'small', events: [bound({ type: 'Payment', ts: '2026-04-01T12:00:00Z', card: `c${n}`, amount: 1 }, T0)] },
      { stage: 'big', events: [bound({ type: 'Payment', ts: T0 + 60_000, card: `c${n}`, amount: 900 }, T0 + 60_000)] },
    ],
    ...more,
  };
}

export const jsonOf = (alert: Alert): string => alertToJson(alert, ['payments']);

function bound(event: Readonly<Record<string, unknown>>, time: number): NonNullable<Alert['events']>[number]['events'][number] {
  return { text: JSON.stringify(event), type: 'Payment', time, source: 0, partition: 0, offset: 0 };
}

export const RULES = `
event Payment { ts: time, card: string, amount: float } time ts
rule CardTesting { by card severity high match small -> big within 10m small: Payment where amount < 5 big: Payment where amount > 100 alert fraud_alerts { total: big.amount } }
rule Other { by card match p within 1m p: Payment alert review { card } }
`;
