import type { Label } from '../../../simulators/index.ts';
import type { Alert } from '../../core/alert.ts';

/** The rule that is there to find each kind of injected incident. */
const FINDS: Readonly<Record<string, string>> = {
  'card-testing': 'CardTesting',
  'impossible-travel': 'ImpossibleTravel',
  'account-takeover': 'AccountTakeover',
  'leaked-card': 'AmountSpike',
  drift: 'TemperatureRamp',
  overheating: 'OverheatingUnattended',
  spike: 'VibrationSpike',
  silence: 'SensorSilent',
  flapping: 'DoorFlapping',
};

/** Alerts older than this in event time can belong to no incident that is still to be labelled. */
const FORGET_AFTER = 3_600_000;

export interface Score {
  readonly rule: string;
  alerts: number;
  /** Incidents of the kind this rule looks for that have ended, and those among them it alerted on. */
  injected: number;
  found: number;
  /** Whether there is such a kind at all. */
  readonly judged: boolean;
}

/** Counts alerts by rule, and compares them with what the simulators injected. Memory stays bounded however long it goes on. */
export class Scorecard {
  private readonly scores: ReadonlyMap<string, Score>;
  private labels: Label[] = [];
  private recent: { readonly rule: string; readonly key: string; readonly from: number; readonly to: number }[] = [];

  constructor(rules: readonly string[]) {
    const judged = new Set(Object.values(FINDS));
    this.scores = new Map(rules.map((rule) => [rule, { rule, alerts: 0, injected: 0, found: 0, judged: judged.has(rule) }]));
  }

  alert(alert: Alert): void {
    const score = this.scores.get(alert.rule);
    if (score !== undefined) score.alerts++;
    this.recent.push({ rule: alert.rule, key: String(Object.values(alert.key)[0]), from: alert.from, to: alert.to });
  }

  label(label: Label): void {
    this.labels.push(label);
  }

  /** Judges the incidents that ended before the watermark: every alert they could cause has come. */
  settle(watermark: number): void {
    const open: Label[] = [];
    for (const label of this.labels) {
      if (label.to >= watermark) {
        open.push(label);
        continue;
      }
      const score = this.scores.get(FINDS[label.kind] ?? '');
      if (score === undefined) continue;
      score.injected++;
      if (this.recent.some((alert) => alert.rule === score.rule && alert.key === label.key && alert.from <= label.to && alert.to >= label.from)) score.found++;
    }
    this.labels = open;
    if (this.recent.length > 1000) this.recent = this.recent.filter((alert) => alert.to > watermark - FORGET_AFTER);
  }

  get all(): readonly Score[] {
    return [...this.scores.values()];
  }

  get alerts(): number {
    return this.all.reduce((sum, score) => sum + score.alerts, 0);
  }
}
