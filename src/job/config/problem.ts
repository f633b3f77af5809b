import type { Span } from '../../../dsl/ast.ts';
import type { Diagnostic } from '../../../dsl/diagnostic.ts';
import type { Data } from './spec.ts';

/** One finding about a job file; rendered and sorted as those of rule files are. */
export interface Problem extends Diagnostic {
  /** The path of the option, `sources.payments.lateness`; '' for the file as a whole. */
  readonly option: string;
}

/** A value of the job file with its place. Aliases are resolved: the same node may hang in several places. */
export type Node =
  | { readonly kind: 'scalar'; readonly value: string | number | boolean | null; readonly span: Span }
  | { readonly kind: 'list'; readonly items: readonly Node[]; readonly span: Span }
  | { readonly kind: 'map'; readonly entries: readonly Entry[]; readonly span: Span };

export interface Entry { readonly key: string; readonly keySpan: Span; readonly value: Node }

/** Where an option stands: its name (or the value, where it has none) and its value. */
export interface Place { readonly key: Span; readonly value: Span }

/** `sources.payments`, `params."big.limit"`, `topics[2]`. */
export function pathOf(parent: string, child: string | number): string {
  if (typeof child === 'number') return `${parent}[${child}]`;
  const name = /^[\w-]+$/.test(child) ? child : JSON.stringify(child);
  return parent === '' ? name : `${parent}.${name}`;
}

/** A default as a node, as though it were written at `span`. */
export function nodeOf(data: Data, span: Span): Node {
  if (Array.isArray(data)) return { kind: 'list', items: (data as readonly Data[]).map((item) => nodeOf(item, span)), span };
  if (typeof data === 'object' && data !== null) {
    return { kind: 'map', entries: Object.entries(data).map(([key, value]) => ({ key, keySpan: span, value: nodeOf(value, span) })), span };
  }
  return { kind: 'scalar', value: data as string | number | boolean | null, span };
}

export function dataOf(node: Node): Data {
  switch (node.kind) {
    case 'scalar': return node.value;
    case 'list': return node.items.map(dataOf);
    case 'map': return Object.fromEntries(node.entries.map(({ key, value }) => [key, dataOf(value)]));
  }
}
