/** Writes docs/errors.md to standard output: `node dsl/check/codes-doc.ts > docs/errors.md`. */
import { pathToFileURL } from 'node:url';
import { chapters, PRELUDE, type CodeInfo } from './codes.ts';

const MAX_EXAMPLE = 900;

export function errorsPage(): string {
  const lines = [
    '# Errors and warnings',
    '',
    'Every finding of `alcedo check` has a code. Errors keep rules from running; warnings do not, but under `alcedo check --strict`.',
    'This page is made from the catalogue in `dsl/check/codes/`, whose examples are tested: each wrong one gives its code, each corrected one does not.',
    '',
    'The examples are bodies of rules, or declarations; they use these types:',
    '',
    ...block(PRELUDE.trim()),
  ];
  for (const { title, codes } of chapters) {
    lines.push('', `## ${title}`, '', ...Object.keys(codes).map((code) => `- [\`${code}\`](#${code})`));
    for (const [code, info] of Object.entries(codes)) lines.push('', ...entry(code, info));
  }
  return `${lines.join('\n')}\n`;
}

function entry(code: string, info: CodeInfo): string[] {
  return [
    `### ${code}`, '', `${info.severity === 'error' ? 'Error' : 'Warning'}. ${info.meaning}`, '', info.cause, '',
    ...block(shortened(info.example)), '', 'Corrected:', '', ...block(shortened(info.corrected)),
  ];
}

/** Examples that are wrong by their size are shown in part. */
function shortened(example: string): string {
  const text = unindented(example);
  if (text.length <= MAX_EXAMPLE && !text.split('\n').some((line) => line.length > 200)) return text;
  const lines = text.split('\n').map((line) => (line.length > 120 ? `${line.slice(0, 50)}…${line.slice(-50)}` : line));
  return lines.length > 12 ? [...lines.slice(0, 4), '…', ...lines.slice(-2)].join('\n') : lines.join('\n');
}

function unindented(text: string): string {
  const lines = text.replace(/\n+$/, '').split('\n');
  return lines.every((line) => line.startsWith('  ')) ? lines.map((line) => line.slice(2)).join('\n') : lines.join('\n');
}

function block(text: string): string[] {
  return ['```', ...text.split('\n'), '```'];
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) process.stdout.write(errorsPage());
