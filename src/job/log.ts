/** The job's log: pino, on standard error. */
import type { Writable } from 'node:stream';
import pino from 'pino';
import type { Log } from '../connect/types.ts';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `json`: an object a line; `pretty`: lines for people. */
  readonly format: 'json' | 'pretty';
  /** Default: the process's standard error, written at once, so that a crash loses no line. */
  readonly to?: Writable & { readonly isTTY?: boolean } | undefined;
}

/** Fields that may hold what nobody should read, wherever a client's options or errors bring them in. */
const SECRET = ['password', 'passphrase', 'token', 'secret', 'authorization', 'sasl'];

export function makeLog({ level, format, to }: LogOptions): Log {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: pino.stdSerializers.err, error: (error: unknown) => (error instanceof Error ? pino.stdSerializers.err(error) : error) },
    redact: { paths: SECRET.flatMap((name) => [name, `*.${name}`]), censor: '***' },
  };
  const target = to ?? pino.destination({ fd: 2, sync: true });
  if (format === 'json') return pino(options, target);
  const stream = to ?? process.stderr;
  const { NO_COLOR, TERM } = process.env;
  const isColoured = stream.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb';
  return pino(options, { write: (line: string) => { target.write(`${prettyLine(line, isColoured)}\n`); } });
}

const LEVEL_COLOUR: Readonly<Record<string, number>> = { debug: 2, info: 32, warn: 33, error: 31 };

/** `14:02:07.123 WARN  no connection to the broker  source=payments attempt=3`; the time is UTC. A stack follows in lines of its own. */
export function prettyLine(json: string, isColoured: boolean): string {
  const { level, time, msg = '', ...fields } = JSON.parse(json) as { level: string; time: string; msg?: string } & Record<string, unknown>;
  const paint = (colour: number, text: string): string => (isColoured ? `\u001b[${colour}m${text}\u001b[0m` : text);
  const stacks: string[] = [];
  const told = Object.entries(fields).map(([name, value]) => {
    const stack = stackOf(value);
    if (stack !== undefined) stacks.push(...stack.stack.split('\n').map((line) => `    ${printable(line.trim())}`));
    return `${paint(2, `${printable(name)}=`)}${textOf(stack === undefined ? value : stack.message)}`;
  });
  const head = `${paint(2, time.slice(11, 23))} ${paint(LEVEL_COLOUR[level] ?? 0, level.toUpperCase().padEnd(5))} ${printable(msg)}`;
  return [`${head}${told.length === 0 ? '' : `  ${told.join(' ')}`}`, ...stacks.map((line) => paint(2, line))].join('\n');
}

function stackOf(value: unknown): { readonly message: string; readonly stack: string } | undefined {
  const error = value as { readonly message?: unknown; readonly stack?: unknown } | null;
  return typeof error === 'object' && error !== null && typeof error.message === 'string' && typeof error.stack === 'string' ? error as { message: string; stack: string } : undefined;
}

/** Words as they are, everything else as JSON. */
function textOf(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=\p{C}]+$/u.test(value) ? value : printable(JSON.stringify(value) ?? 'undefined');
}

/** What comes from outside cannot drive the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
