/**
 * An alert as the engine hands it out (section 5 of the language). `fields` holds plain JSON values (times as ISO-8601 text, durations as ms,
 * null for null). `events` gives per stage the bound events: their JSON text as it came in (evidence full), or where they came from (refs).
 */
export interface Alert {
  readonly id: string;
  readonly rule: string;
  readonly channel: string;
  readonly kind: 'match' | 'timeout' | 'window';
  readonly version: number;
  readonly title: string | undefined;
  readonly severity: string;
  readonly tags: readonly string[];
  readonly key: Readonly<Record<string, unknown>>;
  /** ms since the epoch: the first and last bound event; of a window its start and end. */
  readonly from: number;
  readonly to: number;
  readonly detected: number;
  /** Event time of what caused the report (the event or timer). */
  readonly at: number;
  readonly suppressed: number;
  /** Events or runs dropped by `keep` since the rule's last alert for this key. */
  readonly dropped: number;
  readonly shadow: boolean;
  /** Of a rule with an early trigger: whether the window has ended. */
  readonly final?: boolean | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly stage: string; readonly events: readonly BoundEvent[] }[] | undefined;
}

export interface BoundEvent {
  /** JSON text; undefined under `evidence refs`. */
  readonly text: string | undefined;
  readonly type: string;
  readonly time: number;
  readonly source: number;
  readonly partition: number;
  readonly offset: number;
}

/** A derived event (`emit`), already given to the rules of the same run that read it. */
export interface Derived {
  readonly rule: string;
  readonly type: string;
  readonly at: number;
  readonly timeout: boolean;
  readonly shadow: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
}
