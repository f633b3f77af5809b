import type { Case, InputEvent } from './generate.ts';
import { print, stagesOf, type Banned, type Item, type Node, type RuleTree, type Sequence, type StageDef } from './tree.ts';

/**
 * The smallest case that can be reached from this one by dropping events and taking the rule apart, as long as it still fails.
 * `fails` must be false for a rule that the checker refuses. At most `tries` calls of it.
 */
export function shrink(failing: Case, fails: (candidate: Case) => boolean, tries = 3000): Case {
  let best = failing;
  let left = tries;
  const accept = (candidate: Case): boolean => {
    if (left-- <= 0 || !fails(candidate)) return false;
    best = candidate;
    return true;
  };
  for (let smaller = true; smaller && left > 0;) {
    smaller = false;
    for (const events of simplerEvents(best.events)) {
      if (accept({ ...best, events })) { smaller = true; break; }
    }
    for (const tree of simplerRules(best.tree)) {
      const rule = print(tree);
      if (rule !== best.rule && accept({ ...best, tree, rule })) { smaller = true; break; }
    }
  }
  return best;
}

/** The events without one of them, or with one of them plainer. */
function* simplerEvents(events: readonly InputEvent[]): Generator<InputEvent[]> {
  for (let i = 0; i < events.length; i++) yield events.filter((_, j) => j !== i);
  for (const [i, event] of events.entries()) {
    const { x, ...without } = event;
    if (x !== undefined) yield events.with(i, without as InputEvent);
    if (event.k !== 'p') yield events.with(i, { ...event, k: 'p' });
  }
}

function* simplerRules(tree: RuleTree): Generator<RuleTree> {
  for (const clause of ['having', 'on', 'by', 'skip', 'gap', 'session', 'within'] as const) {
    if (tree[clause] === undefined) continue;
    const { [clause]: _dropped, ...rest } = tree;
    yield rest;
  }
  if (tree.onTimeout) yield { ...tree, onTimeout: false };
  if (tree.without.length > 0) yield { ...tree, without: [] };
  if (tree.mode !== 'all') yield { ...tree, mode: 'all' };
  for (const pattern of simplerSequence(tree.pattern)) yield { ...tree, pattern };
  const used = new Set([...stagesOf(tree.pattern), ...tree.without]);
  for (const [i, stage] of tree.stages.entries()) {
    if (!used.has(stage.name)) continue;
    for (const simpler of simplerStage(stage)) yield { ...tree, stages: tree.stages.with(i, simpler) };
  }
}

function* simplerStage(stage: StageDef): Generator<StageDef> {
  for (let i = 0; i < stage.where.length; i++) yield { ...stage, where: stage.where.filter((_, j) => j !== i) };
  if (stage.until !== undefined) yield { name: stage.name, types: stage.types, where: stage.where, ...(stage.within && { within: stage.within }) };
  if (stage.within !== undefined) yield { name: stage.name, types: stage.types, where: stage.where, ...(stage.until !== undefined && { until: stage.until }) };
  if (stage.types !== 'A') yield { ...stage, types: 'A' };
}

function* simplerSequence(sequence: Sequence): Generator<Sequence> {
  for (let i = 0; i < sequence.items.length; i++) {
    const items = sequence.items.filter((_, j) => j !== i);
    if (items.length > 0) yield { ...sequence, items };
  }
  for (const [i, item] of sequence.items.entries()) {
    for (const simpler of simplerItem(item)) yield { ...sequence, items: sequence.items.toSpliced(i, 1, ...simpler) };
  }
}

/** What may stand in place of an item: another one, or the items of a group. */
function* simplerItem(item: Item): Generator<Item[]> {
  if ('not' in item) {
    if (item.silence !== undefined) yield [{ arrow: item.arrow, not: item.not }];
    for (const not of simplerBanned(item.not)) yield [{ ...item, not }];
    return;
  }
  if (item.node.kind === 'sequence') yield item.node.items.map((inner, i) => (i === 0 ? { ...inner, arrow: item.arrow } : inner));
  for (const node of simplerNode(item.node)) yield [{ arrow: item.arrow, node }];
  if (item.arrow !== '->') yield [{ ...item, arrow: '->' }];
}

function* simplerBanned(not: Banned): Generator<Banned> {
  if (not.stages.length > 1) for (const stage of not.stages) yield { kind: 'stages', stages: [stage] };
  if (not.kind === 'sequence' && not.arrow !== '->') yield { ...not, arrow: '->' };
}

function* simplerNode(node: Node): Generator<Node> {
  switch (node.kind) {
    case 'stage': return;
    case 'or':
    case 'and':
      yield* node.operands;
      if (node.operands.length > 2) for (let i = 0; i < node.operands.length; i++) yield { ...node, operands: node.operands.filter((_, j) => j !== i) };
      for (const [i, operand] of node.operands.entries()) for (const simpler of simplerNode(operand)) yield { ...node, operands: node.operands.with(i, simpler) };
      return;
    case 'loop':
      yield node.inner;
      if (node.iteration !== '') yield { ...node, iteration: '' };
      if (node.taking !== '') yield { ...node, taking: '' };
      for (const quantifier of ['?', '+', '*', '{2}']) {
        if (quantifier.length < node.quantifier.length) yield { ...node, quantifier };
      }
      for (const inner of simplerNode(node.inner)) yield { ...node, inner };
      return;
    case 'sequence': yield* simplerSequence(node);
  }
}
