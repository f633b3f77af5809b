import { didYouMean } from '../../../dsl/index.ts';
import type { Node } from './problem.ts';
import type { Data, Spec } from './spec.ts';
import { printDuration, printSize, readDuration, readSize, readTime, unitHint } from './units.ts';

export type ScalarRead =
  | { readonly value: unknown; readonly shown: Data }
  /** `problem` completes `"path": …`. */
  | { readonly problem: string; readonly code: 'wrong-type' | 'wrong-value' | 'out-of-range'; readonly hint?: string | undefined };

interface How {
  /** The value must not stand in a message. */
  readonly hidden: boolean;
  /** Text from a variable may stand for a number or a flag. */
  readonly fromEnvironment: boolean;
}

/** Reads a single value by its spec; variables are put in already. */
export function readScalar(spec: Spec, node: Node, how: How): ScalarRead {
  const found = foundIn(node, how);
  const wrongType = (expected: string, hint?: string): ScalarRead => ({ code: 'wrong-type', problem: `expected ${expected}, found ${found}`, hint });
  const wrongValue = (problem: string, hint?: string): ScalarRead => ({ code: 'wrong-value', problem: `${problem}, found ${found}`, hint });
  if (node.kind !== 'scalar') return wrongType(expectedOf(spec));
  const { value } = node;

  switch (spec.kind) {
    case 'text': {
      if (typeof value !== 'string') return wrongType(expectedOf(spec), value === null ? undefined : 'put it in quotes');
      if (value === '') return { code: 'wrong-value', problem: `expected ${expectedOf(spec)}, found an empty text` };
      if (spec.pattern !== undefined && !spec.pattern.test(value)) return wrongValue(`expected ${expectedOf(spec)}`);
      if (spec.convert === undefined) return { value, shown: value };
      try {
        return { value: spec.convert(value), shown: value };
      } catch (error) {
        return { code: 'wrong-value', problem: how.hidden ? `expected ${expectedOf(spec)}` : (error as Error).message };
      }
    }
    case 'url': {
      if (typeof value !== 'string') return wrongType(expectedOf(spec));
      const url = URL.canParse(value) ? new URL(value) : undefined;
      if (url === undefined || url.host === '') return wrongValue(`expected ${expectedOf(spec)}`);
      const scheme = url.protocol.slice(0, -1);
      if (!spec.protocols.includes(scheme)) return wrongValue(`expected ${expectedOf(spec)}`);
      return { value, shown: withoutPassword(url, value) };
    }
    case 'number': {
      const number = typeof value === 'number' ? value : how.fromEnvironment && typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
      if (number === undefined) return wrongType(expectedOf(spec));
      if (!Number.isFinite(number) || (spec.whole && !Number.isInteger(number)) || number < spec.min || number > spec.max) return wrongValue(`expected ${expectedOf(spec)}`);
      return { value: number, shown: number };
    }
    case 'flag': {
      const flag = typeof value === 'boolean' ? value : how.fromEnvironment && (value === 'true' || value === 'false') ? value === 'true' : undefined;
      if (flag === undefined) {
        const words: Readonly<Record<string, string>> = { yes: 'true', on: 'true', no: 'false', off: 'false' };
        const meant = typeof value === 'string' && !how.hidden ? words[value.toLowerCase()] : undefined;
        return wrongType('true or false', meant === undefined ? undefined : `did you mean ${meant}?`);
      }
      return { value: flag, shown: flag };
    }
    case 'duration': return span(readDuration, printDuration);
    case 'size': return span(readSize, printSize);
    case 'choice': {
      const index = typeof value === 'string' || typeof value === 'number' ? spec.values.indexOf(String(value)) : -1;
      if (index >= 0) return { value: spec.meaning[index], shown: /^\d+$/.test(spec.values[index]!) ? Number(spec.values[index]) : spec.values[index]! };
      const likely = typeof value === 'string' && !how.hidden ? didYouMean(value, spec.values) : undefined;
      return wrongValue(`expected ${expectedOf(spec)}`, likely === undefined ? undefined : `did you mean "${likely}"?`);
    }
    case 'time': {
      if (typeof value !== 'string') return wrongType(expectedOf(spec));
      if (spec.words.includes(value)) return { value, shown: value };
      const time = readTime(value);
      const likely = how.hidden ? undefined : didYouMean(value, spec.words);
      return Number.isNaN(time) ? wrongValue(`expected ${expectedOf(spec)}`, likely === undefined ? undefined : `did you mean "${likely}"?`)
        : { value: time, shown: new Date(time).toISOString() };
    }
    case 'data': case 'list': case 'map': case 'section': case 'variants':
      throw new Error(`A ${spec.kind} is not a scalar.`);
  }

  function span(read: (text: string) => number | undefined, print: (value: number) => string): ScalarRead {
    const { min, max } = spec as { readonly min: number; readonly max: number };
    const words = spec.kind === 'duration' ? spec.words : [];
    if (typeof value === 'string' && words.includes(value)) return { value, shown: value };
    const written = typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
    const result = written === undefined ? undefined : read(written);
    if (written === undefined) return wrongType(expectedOf(spec));
    if (result === undefined) return wrongValue(`expected ${expectedOf(spec)}`, how.hidden ? undefined : unitHint(spec.kind as 'duration' | 'size', written));
    if (result < min) return { code: 'out-of-range', problem: `expected at least ${print(min)}, found ${found}` };
    if (!(result <= max)) return { code: 'out-of-range', problem: `expected at most ${print(max)}, found ${found}` };
    return { value: result, shown: print(result) };
  }
}

/** What is expected, in words. */
export function expectedOf(spec: Spec): string {
  switch (spec.kind) {
    case 'text': return spec.expects ?? (spec.path === true ? 'a path' : 'text');
    case 'url': return `a URL that begins with ${orList(spec.protocols.map((protocol) => `${protocol}://`))}`;
    case 'number': {
      const what = spec.whole ? 'a whole number' : 'a number';
      if (spec.max === Number.MAX_SAFE_INTEGER) return spec.min <= 0 ? what : `${what} of at least ${spec.min}`;
      return `${what} from ${spec.min} to ${spec.max}`;
    }
    case 'flag': return 'true or false';
    case 'duration': return `${spec.words.length === 0 ? '' : `${spec.words.join(', ')} or `}a duration such as 250ms, 5s or 1h30m`;
    case 'size': return 'a size such as 64MiB, 10MB or 512B';
    case 'choice': return orList(spec.values);
    case 'time': return `${spec.words.length === 0 ? '' : `${spec.words.join(', ')} or `}a time such as 2026-04-01T12:30:00Z`;
    case 'data': return 'a value';
    case 'list': return 'a list';
    case 'map': return 'a map';
    case 'section': return 'a section of options';
    case 'variants': return `a ${spec.of}`;
  }
}

function orList(values: readonly string[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)!}`;
}

const MOST_SHOWN = 60;

function foundIn(node: Node, how: How): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a map';
  if (node.value === null) return 'nothing';
  if (how.fromEnvironment) return 'another value in the environment variable';
  if (how.hidden) return 'another value';
  if (typeof node.value !== 'string') return String(node.value);
  const text = withoutUserInfo(node.value);
  return `"${text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text}"`;
}

/** Text that may be a URL, without what may be a password in it. */
function withoutUserInfo(text: string): string {
  return text.replace(/(:\/\/[^\s:@/]*:)\S*@/, '$1***@').replace(/(:\/\/[^?\s]*\?)\S*/, '$1***');
}

/** A URL as it was written, but for the password and for what may be one in the query. */
function withoutPassword(url: URL, text: string): string {
  if (url.password === '' && url.search === '') return text;
  const { username, host, pathname, protocol } = url;
  const user = username === '' && url.password === '' ? '' : `${username}${url.password === '' ? '' : ':***'}@`;
  const query = [...url.searchParams.keys()].map((name) => `${name}=***`).join('&');
  return `${protocol}//${user}${host}${pathname}${query === '' ? '' : `?${query}`}`;
}
