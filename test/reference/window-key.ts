/** What is asked of the windows of one key, whatever their shape. */
import type { Expr, Literal, WindowRule } from '../../dsl/typed.ts';
// oxlint-disable-next-line no-restricted-imports -- the interpreter is the written-out meaning of expressions, not a part of the engine
import { evaluate, type Env } from '../../src/compile/interpret.ts';

/** An event as it arrives. */
export interface WindowEvent { readonly type: string; readonly time: number; readonly fields: Readonly<Record<string, unknown>> }

export interface WindowReport {
  readonly key: readonly Literal[];
  readonly clear: boolean;
  /** As the rule reads it: null where the window has none. */
  readonly start: number | null;
  readonly end: number | null;
  /** As the alert says it. */
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly final: boolean | undefined;
  /** Of the first alert clause that this report is for. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An event of a key, with its place in processing order. */
export interface Seen extends WindowEvent { readonly order: number }

export interface Settings {
  readonly rule: WindowRule;
  readonly params: ReadonlyMap<string, Literal>;
  readonly late: number;
  report(report: WindowReport): void;
}

export function constant(expr: Expr | undefined, params: ReadonlyMap<string, Literal>): number | undefined {
  return expr === undefined ? undefined : evaluate(expr, { eventField: () => null, keyField: () => null, stageEvents: () => [], stageEvent: () => undefined, param: (name) => params.get(name) }) as number;
}

export function envOf({ rule, params }: Settings, key: readonly Literal[], at: { readonly event?: WindowEvent; readonly events?: readonly Seen[]; readonly start?: number | null; readonly end?: number | null }): Env {
  const { event, events = [], start = null, end = null } = at;
  return {
    eventField: (field) => event?.fields[field] ?? null,
    ...(event !== undefined && { eventTime: event.time }),
    param: (name) => params.get(name),
    keyField: (part) => key[part] ?? null,
    stageEvents: () => [], stageEvent: () => undefined,
    window: { start, end },
    windowEvents: (name) => inTime(events).filter((each) => rule.window.inputs.some((input) => (name === undefined || input.name === name) && input.accepts.includes(each.type)
      && (input.where === undefined || evaluate(input.where, envOf({ rule, params } as Settings, key, { event: each })) === true))),
  };
}

const inTime = (events: readonly Seen[]): Seen[] => [...events].sort((a, b) => a.time - b.time || a.order - b.order);

/** The windows of one key. */
export abstract class KeyWindows {
  protected readonly settings: Settings;
  protected readonly key: readonly Literal[];
  protected readonly onRise: boolean;

  constructor(settings: Settings, key: readonly Literal[]) {
    this.settings = settings;
    this.key = key;
    this.onRise = settings.rule.window.trigger?.kind === 'rise';
  }

  /** An event; late where `now` is later than it. */
  abstract add(event: Seen, now: number): void;
  /** What is due next. */
  abstract next(): { readonly at: number; readonly order: number } | undefined;
  abstract fire(at: number): void;
  finish(_now: number): void { /* time closes all */ }
  firstOrder(): number { return Infinity; }

  protected length(expr: Expr): number { return constant(expr, this.settings.params)!; }

  /** The early trigger: every so many ms, or events. */
  protected early(): { readonly kind: 'time' | 'events'; readonly amount: number } | undefined {
    const { trigger } = this.settings.rule.window;
    return trigger?.kind === 'early' ? { kind: trigger.every.kind, amount: this.length(trigger.every.amount) } : undefined;
  }

  /** A late event changed a window that is over. `before`: whether `having` held of it without that event. */
  protected correct(before: boolean, events: readonly Seen[], now: number, start: number, end: number): void {
    const holds = this.holds(events, start, end);
    if (holds && !(this.onRise && before)) this.report('late', events, now, start, end);
    else if (before && !holds) this.report('clear', events, now, start, end);
  }

  protected holds(events: readonly Seen[], start: number | null, end: number | null): boolean {
    const { having } = this.settings.rule;
    return having === undefined || evaluate(having, envOf(this.settings, this.key, { events, start, end })) === true;
  }

  protected report(cause: 'end' | 'early' | 'rise' | 'clear' | 'late', events: readonly Seen[], at: number, start: number | null, end: number | null, from = start!, to = end!): void {
    const { rule } = this.settings;
    const clear = cause === 'clear';
    const output = rule.outputs.find((each) => (each.onClear === true) === clear);
    if (output === undefined) return;
    const env = envOf(this.settings, this.key, { events, start, end });
    this.settings.report({
      key: this.key, clear, start, end, from, to, at, final: rule.window.trigger?.kind === 'early' ? cause !== 'early' : undefined,
      fields: Object.fromEntries(output.fields.map((field) => [field.name, evaluate(field.value, env)])),
    });
  }
}
