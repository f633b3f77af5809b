import type { Random } from './random.ts';
import type { Role } from './pattern.ts';
import type { StageDef } from './tree.ts';

/** Makes the definition of a stage: its type, and a condition that holds often and sometimes reads what is bound before. */
export function defineStage(random: Random, role: Role, earlier: readonly Role[]): StageDef {
  const types = random.weighted([[role.banned ? 6 : 10, 'A'], [4, 'B'], [1, 'D'], [1, 'A | B']]);
  const where: string[] = [];
  if (random.chance(role.banned ? 0.9 : 0.7)) where.push(plain(random));
  const known = earlier.filter((other) => !other.banned);
  if (known.length > 0 && random.chance(0.35)) where.push(relative(random, role, random.pick(known)));
  if (isLoop(role) && random.chance(0.2)) where.push(own(random, role));
  if (role.position > 0 && !role.inSilence && random.chance(0.08)) {
    where.push(random.pick(['v != prev.v', '(prev.v is null or v >= prev.v)', 'v == prev.v', 'w != prev.w']));
  }
  return {
    name: role.name, types, where,
    ...(role.loop && random.chance(0.15) && { until: until(random, role) }),
    ...(random.chance(0.1) && stageBound(random, role, known)),
  };
}

/** A `having` over the stages of the pattern. */
export function having(random: Random, roles: readonly Role[]): string {
  const role = random.pick(roles);
  const of = random.pick(roles);
  if (isLoop(role)) {
    return random.pick([
      `count(${role.name}) != 2`, `count(${role.name}) >= 1`, `(sum(${role.name}.v) < 4 or count(${role.name}) == 1)`, `not (max(${role.name}.v) > 2)`,
      `count(${role.name}.v where ${role.name}.v == 1) < 2`, `lasting(${role.name}.v > 0) < 3s`, `(timeAvg(${role.name}.v) ?? 1) <= 1`,
    ]);
  }
  if (!isLoop(of) && of !== role) return random.pick([`${role.name}.v != ${of.name}.v`, `(${role.name}.w >= ${of.name}.w or ${of.name}.w is null)`]);
  return random.pick([`${role.name}.v != 2`, `not (${role.name}.w == 1)`, 'match.to - match.from >= 1s', 'match.to - match.from < 6s']);
}

function isLoop(role: Role): boolean {
  return role.loop || role.groups.length > 0;
}

function plain(random: Random): string {
  const value = random.int(0, 2);
  return random.weighted([
    [8, `v == ${value}`], [4, `v <= ${random.int(0, 1)}`], [4, `v >= ${random.int(1, 2)}`], [3, `v != ${value}`], [2, `v in [0, ${random.int(1, 2)}]`],
    [2, `w >= ${random.int(1, 2)}`], [1, 'x is null'], [1, 'x is not null'], [1, `not (x == ${value})`], [1, 'v + w > 2'], [1, 'v % 2 == 1'],
  ]);
}

/** Reads another stage's event, or, of a loop, an aggregate. */
function relative(random: Random, role: Role, other: Role): string {
  const name = other.name;
  const sameTurn = other.groups.every((group) => role.groups.includes(group));
  const field = random.pick(['v', 'v', 'w']);
  if (!other.loop && sameTurn) {
    return random.weighted([
      [4, `${field} == ${name}.${field}`], [4, `${field} != ${name}.${field}`], [2, `${field} >= ${name}.${field}`], [1, `v < ${name}.w`],
      [1, `timeOf(${role.name}) - timeOf(${name}) < ${random.pick(['2s', '4s'])}`], [1, `(${name}.x is null or x != ${name}.x)`], [1, `sum(${name}.v) <= 2`],
    ]);
  }
  return random.pick([
    `${field} == last(${name}).${field}`, `${field} != first(${name}).${field}`, `count(${name}) >= ${random.int(1, 2)}`, `count(${name}) <= ${random.int(1, 2)}`,
    `sum(${name}.v) + v ${random.pick(['<', '>='])} ${random.int(2, 4)}`, `v >= avg(${name}.v)`, `(v >= min(${name}.v))`, `not (v == max(${name}.v))`,
    `(count(${name}) == 0 or w == last(${name}).w)`, `distinct(${name}.v) <= 1`,
    `lasting(${name}.v == ${random.int(0, 2)}) ${random.pick(['<', '>='])} 1s`, `(timeAvg(${name}.v) ?? 1) >= v`, `(timeAvg(${name}.v where ${name}.w > 0) ?? v) <= 1`,
  ]);
}

/** Reads what the loop itself has taken. */
function own(random: Random, { name }: Role): string {
  return random.pick([
    `(count(${name}) == 0 or v >= last(${name}).v)`, `(count(${name}) == 0 or v != last(${name}).v)`, `sum(${name}.v) + v < ${random.int(3, 5)}`,
    `(count(${name}) == 0 or w == first(${name}).w)`, `count(${name}) < ${random.int(2, 3)}`, `(count(${name}) == 0 or v <= avg(${name}.v))`,
    `(lasting(${name}.v > 0) ?? 0s) < ${random.pick(['1s', '3s'])}`, `(timeAvg(${name}.v) is null or v <= timeAvg(${name}.v))`,
  ]);
}

function until(random: Random, { name }: Role): string {
  return random.pick([`v == ${random.int(0, 2)}`, `w == ${random.int(1, 3)}`, `sum(${name}.v) >= ${random.int(1, 3)}`, `count(${name}) >= 2 and v == 1`, 'v > 1']);
}

function stageBound(random: Random, role: Role, known: readonly Role[]): Pick<StageDef, 'within'> {
  const duration = random.weighted([[4, '2s'], [4, '3s'], [3, '5s'], [1, '1s * n']]);
  if (isLoop(role) && !role.banned && random.chance(0.5)) return { within: { duration, of: role.name } };
  return known.length === 0 ? {} : { within: { duration, of: random.pick(known).name } };
}
