import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { METRICS } from '../../../src/job/server/index.ts';
import { registryOf } from '../../../src/job/server/metrics.ts';
import type { JobStatus } from '../../../src/job/status.ts';
import { statusOf } from './status.ts';

async function samplesOf(status: JobStatus): Promise<Map<string, string>> {
  const text = await registryOf(() => status, '1.2.3').metrics();
  return new Map(text.split('\n').filter((line) => line.startsWith('alcedo_')).map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]));
}

test('every count of the status is a metric', async () => {
  const samples = await samplesOf(statusOf());
  expect(Object.fromEntries([...samples].filter(([name]) => !/delay|age|_bucket|_sum|_count|job_state/.test(name)))).toEqual({
    'alcedo_table_rows{table="merchants"}': '1200', 'alcedo_table_rejected_rows{table="merchants"}': '2', 'alcedo_table_changes_total{table="merchants"}': '2',
    'alcedo_table_failures_total{table="merchants"}': '1',
    'alcedo_info{name="fraud",version="1.2.3"}': '1',
    alcedo_start_time_seconds: String(Date.UTC(2026, 3, 1) / 1000),
    alcedo_restarts_total: '2',
    'alcedo_events_total{task="0"}': '1000', 'alcedo_events_total{task="1"}': '0',
    alcedo_late_total: '8',
    'alcedo_rejected_total{reason="json"}': '2', 'alcedo_rejected_total{reason="a \\"strange\\"\\nreason"}': '1',
    'alcedo_rule_events_total{rule="CardTesting"}': '900',
    'alcedo_alerts_total{rule="CardTesting"}': '5',
    'alcedo_timed_out_total{rule="CardTesting"}': '4',
    'alcedo_dropped_total{rule="CardTesting"}': '0',
    'alcedo_suppressed_total{rule="CardTesting"}': '6',
    'alcedo_rule_keys{rule="CardTesting"}': '3',
    'alcedo_rule_open_runs{rule="CardTesting"}': '21',
    'alcedo_rule_state_bytes{rule="CardTesting"}': '4096',
    'alcedo_sent_total{outlet="channel",channel="fraud_alerts"}': '5', 'alcedo_sent_total{outlet="late",channel=""}': '8',
    'alcedo_waiting_records{task="0"}': '3', 'alcedo_waiting_records{task="1"}': '0',
    // The lag of payments/1 is not known.
    'alcedo_lag_records{source="payments",stream="payments/0"}': '40', 'alcedo_lag_records{source="logins",stream="logins/0"}': '0',
    'alcedo_source_connected{source="payments",stream="payments/0"}': '1', 'alcedo_source_connected{source="payments",stream="payments/1"}': '0',
    'alcedo_source_connected{source="logins",stream="logins/0"}': '1',
    'alcedo_watermark_seconds{task="0"}': String(Date.UTC(2026, 3, 1, 12) / 1000),
    'alcedo_stream_offset{task="0",stream="payments/0"}': '1001', 'alcedo_stream_offset{task="0",stream="logins/0"}': '12', 'alcedo_stream_offset{task="1",stream="payments/1"}': '0',
    'alcedo_stream_time_seconds{task="0",stream="payments/0"}': String(Date.UTC(2026, 3, 1, 12, 0, 5) / 1000),
    'alcedo_stream_time_seconds{task="0",stream="logins/0"}': String(Date.UTC(2026, 3, 1, 12, 5) / 1000),
    'alcedo_stream_idle{task="0",stream="payments/0"}': '0', 'alcedo_stream_idle{task="0",stream="logins/0"}': '0', 'alcedo_stream_idle{task="1",stream="payments/1"}': '1',
    'alcedo_stream_holds_watermark{task="0",stream="payments/0"}': '1', 'alcedo_stream_holds_watermark{task="0",stream="logins/0"}': '0',
    'alcedo_stream_holds_watermark{task="1",stream="payments/1"}': '0',
    'alcedo_state_bytes{task="0"}': '4096', 'alcedo_state_bytes{task="1"}': '0',
    'alcedo_state_keys{task="0"}': '7', 'alcedo_state_keys{task="1"}': '0',
    'alcedo_checkpoint_number{task="0"}': '17', 'alcedo_checkpoint_bytes{task="0"}': '2048', 'alcedo_checkpoint_failures_total{task="0"}': '1',
  });
});

test('spans are taken against the clock', async () => {
  const now = Date.now();
  const [task] = statusOf().tasks;
  const samples = await samplesOf(statusOf({ tasks: [{ ...task!, watermark: now - 9000, checkpoint: { ...task!.checkpoint!, committed: now - 4000 } }] }));
  expect(Number(samples.get('alcedo_watermark_delay_seconds{task="0"}'))).toBeCloseTo(9, 0);
  expect(Number(samples.get('alcedo_checkpoint_age_seconds{task="0"}'))).toBeCloseTo(4, 0);
});

test('a watermark at the end of all input is no time', async () => {
  const [task] = statusOf().tasks;
  const samples = await samplesOf(statusOf({ tasks: [{ ...task!, watermark: Infinity }] }));
  expect([...samples.keys()].filter((name) => name.startsWith('alcedo_watermark'))).toEqual([]);
});

test('buckets count all at or below their bound', async () => {
  const samples = await samplesOf(statusOf());
  const latency = [...samples].filter(([name]) => name.startsWith('alcedo_latency_seconds'));
  expect(latency).toEqual([
    ['alcedo_latency_seconds_bucket{le="0.01"}', '3'], ['alcedo_latency_seconds_bucket{le="0.1"}', '4'], ['alcedo_latency_seconds_bucket{le="+Inf"}', '5'],
    ['alcedo_latency_seconds_sum', '2.5'], ['alcedo_latency_seconds_count', '5'],
  ]);
});

test('the state is one of all', async () => {
  const samples = await samplesOf(statusOf({ state: 'restarting' }));
  expect([...samples].filter(([name, value]) => name.startsWith('alcedo_job_state') && value === '1').map(([name]) => name)).toEqual(['alcedo_job_state{state="restarting"}']);
});

test('the text is what Prometheus reads: each family once, with help and type; the process\'s own metrics beside them', async () => {
  const text = await registryOf(() => statusOf(), undefined).metrics();
  for (const { name, type } of METRICS) {
    expect(text.split(`# TYPE ${name} ${type}\n`)).toHaveLength(2);
    expect(text).toContain(`# HELP ${name} `);
  }
  expect(text).toContain('process_resident_memory_bytes');
  for (const line of text.split('\n')) expect(line).toMatch(/^$|^# (HELP|TYPE) |^[a-z0-9_]+(\{([a-z]+="([^"\\]|\\["\\n])*",?)*\})? (-?[\d.e+-]+|Nan|[+-]Inf)$/);
});

describe('docs/operations.md', () => {
  const documented = [...readFileSync('docs/operations.md', 'utf8').matchAll(/^\| `(alcedo_\w+)`/gm)].map(([, name]) => name!);

  test('lists every metric, and none that is not there', () => {
    expect(documented.sort()).toEqual([...METRICS.map(({ name }) => name), 'alcedo_info'].sort());
  });
});
