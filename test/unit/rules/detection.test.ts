import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { Label, Simulator } from '../../../simulators/index.ts';
import { DEFAULT_START, payments, sensors, toJsonLine } from '../../../simulators/index.ts';
import { checkRules } from '../../../src/cli/rule-files.ts';
import { compile } from '../../../src/compile/index.ts';
import type { Alert } from '../../../src/core/alert.ts';
import { makeDecoder } from '../../../src/decode/index.ts';
import { Engine } from '../../../src/engine/index.ts';

const HOUR = 3_600_000;
const SPAN = 1.2 * HOUR;

/** Runs the rules of a folder over an hour or so of a simulator, and returns what was injected and what was found. */
function watch(folder: string, simulator: Simulator, keys: number): { labels: Label[]; alerts: Alert[]; rejected: string[] } {
  const { program } = checkRules([fileURLToPath(new URL(`../../../rules/${folder}`, import.meta.url))]);
  const labels: Label[] = [];
  const alerts: Alert[] = [];
  const rejected: string[] = [];
  const engine = new Engine(compile(program!), { onAlert: (alert) => { alerts.push(alert); }, now: () => 0 });
  const decoder = makeDecoder(engine.schema, engine.strings, { typeField: 'type' });
  const batch = engine.newBatch();
  const events = simulator.events({
    seed: 'detection', rate: 8, start: DEFAULT_START, duration: SPAN, keys, incidentEvery: 250, onLabel: (label) => { labels.push(label); },
  });
  const bytes = new TextEncoder().encode([...events].map(toJsonLine).join('\n'));
  for (let at = 0; at < bytes.length;) {
    batch.count = 0;
    at = decoder.decodeLines(bytes, at, bytes.length, batch, (reject) => { rejected.push(reject.message); });
    engine.push(batch);
  }
  engine.advance(DEFAULT_START + SPAN); // not to infinity: at the end of all time every machine has fallen silent
  return { labels, alerts, rejected };
}

const limited: readonly string[] = ['AccountTakeover', 'DoorFlapping', 'OverheatingUnattended'];

const worlds = { fraud: watch('fraud', payments, 400), iot: watch('iot', sensors, 100) };

describe.each([
  ['fraud', 'card-testing', 'CardTesting', 'card'],
  ['fraud', 'impossible-travel', 'ImpossibleTravel', 'card'],
  ['fraud', 'account-takeover', 'AccountTakeover', 'account'],
  ['fraud', 'leaked-card', 'AmountSpike', 'card'],
  ['iot', 'drift', 'TemperatureRamp', 'sensor'],
  ['iot', 'overheating', 'OverheatingUnattended', 'sensor'],
  ['iot', 'spike', 'VibrationSpike', 'sensor'],
  ['iot', 'silence', 'SensorSilent', 'sensor'],
  ['iot', 'flapping', 'DoorFlapping', 'sensor'],
] as const)('%s: %s', (folder, kind, rule, keyField) => {
  const { labels, alerts } = worlds[folder];
  const injected = labels.filter((label) => label.kind === kind);
  const found = alerts.filter((alert) => alert.rule === rule);
  const overlap = (label: Label, alert: Alert): boolean => alert.key[keyField] === label.key && alert.from <= label.to && alert.to >= label.from;

  test(`${rule} finds what was injected`, () => {
    expect(injected.length).toBeGreaterThan(5);
    // A rule's `limit` may hold back the alert of a second incident on one key; the first one's alert is then less than an hour old.
    const told = (label: Label): boolean => found.some((alert) =>
      alert.key[keyField] === label.key && alert.from <= label.to && alert.to >= label.from - (limited.includes(rule) ? HOUR : 0));
    expect(injected.filter((label) => !told(label))).toEqual([]);
    expect(injected.filter((label) => found.some((alert) => overlap(label, alert))).length).toBeGreaterThan(0.9 * injected.length);
  });

  test(`${rule} finds little else`, () => {
    // Incidents that reach past the end of the stream are injected in part and have no label; the rule may well see them.
    const surplus = found.filter((alert) => alert.to < DEFAULT_START + 0.7 * SPAN && !labels.some((label) => overlap(label, alert)));
    expect(surplus.length / found.length).toBeLessThanOrEqual(0.05);
  });
});

test('every simulated event decodes', () => {
  expect(worlds.fraud.rejected).toEqual([]);
  expect(worlds.iot.rejected).toEqual([]);
});
