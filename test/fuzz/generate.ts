import { defineStage, having } from './conditions.ts';
import { PatternMaker } from './pattern.ts';
import { Random } from './random.ts';
import { print, stagesOf, type Item, type RuleTree, type StageDef } from './tree.ts';

/** An event as it stands in the input: `type`, the type's fields, and its time in ms in `at`. */
export type InputEvent = { readonly type: string; readonly at: number; readonly k: string } & Readonly<Record<string, unknown>>;

export interface Case {
  readonly seed: number;
  readonly tree: RuleTree;
  /** A rule file with one rule, `R`. */
  readonly rule: string;
  /** In processing order: by time, equal times in the order of the list. */
  readonly events: readonly InputEvent[];
}

/**
 * The case of a seed. `valid` says whether the checker takes a rule; of the rules that a seed gives the first valid one is used.
 * @throws when none of the first 200 is valid.
 */
export function generateCase(seed: number, valid: (rule: string) => boolean): Case {
  const random = new Random(seed);
  for (let attempt = 0; attempt < 200; attempt++) {
    const tree = makeRule(random);
    const rule = print(tree);
    if (valid(rule)) return { seed, tree, rule, events: makeEvents(random, tree) };
  }
  throw new Error(`seed ${seed} gives no valid rule`);
}

export function makeRule(random: Random): RuleTree {
  const maker = new PatternMaker(random);
  const pattern = maker.make();
  const mode = random.weighted([[5, 'all'], [2, ''], [1, 'first'], [3, 'longest']] as const);
  const positive = maker.roles.filter((role) => !role.banned);
  const stages = maker.roles.map((role, i) => defineStage(random, role, maker.roles.slice(0, i)));
  const without = random.chance(0.07) ? ['out'] : [];
  if (without.length > 0) stages.push(defineStage(random, { name: 'out', loop: false, groups: [], banned: true, inSilence: false, position: 0 }, []));
  const loopless = positive.filter((role) => !role.loop && role.groups.length === 0);
  const startBan = bansAtStart(pattern.items);
  const bounds = makeBounds(random, maker.needsBound, startBan, loopless.map((role) => role.name));
  const bounded = bounds.within !== undefined || bounds.gap !== undefined || bounds.session !== undefined;
  const skip = random.chance(0.3)
    ? random.weighted([[3, 'past last'], [2, 'to next'], [2, 'none'], [2, `to first ${random.pick(positive).name}`], [2, `to last ${random.pick(positive).name}`]])
    : undefined;
  return {
    ...(random.chance(0.75) && { by: keyOf(random, loopless.map((role) => role.name)) }),
    ...(random.chance(0.08) && { on: random.pick(['A where v != 2, B', 'A, B where w != 1', 'A where w < 3, B where v > 0', 'A where v > 0, A where w == 1, B']) }),
    mode, pattern, without, ...bounds, ...(skip !== undefined && { skip }), stages,
    ...(random.chance(0.12) && { having: having(random, positive) }),
    onTimeout: bounded && random.chance(0.5),
  };
}

/** `stages`: single ones, whose fields a length may read. */
function makeBounds(random: Random, needed: boolean, within: boolean, stages: readonly string[]): Pick<RuleTree, 'within' | 'gap' | 'session'> {
  const read = () => (stages.length === 0 ? '4s' : `2s * (1 + ${random.pick(stages)}.${random.pick(['v', 'x'])})`);
  const span = () => (random.chance(0.08) ? read() : random.weighted([[2, '2s'], [4, '3s'], [4, '5s'], [3, '8s'], [1, '2s * n']]));
  const kind = random.weighted([[needed || within ? 0 : 4, 'none'], [5, 'within'], [within ? 0 : 1, 'gap'], [within ? 0 : 1, 'session'], [1, 'both'], [1, 'all']] as const);
  switch (kind) {
    case 'none': return {};
    case 'within': return { within: span() };
    case 'gap': return { gap: span() };
    case 'session': return { session: span() };
    case 'both': return { within: span(), gap: span() };
    case 'all': return { within: span(), session: random.pick(['3s', '4s']), ...(random.chance(0.5) && { gap: span() }) };
  }
}

function bansAtStart(items: readonly Item[]): boolean {
  const first = items[0];
  return first !== undefined && 'not' in first && first.silence === undefined;
}

function keyOf(random: Random, stages: readonly string[]): string {
  if (stages.length > 0 && random.chance(0.06)) return `k (${random.pick(stages)}: k2)`;
  return random.weighted([[14, 'k'], [1, 'k, w'], [1, 'k (B: k2)']]);
}

/**
 * Up to nine events of few keys and values, with ties in time and gaps around and exactly at the bounds. Most follow the stages of the rule in
 * their order, so that most rules match something.
 */
export function makeEvents(random: Random, tree: RuleTree): InputEvent[] {
  const events: InputEvent[] = [];
  const count = random.weighted([[1, 3], [2, 5], [3, 6], [4, 7], [4, 8], [4, 9]]);
  const otherKey = random.chance(0.35) ? 0.2 : 0;
  const vs = random.pick([[0, 1, 2], [0, 1], [1, 2]]);
  const ws = random.pick([[1, 2, 3], [1, 2], [2]]);
  const aimed = random.pick([0.4, 0.7, 0.9, 1]);
  const onward = random.pick([0.5, 0.7, 0.95]);
  const pause = / for \d/.test(print(tree)) ? 5 : 1;
  const wanted = stagesOf(tree.pattern).flatMap((name) => tree.stages.filter((stage) => stage.name === name));
  const opening = tree.pattern.items[0];
  const starts = opening !== undefined && 'not' in opening && opening.silence !== undefined ? opening.not.stages : [];
  const aims = wanted.filter((stage) => stage.name.startsWith('s') || starts.includes(stage.name));
  let next = 0;
  let at = 1_000_000;
  for (let i = 0; i < count; i++) {
    at += random.weighted([[5, 0], [8, 1000], [4, 2000], [2, 3000], [pause, 5000], [1, 500], [1, 999], [1, 8000]]);
    let stage: StageDef | undefined;
    if (random.chance(aimed)) {
      stage = aims[next % aims.length];
      if (random.chance(onward)) next++;
    } else if (random.chance(0.4)) stage = random.pick(wanted);
    const type = stage === undefined ? random.weighted([[6, 'A'], [3, 'B'], [1, 'D']]) : typeFor(random, stage);
    events.push({
      type, k: random.chance(otherKey) ? 'q' : 'p', k2: random.chance(otherKey || 0.1) ? 'q' : 'p',
      v: valueFor(random, stage, 'v', vs), w: valueFor(random, stage, 'w', ws),
      ...(random.chance(0.5) && { x: random.chance(0.2) ? null : random.int(0, 1) }), at, ...(type === 'D' && { y: 1 }),
    });
  }
  return events;
}

function typeFor(random: Random, stage: StageDef): string {
  const type = random.pick(stage.types.split(' | '));
  return type === 'A' && random.chance(0.1) ? 'D' : type;
}

/** A value that the plain comparisons of the stage's condition take. */
function valueFor(random: Random, stage: StageDef | undefined, field: string, values: readonly number[]): number {
  const fitting = values.filter((value) => (stage?.where ?? []).every((condition) => {
    const [, name, op, text] = /^(\w+) (==|!=|<=|>=) (\d+)$/.exec(condition) ?? [];
    const bound = Number(text);
    if (name !== field) return true;
    return op === '==' ? value === bound : op === '!=' ? value !== bound : op === '<=' ? value <= bound : value >= bound;
  }));
  return random.pick(fitting.length > 0 ? fitting : values);
}
