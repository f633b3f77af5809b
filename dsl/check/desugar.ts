import type { Arrow, NotPattern, Pattern as AstPattern, Span } from '../ast.ts';
import type { Ban, Expr, Item, Pattern } from '../typed.ts';
import type { CountsOf } from './places.ts';
import type { Report } from './report.ts';

const MAX_AND = 4;

export interface DesugarOptions {
  readonly report: Report;
  readonly countsOf: CountsOf;
  /** The duration of `not … for`, read where it stands. */
  readonly durationOf: (not: NotPattern) => Expr | undefined;
}

/**
 * From the pattern as written to the pattern as the engine reads it: `and` becomes alternatives of sequences, groups that only
 * hold things together are gone. Reports what stands where it must not. Undefined where too much is wrong to go on.
 */
export function desugar(pattern: AstPattern, options: DesugarOptions): Pattern | undefined {
  return step(pattern, options);
}

/** A part that takes events. */
function step(pattern: AstPattern, options: DesugarOptions): Pattern | undefined {
  const { report } = options;
  switch (pattern.kind) {
    case 'stageRef': return { kind: 'stage', stage: pattern.name.text, span: pattern.name.span };
    case 'sequence': return sequence(pattern, options);
    case 'or': return choice(pattern, options);
    case 'and': return anyOrder(pattern, options);
    case 'quantified': return repeat(pattern, options);
    case 'not':
      if (pattern.for !== undefined) return silence(pattern, options);
      return report.add('no-step', pattern.span, 'There is nothing here but a ban: a pattern needs a step that takes an event.', { hint: 'not b for 5m waits for a silence; a -> not b for an absence' });
  }
}

function sequence(pattern: Extract<AstPattern, { kind: 'sequence' }>, options: DesugarOptions): Pattern | undefined {
  const { report } = options;
  const items: Item[] = [];
  let bans: Ban[] = [];
  let wrong = false;
  for (const { arrow, arrowSpan, pattern: part } of pattern.items) {
    if (part.kind === 'not' && part.for === undefined) {
      const made = ban(part, arrow, arrowSpan, options);
      if (made === undefined) wrong = true;
      else bans.push(made);
      continue;
    }
    if (part.kind === 'not' && arrow !== undefined && arrow !== 'followed') {
      report.add('silence-arrow', arrowSpan ?? part.span, 'A silence stands at the start or after `->`.', { hint: 'write -> not … for' });
    }
    const made = step(part, options);
    if (made === undefined) {
      wrong = true;
      continue;
    }
    const [first, ...rest] = made.kind === 'sequence' ? made.items : [{ arrow: 'followed' as const, bans: [], pattern: made }];
    items.push({ ...first!, arrow: items.length === 0 ? 'followed' : arrow ?? 'followed', bans: [...bans, ...first!.bans] }, ...rest);
    bans = made.kind === 'sequence' ? [...made.trailing] : [];
  }
  if (wrong) return undefined;
  if (items.length === 0) return report.add('no-step', pattern.span, 'There is nothing here but bans: a pattern needs a step that takes an event.');
  const [only] = items;
  if (items.length === 1 && only!.bans.length === 0 && bans.length === 0) return only!.pattern;
  return { kind: 'sequence', items, trailing: bans, span: pattern.span };
}

function ban(not: NotPattern, arrow: Arrow | undefined, arrowSpan: Span | undefined, options: DesugarOptions): Ban | undefined {
  const { report } = options;
  if (arrow === 'any') {
    report.add('ban-after-any', arrowSpan ?? not.span, '`->> not` has no meaning: a ban is about all events between.', { hint: 'write -> not b ->> c' });
  }
  const kind = arrow === 'next' ? 'next' : 'between';
  const stages = stagesOf(not.inner);
  if (stages !== undefined) return { kind, what: { kind: 'stages', stages }, span: not.span };
  if (not.inner.kind !== 'sequence') {
    return report.add('bad-ban', not.inner.span, '`not` takes a stage, an `or` of stages, or a sequence in parentheses.', {
      hint: not.inner.kind === 'quantified' ? 'one event is enough to break a ban: leave the quantifier out' : undefined,
    });
  }
  if (hasNot(not.inner)) return report.add('bad-ban', not.inner.span, 'A banned sequence holds no `not` of its own.');
  if (kind === 'next') {
    return report.add('bad-ban', not.span, '`=> not` is about the very next event, and a sequence is more than one.', { hint: 'write -> not (…)' });
  }
  const inner = step(not.inner, options);
  return inner && { kind, what: { kind: 'sequence', pattern: inner }, span: not.span };
}

/** The names of a stage or an `or` of stages; undefined: it is something else. */
function stagesOf(pattern: AstPattern): string[] | undefined {
  if (pattern.kind === 'stageRef') return [pattern.name.text];
  if (pattern.kind !== 'or') return undefined;
  const names = pattern.operands.map(stagesOf);
  return names.includes(undefined) ? undefined : [...new Set(names.flatMap((name) => name!))];
}

function hasNot(pattern: AstPattern): boolean {
  switch (pattern.kind) {
    case 'not': return true;
    case 'stageRef': return false;
    case 'sequence': return pattern.items.some((item) => hasNot(item.pattern));
    case 'or': case 'and': return pattern.operands.some(hasNot);
    case 'quantified': return hasNot(pattern.inner);
  }
}

function silence(not: NotPattern, options: DesugarOptions): Pattern | undefined {
  const stages = stagesOf(not.inner);
  if (stages === undefined) {
    return options.report.add('bad-ban', not.inner.span, '`not … for` takes a stage or an `or` of stages.');
  }
  const duration = options.durationOf(not);
  return duration && { kind: 'silence', stages, duration, span: not.span };
}

function choice(pattern: Extract<AstPattern, { kind: 'or' | 'and' }>, options: DesugarOptions): Pattern | undefined {
  const alternatives = pattern.operands.map((operand) => {
    if (operand.kind === 'not') return options.report.add('not-in-choice', operand.span, '`or` has no `not` among its alternatives.', { hint: operand === pattern.operands[0] ? `to ban each of them: not ( … ); a ban stands between steps: a -> not b -> c` : 'a ban stands between steps: a -> not b -> c' });
    return step(operand, options);
  });
  if (alternatives.includes(undefined)) return undefined;
  return {
    kind: 'or', span: pattern.span,
    alternatives: alternatives.flatMap((alternative) => (alternative!.kind === 'or' ? alternative!.alternatives : [alternative!])),
  };
}

function anyOrder(pattern: Extract<AstPattern, { kind: 'or' | 'and' }>, options: DesugarOptions): Pattern | undefined {
  const { report } = options;
  const stages: Pattern[] = [];
  for (const operand of pattern.operands) {
    if (operand.kind === 'stageRef') stages.push({ kind: 'stage', stage: operand.name.text, span: operand.name.span });
    else if (operand.kind === 'not') report.add('not-in-choice', operand.span, '`and` has no `not` among its operands.', { hint: 'a ban stands between steps: a -> not b -> c' });
    else report.add('bad-and', operand.span, 'The operands of `and` are single stages.', { hint: 'write the orders out: ((a -> b) or (b -> a))' });
  }
  if (stages.length > MAX_AND) {
    return report.add('bad-and', pattern.span, `\`and\` takes at most four stages; here are ${stages.length}.`, { hint: 'count them with one stage that repeats, and check the rest in `having`' });
  }
  if (stages.length < pattern.operands.length) return undefined;
  return {
    kind: 'or', span: pattern.span,
    alternatives: permutations(stages).map((order) => ({
      kind: 'sequence' as const, items: order.map((stage) => ({ arrow: 'followed' as const, bans: [], pattern: stage })), trailing: [], span: pattern.span,
    })),
  };
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) => permutations(items.filter((_, j) => j !== i)).map((rest) => [item, ...rest]));
}

function repeat(pattern: Extract<AstPattern, { kind: 'quantified' }>, options: DesugarOptions): Pattern | undefined {
  const { report } = options;
  const { min, max } = options.countsOf(pattern);
  const single = unwrapped(pattern.inner).kind === 'stageRef';
  for (const word of ['greedy', 'lazy'] as const) {
    if (pattern[word] && !single) {
      report.add('group-modifier', pattern.span, `\`${word}\` on a group is not available in this version.`, { hint: `it stands on a loop of one stage: x+ ${word}` });
    }
  }
  if (pattern.greedy && pattern.lazy) report.add('contradiction', pattern.span, '`greedy` contradicts `lazy`.');
  if (pattern.greedy && pattern.iteration === 'any') report.add('contradiction', pattern.span, '`greedy` contradicts `any`: one takes every event it can, the other may leave each of them out.');
  if (pattern.quantifier === '?' && pattern.iteration !== undefined) {
    report.add('not-a-loop', pattern.span, `\`${pattern.iteration}\` says how the events of a loop follow each other, and \`?\` takes at most one.`);
  }
  const inner = step(pattern.inner, options);
  return inner && {
    kind: 'repeat', inner, min, ...(max && { max }), iteration: pattern.iteration === 'strict' ? 'next' : pattern.iteration ?? 'followed', iterationBans: [],
    greedy: pattern.greedy, lazy: pattern.lazy, span: pattern.span,
  };
}

function unwrapped(pattern: AstPattern): AstPattern {
  return pattern.kind === 'sequence' && pattern.items.length === 1 ? unwrapped(pattern.items[0]!.pattern) : pattern;
}

/** `without`: the same ban on every arrow, those inside loops included, and on a closing absence. */
export function withBan(pattern: Pattern, added: Ban): Pattern {
  switch (pattern.kind) {
    case 'stage': case 'silence': return pattern;
    case 'or': return { ...pattern, alternatives: pattern.alternatives.map((alternative) => withBan(alternative, added)) };
    case 'repeat': return { ...pattern, inner: withBan(pattern.inner, added), iterationBans: [...pattern.iterationBans, added] };
    case 'sequence': return {
      ...pattern,
      items: pattern.items.map((item, i) => ({ ...item, bans: i === 0 ? item.bans : [...item.bans, added], pattern: withBan(item.pattern, added) })),
      // `a => not b` at the end completes at the next event and is no absence: a second ban must not make it one.
      trailing: pattern.trailing.some((ban) => ban.kind === 'between') ? [...pattern.trailing, added] : pattern.trailing,
    };
  }
}
