import { type Case, type InputEvent } from './generate.ts';
import { Random } from './random.ts';
import { print, type Item, type RuleTree } from './tree.ts';

/**
 * The case of a seed: a loop at the start of the pattern that all runs of a key go through in step, with totals read at its exit, which the general
 * generator hardly ever makes. More events than there, of values that add up.
 */
export function generateLoopCase(seed: number, valid: (rule: string) => boolean): Case {
  const random = new Random(seed);
  for (let attempt = 0; attempt < 200; attempt++) {
    const tree = makeRule(random);
    const rule = print(tree);
    if (valid(rule)) return { seed, tree, rule, events: makeEvents(random) };
  }
  throw new Error(`seed ${seed} gives no valid rule`);
}

function makeRule(random: Random): RuleTree {
  const strict = random.chance(0.35);
  const least = random.int(1, 3);
  const quantifier = strict ? random.pick([`{${least}}`, `{${least},}`, `{${least},${least + random.int(0, 2)}}`, '+']) : random.pick([`{${least},}`, '+']);
  const taking = random.chance(0.85) ? 'greedy' : '';
  const loop: Item = { arrow: '->', node: { kind: 'loop', inner: { kind: 'stage', name: 'p' }, quantifier, iteration: strict ? 'strict' : '', taking } };
  const arrow = strict || random.chance(0.2) ? '=>' : '->';
  const items: Item[] = [];
  if (random.chance(0.15)) items.push({ arrow: '->', not: { kind: 'stages', stages: ['x'] } });
  items.push(loop);
  if (random.chance(0.2)) items.push({ arrow: '->', not: { kind: 'stages', stages: ['x'] } });
  items.push(random.chance(0.25)
    ? { arrow, node: { kind: 'or', operands: [{ kind: 'stage', name: 'h' }, { kind: 'stage', name: 'g' }] } } : { arrow, node: { kind: 'stage', name: 'h' } });
  const condition = (): string[] => random.pick([
    [], ['v >= 2'], ['v >= avg(p.v)'], ['v > 2 * avg(p.v)'], ['v >= count(p)'], ['w >= 2', 'v != last(p).v'], ['sum(p.v) >= 4'], ['sum(p.v where p.w > 1) >= 2'],
    ['count(p.v where p.v >= 1) >= 2'], ['w > 1', 'avg(p.v) < 2'], ['v == last(p).v'], ['count(p.x) >= 1'], ['sum(p.x) >= 1', 'v > 0'],
  ]);
  const where = random.pick([['v <= 1'], ['v <= 2'], ['w <= 2'], []]);
  const within = random.weighted([[6, '5s'], [4, '8s'], [2, '3s'], [1, '']]);
  const gap = random.chance(0.06) ? '3s' : '';
  const skip = random.chance(0.4) ? random.pick(['past last', 'none', 'to first p', 'to last p', 'to last h']) : '';
  return {
    ...(random.chance(0.8) && { by: random.pick(['k', 'k', 'k, w']) }),
    mode: random.weighted([[5, 'all'], [4, 'first'], [1, '']] as const),
    pattern: { kind: 'sequence', items }, without: random.chance(0.08) ? ['x'] : [],
    ...(within !== '' && { within }), ...(gap !== '' && { gap }), ...(skip !== '' && { skip }),
    ...(random.chance(0.1) && { session: '4s' }),
    stages: [
      { name: 'p', types: random.pick(['A', 'A', 'A | B']), where },
      { name: 'h', types: random.pick(['A', 'B', 'A | B']), where: condition() },
      { name: 'g', types: random.pick(['A', 'B']), where: condition() },
      { name: 'x', types: 'B', where: random.pick([['v == 3'], ['w == 3']]) },
    ],
    ...(random.chance(0.15) && { having: random.pick(['count(p) >= 2', 'sum(p.v) != 3', 'avg(p.v) >= 1']) }),
    onTimeout: false,
  };
}

function makeEvents(random: Random): InputEvent[] {
  const events: InputEvent[] = [];
  const count = random.int(5, 16);
  const otherKey = random.chance(0.3) ? 0.25 : 0;
  const hits = random.pick([0.15, 0.3]);
  let at = 1_000_000;
  for (let i = 0; i < count; i++) {
    at += random.weighted([[4, 0], [8, 500], [6, 1000], [3, 2000], [1, 5000]]);
    events.push({
      type: random.chance(hits) ? 'B' : 'A', k: random.chance(otherKey) ? 'q' : 'p', k2: 'p', v: random.int(0, random.chance(0.3) ? 5 : 2), w: random.int(1, 3),
      ...(random.chance(0.5) && { x: random.chance(0.2) ? null : random.int(0, 2) }), at,
    });
  }
  return events;
}
