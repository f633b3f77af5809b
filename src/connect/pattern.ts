import type { OutRecord } from './types.ts';

/**
 * A name made of an alert: text with `{channel}`, `{key}`, `{id}` or the name of a header in braces (`{rule}`, `{severity}`); `encode` is applied to what
 * is put in, an absent header is the empty text. Throws for braces that do not pair.
 */
export function namePattern(pattern: string, encode: (text: string) => string): (record: OutRecord) => string {
  const parts = pattern.split(/\{([^{}]*)\}/);
  if (parts.some((part) => /[{}]/.test(part))) throw new Error(`the braces in "${pattern}" do not pair; write {channel}, {rule}, {key}, {id} or a header's name`);
  return (record) => {
    let name = parts[0]!;
    for (let i = 1; i < parts.length; i += 2) name += encode(valueOf(record, parts[i]!)) + parts[i + 1]!;
    return name;
  };
}

function valueOf(record: OutRecord, name: string): string {
  switch (name) {
    case 'channel': return record.channel;
    case 'key': return record.key;
    case 'id': return record.id;
    default: return record.headers[name] ?? '';
  }
}
