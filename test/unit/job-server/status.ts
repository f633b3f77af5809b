import type { JobStatus } from '../../../src/job/status.ts';

/** A running job's status; `more` stands in place of what is here. */
export function statusOf(more: Partial<JobStatus> = {}): JobStatus {
  return {
    job: 'fraud', started: Date.UTC(2026, 3, 1), state: 'running', waitsFor: [], failure: undefined, restarts: 2,
    tasks: [{
      task: 0, watermark: Date.UTC(2026, 3, 1, 12), events: 1000, stateBytes: 4096, keys: 7, waiting: 3,
      streams: [
        { stream: 'payments/0', offset: 1001, largest: Date.UTC(2026, 3, 1, 12, 0, 5), idle: false, holds: true },
        { stream: 'logins/0', offset: 12, largest: Date.UTC(2026, 3, 1, 12, 5), idle: false, holds: false },
      ],
      checkpoint: { number: 17, committed: Date.UTC(2026, 3, 1, 12, 0, 6), bytes: 2048, failures: 1 },
    }, {
      task: 1, watermark: undefined, events: 0, stateBytes: 0, keys: 0, waiting: 0, checkpoint: undefined,
      streams: [{ stream: 'payments/1', offset: 0, largest: undefined, idle: true, holds: false }],
    }],
    sources: [
      { source: 'payments', kind: 'kafka', streams: [{ stream: 'payments/0', lag: 40, connected: true }, { stream: 'payments/1', lag: NaN, connected: false }] },
      { source: 'logins', kind: 'kafka', streams: [{ stream: 'logins/0', lag: 0, connected: true }] },
    ],
    tables: [{
      table: 'merchants', kind: 'file', from: 'data/merchants.csv', rows: 1200, rejected: 2, replaced: 1, version: 3, loaded: Date.UTC(2026, 3, 1, 11), asOf: Date.UTC(2026, 3, 1, 11, 59),
      changes: 2, failures: 1, error: 'data/merchants.csv cannot be read: there is no such file.',
    }],
    rules: [{ rule: 'CardTesting', events: 900, alerts: 5, timedOut: 4, dropped: 0, suppressed: 6, keys: 3, runs: 21, bytes: 4096 }],
    sent: { fraud_alerts: 5, ' late': 8 }, rejected: { json: 2, 'a "strange"\nreason': 1 }, late: 8,
    latency: { bounds: [0.01, 0.1], counts: [3, 1, 1], sum: 2.5 },
    pause: { bounds: [0.001], counts: [9, 0], sum: 0.004 },
    checkpointDuration: { bounds: [0.05, 1], counts: [1, 2, 0], sum: 0.7 },
    ...more,
  };
}
