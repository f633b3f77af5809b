import type { Log } from '../../src/connect/types.ts';

/** A log that keeps what is said, for assertions. */
export function keepingLog(): Log & { readonly lines: { readonly level: string; readonly message: string; readonly fields: object }[] } {
  const lines: { level: string; message: string; fields: object }[] = [];
  const at = (level: string) => (fields: object, message: string): void => { lines.push({ level, message, fields }); };
  const log = { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return log;
}
