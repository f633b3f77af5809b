import type { Pattern, QuantifiedPattern, Span } from '../ast.ts';
import type { Counts } from './counts.ts';

/** One mention of a stage in a pattern. */
export interface Place {
  readonly stage: string;
  readonly span: Span;
  /** 'banned': after `not`; 'silent': after `not … for`. */
  readonly role: 'bound' | 'banned' | 'silent';
  /** The nodes around it, outermost first, each with which of its parts leads to it. */
  readonly path: readonly Step[];
}

interface Step { readonly node: Pattern; readonly part: number }

export type CountsOf = (node: QuantifiedPattern) => Counts;

/** All mentions, in the order written. */
export function placesOf(pattern: Pattern): Place[] {
  const places: Place[] = [];
  const visit = (node: Pattern, path: readonly Step[], role: Place['role']): void => {
    switch (node.kind) {
      case 'stageRef': places.push({ stage: node.name.text, span: node.name.span, role, path }); break;
      case 'sequence': node.items.forEach((item, part) => visit(item.pattern, [...path, { node, part }], role)); break;
      case 'or': case 'and': node.operands.forEach((operand, part) => visit(operand, [...path, { node, part }], role)); break;
      case 'quantified': visit(node.inner, [...path, { node, part: 0 }], role); break;
      case 'not': visit(node.inner, [...path, { node, part: 0 }], node.for === undefined ? 'banned' : 'silent'); break;
    }
  };
  visit(pattern, [], 'bound');
  return places;
}

/** How a stage at `target` looks from another at `reader`. */
export interface Relation {
  readonly order: 'before' | 'after' | 'either' | 'other alternative';
  /** From the reader's place it is a list: it is repeated by something that does not repeat the reader. */
  readonly list: boolean;
  /** It may have been left out. */
  readonly optional: boolean;
}

export function relate(target: Place, reader: Place, countsOf: CountsOf): Relation {
  let at = 0;
  while (at < target.path.length && at < reader.path.length && target.path[at]!.node === reader.path[at]!.node
    && target.path[at]!.part === reader.path[at]!.part) at++;
  const fork = target.path[at];
  const other = reader.path[at];
  const inner = target.path.slice(at + 1);
  const optional = isOptional(inner, countsOf);
  const list = isRepeated(inner, countsOf);
  if (fork === undefined || other === undefined || fork.node !== other.node) return { order: 'after', list, optional };
  switch (fork.node.kind) {
    case 'sequence': return { order: fork.part < other.part ? 'before' : 'after', list, optional };
    case 'and': return { order: 'either', list, optional: true };
    case 'or': return { order: 'other alternative', list, optional: true };
    default: return { order: 'after', list, optional };
  }
}

/** A stage at this place can be bound to several events of a match. */
export function isLoop(place: Place, countsOf: CountsOf): boolean {
  return isRepeated(place.path, countsOf);
}

/** A match may have no event of a stage at this place. */
export function isLeftOut(place: Place, countsOf: CountsOf): boolean {
  return isOptional(place.path, countsOf);
}

function isRepeated(path: readonly Step[], countsOf: CountsOf): boolean {
  return path.some(({ node }) => node.kind === 'quantified' && countsOf(node).most > 1);
}

function isOptional(path: readonly Step[], countsOf: CountsOf): boolean {
  return path.some(({ node }) => node.kind === 'or' || (node.kind === 'quantified' && countsOf(node).least === 0));
}

/** The quantified part that stands directly around a stage, if one does: what `until`, `greedy` and `lazy` are about. */
export function ownLoop(place: Place): QuantifiedPattern | undefined {
  const last = place.path.at(-1)?.node;
  return last?.kind === 'quantified' ? last : undefined;
}
