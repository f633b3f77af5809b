/** A random rule as a tree that prints to text, so that it can be taken apart again when a case fails. */

export type Arrow = '->' | '->>' | '=>';

export type Node =
  | { readonly kind: 'stage'; readonly name: string }
  | { readonly kind: 'or' | 'and'; readonly operands: readonly Node[] }
  | { readonly kind: 'loop'; readonly inner: Node; readonly quantifier: string; readonly iteration: '' | 'strict' | 'any'; readonly taking: '' | 'greedy' | 'lazy' }
  | Sequence;

/** At least one item; the first one's arrow is not printed. */
export interface Sequence { readonly kind: 'sequence'; readonly items: readonly Item[] }

export type Item =
  | { readonly arrow: Arrow; readonly node: Node }
  /** `-> not …`, `=> not …`; with `silence` `-> not … for 5s` */
  | { readonly arrow: Arrow; readonly not: Banned; readonly silence?: string };

export type Banned =
  | { readonly kind: 'stages'; readonly stages: readonly string[] }
  | { readonly kind: 'sequence'; readonly stages: readonly string[]; readonly arrow: Arrow };

export interface StageDef {
  readonly name: string;
  readonly types: string;
  /** Conjuncts. */
  readonly where: readonly string[];
  readonly until?: string;
  readonly within?: { readonly duration: string; readonly of: string };
}

export interface RuleTree {
  /** Text after `by`; absent: one global key. */
  readonly by?: string;
  readonly on?: string;
  readonly mode: '' | 'first' | 'longest' | 'all';
  readonly pattern: Sequence;
  readonly without: readonly string[];
  readonly within?: string;
  readonly session?: string;
  readonly gap?: string;
  readonly skip?: string;
  readonly stages: readonly StageDef[];
  readonly having?: string;
  readonly onTimeout: boolean;
}

export const DECLARATIONS = `event A { k: string, k2: string, v: int, w: int, x: int?, at: time } time at
event B { k: string, k2: string, v: int, w: int, x: int?, at: time } time at
event D extends A { y: int }

param n: int = 2 in 0 .. 10
`;

/** The rule file; stages that the pattern no longer names are left out. */
export function print(rule: RuleTree): string {
  const used = new Set([...stagesOf(rule.pattern), ...rule.without]);
  const bounds = [
    rule.without.length > 0 && `without ${rule.without.join(', ')}`,
    rule.within !== undefined && `within ${rule.within}`,
    rule.session !== undefined && `within session ${rule.session}`,
    rule.gap !== undefined && `gap ${rule.gap}`,
    rule.skip !== undefined && `then skip ${rule.skip}`,
  ].filter((part) => part !== false);
  const lines = [
    rule.by !== undefined && `by ${rule.by}`,
    rule.on !== undefined && `on ${rule.on}`,
    `match ${[rule.mode, printItems(rule.pattern), ...bounds].filter((part) => part !== '').join(' ')}`,
    ...rule.stages.filter((stage) => used.has(stage.name)).map((stage) => `  ${printStage(stage)}`),
    rule.having !== undefined && `having ${rule.having}`,
    'alert out { at: match.to }',
    rule.onTimeout && 'on timeout alert out { at: match.to }',
  ].filter((line) => line !== false);
  return `${DECLARATIONS}\nrule R {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
}

function printStage({ name, types, where, until, within }: StageDef): string {
  return `${name}: ${types}${where.length > 0 ? ` where ${where.join(' and ')}` : ''}`
    + (until === undefined ? '' : ` until ${until}`) + (within === undefined ? '' : ` within ${within.duration} of ${within.of}`);
}

function printItems(sequence: Sequence): string {
  return sequence.items.map((item, i) => `${i === 0 ? '' : `${item.arrow} `}${'not' in item ? printNot(item) : printNode(item.node)}`).join(' ');
}

function printNot({ not, silence }: Extract<Item, { not: Banned }>): string {
  const what = not.stages.length === 1 ? not.stages[0]
    : `(${not.stages.join(not.kind === 'stages' ? ' or ' : ` ${not.arrow} `)})`;
  return `not ${what}${silence === undefined ? '' : ` for ${silence}`}`;
}

function printNode(node: Node): string {
  switch (node.kind) {
    case 'stage': return node.name;
    case 'or':
    case 'and': return `(${node.operands.map(printNode).join(` ${node.kind} `)})`;
    case 'sequence': return `(${printItems(node)})`;
    case 'loop': {
      const inner = node.inner.kind === 'loop' ? `(${printNode(node.inner)})` : printNode(node.inner);
      return [`${inner}${node.quantifier}`, node.iteration, node.taking].filter((part) => part !== '').join(' ');
    }
  }
}

/** Names of the stages of a pattern, the banned ones included, in the order written. */
export function stagesOf(node: Node): string[] {
  switch (node.kind) {
    case 'stage': return [node.name];
    case 'or':
    case 'and': return node.operands.flatMap(stagesOf);
    case 'loop': return stagesOf(node.inner);
    case 'sequence': return node.items.flatMap((item) => ('not' in item ? [...item.not.stages] : stagesOf(item.node)));
  }
}
