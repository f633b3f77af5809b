import type { Expr } from '../typed.ts';
import { children } from '../walk.ts';

/** What the compiler and whoever walks a tree by recursion can take. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 1_500;

const measured = new WeakMap<Expr, { readonly nodes: number; readonly depth: number }>();

/** Functions and consts may be used more than once in each other, so a short text can make a tree of any size. */
export function measure(expr: Expr): 'too large' | 'fine' {
  const { nodes, depth } = sizeOf(expr);
  return nodes > MAX_NODES || depth > MAX_DEPTH ? 'too large' : 'fine';
}

function sizeOf(expr: Expr): { readonly nodes: number; readonly depth: number } {
  const known = measured.get(expr);
  if (known !== undefined) return known;
  let nodes = 1;
  let depth = 0;
  for (const child of children(expr)) {
    const size = sizeOf(child);
    nodes += size.nodes;
    depth = Math.max(depth, size.depth);
  }
  const size = { nodes, depth: depth + 1 };
  measured.set(expr, size);
  return size;
}
