import { Random } from '../random.ts';

/** A random rule over windows with random events, in the order in which they arrive. */
export interface WindowCase { readonly seed: number; readonly tree: WindowTree; readonly rule: string; readonly events: readonly InputEvent[]; readonly lateness: number }

/** The parts of the rule R, as texts. */
export interface WindowTree {
  readonly by: string | undefined;
  readonly on: string;
  readonly window: string;
  readonly trigger: string | undefined;
  readonly late: string | undefined;
  readonly having: string | undefined;
  readonly fields: Fields;
  readonly clear: Fields | undefined;
}
export type Fields = readonly (readonly [name: string, value: string])[];

export function printWindow({ by, on, window, trigger, late, having, fields, clear }: WindowTree): string {
  const textOf = (list: Fields): string => list.map(([name, value]) => `${name}: ${value}`).join(', ');
  const lines = [
    by === undefined ? undefined : `by ${by}`, `on ${on}`, `window ${window}`, trigger === undefined ? undefined : `trigger ${trigger}`, late === undefined ? undefined : `late within ${late}`,
    having === undefined ? undefined : `having ${having}`, `alert out { ${textOf(fields)} }`, clear === undefined ? undefined : `on clear alert calm { ${textOf(clear)} }`,
  ];
  return `rule R {\n${lines.filter((line) => line !== undefined).map((line) => `  ${line}\n`).join('')}}`;
}

export interface InputEvent {
  readonly type: 'A' | 'B';
  readonly at: number;
  readonly k: string | null;
  readonly v: number | null;
  readonly s: string;
  readonly ok: boolean;
}

const FIELDS = '{ k: string?, v: float?, s: string, ok: bool, at: time } time at';
export const TYPES = `event A ${FIELDS}\nevent B ${FIELDS}\n`;

/** The day on which New York's clocks go forward, so that days of the calendar are met at their oddest. */
const START = Date.parse('2026-03-08T04:59:00Z');

export function generateWindowCase(seed: number): WindowCase {
  const random = new Random(seed);
  const named = random.chance(0.4);
  const shape = random.weighted<() => string>([
    [3, () => `tumbling ${random.pick(['10s', '30s', '1m'])}${random.chance(0.4) ? ` offset ${random.pick(['3s', '7s', '90s'])}` : ''}`],
    [1, () => `tumbling ${random.pick(['day', 'week', 'month'])}${random.chance(0.7) ? ' in "America/New_York"' : ''}`],
    [3, () => `sliding ${random.pick(['10s', '30s', '1m'])} every ${random.pick(['2s', '5s', '10s', '15s'])}`],
    [3, () => `sliding ${random.pick(['5s', '10s', '30s'])}`],
    [3, () => `session gap ${random.pick(['3s', '8s', '15s'])}${random.chance(0.5) ? ` max ${random.pick(['10s', '20s', '40s'])}` : ''}`],
    [2, () => `count ${random.pick([1, 2, 3, 5])}`],
    [1, () => { const size = random.int(2, 6); return `count ${size} every ${random.int(1, size)}`; }],
    [1, () => 'global'],
  ])();
  const kind = shape.split(' ')[0]!;
  const overlaps = shape.includes('every');
  const aggregate = (): string => {
    const input = named && random.chance(0.6) ? random.pick(['x', 'y']) : '';
    const of = (field: string): string => (input === '' ? field : `${input}.${field}`);
    const where = random.chance(0.3) ? ` where ${random.pick([of('ok'), `${of('v')} > 1`, `not ${of('ok')}`])}` : '';
    return random.pick([
      () => (where === '' ? `count(${input})` : `count(${where.trim()})`), () => `sum(${of('v')}${where})`, () => `avg(${of('v')}${where})`,
      () => `min(${of('v')}${where})`, () => `max(${of('v')}${where})`, () => `stddev(${of('v')}${where})`, () => `variance(${of('v')}${where})`,
      () => `first(${of('v')}${where})`, () => `last(${of('v')}${where})`, () => `first(${of('s')}${where})`, () => `distinct(${of('s')}${where})`, () => `values(${of('v')}${where})`,
      () => `values(${of('s')}${where}, ${random.int(1, 3)})`, () => `percentile(${of('v')}${where}, ${random.pick([0, 50, 90, 100])})`, () => `slope(${of('v')}${where}, 10s)`,
      () => `any(${of('ok')}${where})`, () => `all(${of('v')} > 0${where})`, () => `top(${of('s')}${where}, ${random.int(1, 3)})`,
      () => `lasting(${of('ok')}${where})`, () => `timeAvg(${of('v')}${where})`, () => `max(${of('s')}${where})`,
    ])();
  };
  const condition = (): string => random.pick([
    `count() > ${random.int(1, 4)}`, `sum(v) > ${random.int(-4, 12) / 4}`, `max(v) > ${random.int(0, 8) / 4}`, `avg(v) < ${random.int(0, 8) / 4}`, 'last(v) > first(v)',
    `distinct(s) >= ${random.int(2, 3)}`, 'any(ok)', 'not all(ok)', 'all(ok)', `min(v) > ${random.int(-4, 4) / 4}`, `sum(v) < ${random.int(-2, 8) / 4}`, `count(where ok) >= ${random.int(1, 3)}`, ...(named ? [`count(y) > ${random.int(0, 2)}`, 'sum(x.v) > sum(y.v)'] : []),
  ]);
  const rises = kind === 'global' || random.chance(0.3);
  const isRead = kind === 'sliding' && !overlaps;
  const early = !isRead && !rises && random.chance(0.35);
  const isLate = random.chance(0.5) && kind !== 'count' && kind !== 'global' && !isRead;
  const everyEvents = kind === 'global' && random.chance(0.6);
  const hasHaving = (rises && !everyEvents) || random.chance(0.6);
  const isClear = hasHaving && ((rises && !everyEvents) || isLate) && random.chance(0.8);
  const tree: WindowTree = {
    by: random.chance(0.85) ? 'k' : undefined,
    on: named ? `x: A${random.chance(0.3) ? ' where v > 0' : ''}, y: B${random.chance(0.3) ? ' where ok' : ''}` : random.pick(['A', 'A where ok', 'A, B']),
    window: shape,
    trigger: everyEvents ? `every ${random.pick(['event', '3 events'])}` : rises ? 'on rise' : early ? random.pick(['early every 4s', 'early every 5s', 'early every 10s', 'every event', 'every 3 events']) : undefined,
    late: isLate ? random.pick(['5s', '20s', '2m', '10m']) : undefined,
    having: hasHaving ? `${condition()}${random.chance(0.3) ? ` ${random.pick(['and', 'or'])} ${condition()}` : ''}` : undefined,
    fields: [...['a', 'b', 'c', 'd'].map((name) => [name, aggregate()] as const), ['ws', 'window.start'], ['we', 'window.end'], ['n', 'count()']],
    clear: isClear ? [['a', aggregate()], ['we', 'window.end'], ['n', 'count()']] : undefined,
  };

  const count = random.weighted([[1, random.int(0, 6)], [4, random.int(6, 40)]]);
  const pace = kind === 'tumbling' && /day|week|month/.test(shape) ? random.pick([600_000, 7_200_000, 200_000_000]) : random.pick([1000, 2500, 6000]);
  let now = START + random.int(0, 30) * 1000;
  const events: InputEvent[] = Array.from({ length: count }, () => {
    now += random.weighted<() => number>([[2, () => 0], [6, () => random.int(0, 2 * pace)], [1, () => random.int(0, 12 * pace)]])();
    // Whole seconds now and then, so that events meet the ends of windows.
    if (random.chance(0.4)) now = Math.ceil(now / 1000) * 1000;
    return {
      type: random.chance(0.6) ? 'A' : 'B', at: now, k: random.weighted([[5, 'p'], [3, 'q'], [1, null]]), v: random.chance(0.1) ? null : random.int(-4, 12) / 4,
      s: random.pick(['m', 'n', 'zz', 'a']), ok: random.chance(0.5),
    };
  });
  // Late events are for rules that keep windows for them.
  const disorder = random.chance(isLate ? 0.9 : 0.5) ? random.pick(isLate ? [15_000, 60_000] : [4000, 15_000, 60_000]) : 0;
  const lateness = disorder === 0 ? 0 : random.pick(isLate ? [0, 0, 1000, 5000] : [0, 3000, 10_000, 60_000]);
  const delayed = events.map((event, i) => ({ event, arrives: event.at + (disorder > 0 && random.chance(0.5) ? random.int(0, disorder) : 0), i }));
  return { seed, tree, rule: TYPES + printWindow(tree), events: delayed.sort((a, b) => a.arrives - b.arrives || a.i - b.i).map(({ event }) => event), lateness };
}
