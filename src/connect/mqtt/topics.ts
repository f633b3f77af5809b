/** The filter without `$share/GROUP/`. Throws for what is no valid filter. */
export function plainFilter(filter: string): string {
  let plain = filter;
  if (filter.startsWith('$share/')) {
    const slash = filter.indexOf('/', 7);
    if (slash <= 7 || slash === filter.length - 1) throw new Error(`"${filter}" is no shared subscription; it is written $share/GROUP/FILTER`);
    if (/[+#]/.test(filter.slice(7, slash))) throw new Error(`the group of "${filter}" may not contain + or #`);
    plain = filter.slice(slash + 1);
  }
  const levels = plain.split('/');
  const wrong = plain === '' || plain.includes('\0') || levels.some((level, i) => (level !== '+' && level.includes('+'))
    || (level.includes('#') && (level !== '#' || i < levels.length - 1)));
  if (wrong) throw new Error(`"${filter}" is no topic filter; + stands for one whole level, # for all further ones at the end`);
  return plain;
}

/** Whether a filter (without `$share`) takes a topic. Wildcards at the front do not take topics that begin with `$`. */
export function filterMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && (filter.startsWith('+') || filter.startsWith('#'))) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === '#') return true;
    if (i >= levels.length || (wanted[i] !== '+' && wanted[i] !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}

/** Text as one level of a topic: what has a meaning in topics is percent-encoded. */
export function topicLevel(text: string): string {
  return text.replace(/[/+#%\0]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
