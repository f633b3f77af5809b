/** The automaton of a described rule as a picture: Graphviz DOT and Mermaid. */
import type { EdgeDescription, RuleDescription } from './describe.ts';

/** A DOT digraph, with a newline at the end. */
export function renderDot(rule: RuleDescription): string {
  const node = (id: number): string => (id < 0 ? 'start' : `p${id}`);
  const lines = [
    `digraph ${quote(rule.rule)} {`,
    '  rankdir=LR;',
    '  node [shape=ellipse, fontname="sans-serif"];',
    '  edge [fontname="sans-serif", fontsize=10];',
    '  start [shape=point];',
    ...rule.positions.map((position) => `  ${node(position.id)} [label=${quote(position.name)}${position.ends.length > 0 ? ', peripheries=2' : ''}];`),
    ...rule.edges.map((edge) => `  ${node(edge.from)} -> ${node(edge.to)} [label=${quote(labelOf(edge, '\n'))}];`),
    ...rule.positions.flatMap((position) => position.ends.filter((end) => end !== 'at once')
      .map((end, index) => `  ${node(position.id)} -> end${position.id}_${index} [label=${quote(end)}, style=dashed]; end${position.id}_${index} [shape=doublecircle, label=""];`)),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

/** A Mermaid state diagram, with a newline at the end. */
export function renderMermaid(rule: RuleDescription): string {
  const node = (id: number): string => (id < 0 ? '[*]' : `p${id}`);
  const lines = [
    'stateDiagram-v2',
    '  direction LR',
    ...rule.positions.map((position) => `  state ${JSON.stringify(position.name)} as p${position.id}`),
    ...rule.edges.map((edge) => {
      const label = mermaidText(labelOf(edge, ', '));
      return `  ${node(edge.from)} --> ${node(edge.to)}${label === '' ? '' : `: ${label}`}`;
    }),
    ...rule.positions.flatMap((position) => position.ends.map((end) => `  p${position.id} --> [*]: ${mermaidText(end)}`)),
  ];
  return `${lines.join('\n')}\n`;
}

/** Mermaid ends a label at `;` and reads `#` and `>` of its own: they go in as entities. */
function mermaidText(text: string): string {
  return text.replace(/[#;:<>"]/g, (character) => `#${character.charCodeAt(0)};`);
}

function labelOf(edge: EdgeDescription, separator: string): string {
  return [...(edge.from < 0 ? [] : [edge.arrow]), ...edge.notes].join(separator);
}
