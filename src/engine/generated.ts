/** The plan's generated code as functions. */
import { generated } from '../core/generated.ts';

/** Makes functions (or what the sources say) of sources that name things by the letters of a scope. */
export type Bind = (sources: readonly string[]) => unknown[];

/** `scope`: what generated code may name, always in the same order, since code that was made before is taken again. */
export function binder(scope: Readonly<Record<string, unknown>>): Bind {
  const names = Object.keys(scope);
  const values = Object.values(scope);
  return (sources) => (generated(names, `'use strict';return [${sources.join(',\n')}];`) as (...args: unknown[]) => unknown[])(...values);
}
