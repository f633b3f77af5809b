/** A described rule as text for a terminal. */
import type { RuleDescription, Where } from './describe.ts';

const WHERE: Readonly<Record<Where, string>> = {
  event: 'on the event alone, once for all rules',
  constant: 'found by a hash of the value, once for all rules',
  index: 'by a hash over the open runs',
  run: 'per group of open runs',
};

/** The plan in sections, with a newline at the end. `bold` marks headings. */
export function renderPlan(rule: RuleDescription, bold: (text: string) => string = (text) => text): string {
  const lines: string[] = [];
  const section = (title: string, body: readonly string[]): void => {
    if (body.length > 0) lines.push('', bold(title), ...body.map((line) => `  ${line}`));
  };
  lines.push(`${bold(rule.rule)}${rule.title === undefined ? '' : `  ${rule.title}`}`);
  lines.push(`  ${rule.mode}, ${rule.kind === 'window' ? '' : 'match '}${rule.match}`);
  lines.push(`  ${rule.key.length === 0 ? 'one key for all events' : `by ${rule.key.join(', ')}`}`);
  section('reads', rule.fields.map(({ type, decoded, checked }) => {
    const filters = rule.sees.find((seen) => seen.type === type)?.filters ?? [];
    return `${type}: ${decoded.join(', ') || 'no field'}${checked.length === 0 ? '' : `; checked only: ${checked.join(', ')}`}`
      + (filters.length === 0 ? '' : `; only where ${filters.join(' or ')}`);
  }));
  if (rule.kind === 'pattern') section('automaton', automatonLines(rule));
  section(rule.kind === 'window' ? 'inputs' : 'conditions', rule.stages.flatMap((stage) => {
    const head = `${stage.name}: ${stage.types.join(' | ')}${stage.loop ? ' (loop)' : ''}${stage.banned ? ' (only banned)' : ''}`;
    if (stage.conditions.length === 0) return [`${head}, any`];
    const width = Math.min(60, Math.max(...stage.conditions.map(({ text }) => text.length)));
    return [head, ...stage.conditions.map(({ text, where, clause }) => `  ${clause} ${text.padEnd(width)}  ${WHERE[where]}`)];
  }));
  if (rule.having !== undefined) section('having', [`${rule.having}  ${rule.kind === 'window' ? 'at each report' : 'once for each complete binding'}`]);
  section('timers', rule.timers.length === 0 ? ['none'] : rule.timers);
  if (rule.kind === 'window') section('state of a window', rule.state.map(({ name, registers, bytes }) => `${name}: ${registers.join(', ')} (${bytes} bytes${/each value|by size|the values/.test(registers[0]!) ? ' and a record of its own' : ''})`));
  else section('state of an open run, beside its bound events', rule.state.map(({ name, registers, bytes }) =>
    (registers.length === 0 ? `after ${name}: nothing` : `after ${name}: ${[...new Set(registers)].join(', ')} (${bytes} bytes a group)`)));
  section('cost', rule.costs);
  return `${lines.join('\n')}\n`;
}

/** Only what it costs. */
export function renderCost(rule: RuleDescription, bold: (text: string) => string = (text) => text): string {
  return `${[bold(rule.rule), ...rule.costs.map((cost) => `  ${cost}`)].join('\n')}\n`;
}

function automatonLines(rule: RuleDescription): string[] {
  const name = (id: number): string => (id < 0 ? 'start' : `${id + 1} ${rule.positions[id]!.name}`);
  const lines: string[] = [];
  for (const from of [-1, ...rule.positions.map((position) => position.id)]) {
    const out = rule.edges.filter((edge) => edge.from === from);
    lines.push(name(from));
    for (const edge of out) {
      const arrow = from < 0 ? '' : `${edge.arrow} `;
      const target = edge.to === from ? `${name(edge.to)} again` : name(edge.to);
      lines.push(`  ${arrow}${target}${edge.notes.length === 0 ? '' : `  [${edge.notes.join('; ')}]`}`);
    }
    for (const end of rule.positions[from]?.ends ?? []) lines.push(`  end ${end}`);
  }
  return lines;
}
