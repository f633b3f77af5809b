const ISO = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d:?\d\d)?)?$/;

/** Ms since the epoch of an ISO-8601 text; without an offset it is UTC. Undefined where the text is no time. */
export function readTime(text: string): number | undefined {
  const parts = ISO.exec(text);
  if (parts === null) return undefined;
  const [, date, clock = '00:00', offset = 'Z'] = parts;
  const time = Date.parse(`${date}T${clock.replace(/(\.\d{3})\d+$/, '$1')}${offset.toUpperCase()}`);
  if (Number.isNaN(time)) return undefined;
  // Date.parse lets days such as February 30 run over into the next month.
  return new Date(Date.parse(`${date}T00:00Z`)).toISOString().startsWith(date!) ? time : undefined;
}
