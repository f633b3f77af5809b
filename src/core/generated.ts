import { BoundedCache } from './bounded-cache.ts';

/** Between a function's parameters and its body in the name by which it is kept; no generated code holds it. */
const SEPARATOR = '\u0000';

/**
 * A job that is started anew, or a test, makes the same code again; taking the function there is gives what it returns the machine code that V8 has made of it
 * already, where a new one would begin slowly.
 */
const made = new BoundedCache<Function>((text) => {
  const [parameters, body] = text.split(SEPARATOR) as [string, string];
  return new Function(...parameters.split(','), body);
}, 4096, 1 << 23);

/** The function with these parameters and this body, which is generated code: never text of a rule. It keeps nothing between calls. */
export function generated(parameters: readonly string[], body: string): Function {
  return made.get(`${parameters.join()}${SEPARATOR}${body}`);
}
