/** Wraps text in terminal colours, or leaves it as it is. */
export interface Colours {
  readonly enabled: boolean;
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly blue: Paint;
  readonly magenta: Paint;
  readonly cyan: Paint;
}

export type Paint = (text: string) => string;

export function colours(enabled: boolean): Colours {
  const paint = (on: number, off: number): Paint => (enabled ? (text) => `\u001b[${on}m${text}\u001b[${off}m` : (text) => text);
  return {
    enabled,
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    blue: paint(34, 39),
    magenta: paint(35, 39),
    cyan: paint(36, 39),
  };
}

/** The paint of a severity: what wakes people up is red. */
export function severityPaint(c: Colours, severity: string): Paint {
  switch (severity) {
    case 'critical': return (text) => c.bold(c.red(text));
    case 'high': return c.red;
    case 'medium': return c.yellow;
    default: return c.cyan;
  }
}
