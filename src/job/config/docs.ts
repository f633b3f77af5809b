/**
 * docs/configuration.md and docs/job.schema.json from the table of options. Run by itself it writes both: `node src/job/config/docs.ts`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stringify } from 'yaml';
import { jobOption } from './options/job.ts';
import { commonOf } from './read.ts';
import { expectedOf } from './scalars.ts';
import { jsonSchema, sharedSections } from './schema.ts';
import type { Data, Fields, Option, SectionSpec, Spec, VariantsSpec } from './spec.ts';

const INTRODUCTION = `# The job file

A job file says what a live job reads, which rules it runs, where alerts go and where its state is kept. It is YAML.

\`\`\`
alcedo check card-fraud.yaml     everything that is wrong with the file and its rules; connects to nothing
alcedo config card-fraud.yaml    what is in force: defaults filled in, variables put in, secrets masked
alcedo start card-fraud.yaml     run it
\`\`\`

This page is made from the table of options that also checks the file. The same table is a JSON Schema for editors, \`docs/job.schema.json\`:

\`\`\`yaml
# yaml-language-server: $schema=./job.schema.json
\`\`\`

Whole files: [Kafka to Kafka](examples/kafka-to-kafka.yaml), [MQTT to Kafka](examples/mqtt-to-kafka.yaml), [files to the console](examples/files-to-console.yaml), [windows with a table to Redis](examples/ads-to-redis.yaml).

## How values are written

- A **duration** has units: \`250ms\`, \`5s\`, \`10m\`, \`1h30m\`, \`7d\`. A **size** too: \`512B\`, \`64MiB\`, \`10MB\`. Only \`0\` needs none.
- A **time** is ISO 8601 with its zone, \`2026-04-01T12:30:00Z\`, or a date, which begins at midnight UTC.
- A **path** that is not absolute is meant from the folder of the job file.
- A **list** of one element may be written as the element alone. Some sections have a short form; it is said where they are described.
- **Environment**: \`\${NAME}\` in a value is the environment variable, \`\${NAME:default}\` has a default for one that is not set or empty, and \`$\${\` is a \`\${\` that is meant
  as it stands. Inside \`{ }\` and \`[ ]\` put it in quotes: \`{ password: "\${KAFKA_PASSWORD}" }\`. A variable that is not set and has no default is an error;
  with an empty default, \`\${NAME:}\`, an option that may be left out is left out.
- **Secrets** are marked. They appear in no log, no error and no output of \`alcedo config\`, wherever they come from; take them from the environment all the same.
- An option that is not known here is an error, and so is one that is given twice.
`;

/** docs/configuration.md */
export function configurationPage(): string {
  return `${INTRODUCTION}\n${new Page(jobOption).text()}`;
}

/** docs/job.schema.json */
export function schemaFile(): string {
  return `${JSON.stringify(jsonSchema(jobOption), undefined, 2)}\n`;
}

class Page {
  readonly #lines: string[] = [];
  readonly #job: Option;
  /** Sections that stand in several places: described once, at the first. */
  readonly #shared: ReadonlyMap<Spec, string>;
  readonly #described = new Set<Spec>();

  constructor(job: Option) {
    this.#job = job;
    this.#shared = sharedSections(job);
  }

  text(): string {
    const { fields } = this.#job.spec as SectionSpec;
    this.#lines.push('## Options', '', ...this.#table(fields, ''));
    for (const [name, option] of Object.entries(fields)) this.#section(name, option, 2);
    return `${this.#lines.join('\n')}\n`;
  }

  /** The description of what is below an option; nothing for a single value. */
  #section(path: string, option: Option, depth: number): void {
    const { spec } = option;
    const inner = spec.kind === 'list' ? spec.of : spec.kind === 'map' ? spec.of : undefined;
    if (inner !== undefined && !hasBody(inner.spec)) return;
    if (inner === undefined && !hasBody(spec)) return;
    if (this.#described.has(spec)) return;
    this.#described.add(spec);
    this.#lines.push('', `${'#'.repeat(Math.min(depth, 5))} ${path}`, '', `${option.text}${presenceNote(option)}`);
    if (spec.kind === 'map') this.#lines.push('', `Each stands under ${spec.keys.text}.`);
    const shownPath = spec.kind === 'map' ? `${path}.${spec.keys.placeholder.toUpperCase()}` : spec.kind === 'list' ? `${path}[]` : path;
    const body = inner ?? option;
    if (inner !== undefined) this.#lines.push('', body.text);
    if (body.spec.kind === 'section') this.#sectionBody(shownPath, body.spec, depth);
    if (body.spec.kind === 'variants') this.#variantsBody(shownPath, body.spec, depth);
    if (option.examples.length > 0) this.#lines.push('', ...yamlBlock(path, option.examples));
  }

  #sectionBody(path: string, spec: SectionSpec, depth: number): void {
    if (spec.short !== undefined) this.#lines.push('', `Short form: a value in place of the section is its \`${spec.short}\`.`);
    for (const group of spec.oneOf) this.#lines.push('', `Exactly one of ${code(group)} is given.`);
    for (const group of spec.together) this.#lines.push('', `${code(group)} go together.`);
    if (Object.keys(spec.fields).length === 0) return;
    this.#lines.push('', ...this.#table(spec.fields, path));
    for (const [name, field] of Object.entries(spec.fields)) this.#section(`${path}.${name}`, field, depth + 1);
  }

  #variantsBody(path: string, spec: VariantsSpec, depth: number): void {
    const names = Object.keys(spec.variants);
    this.#lines.push('', `Exactly one of ${code(names)} says its kind${spec.fallback === undefined ? '' : `; \`${spec.fallback}\` where none is named`}.`);
    const isKnown = names.every((name) => this.#described.has(spec.variants[name]!.spec));
    if (isKnown) {
      this.#lines.push('', `The kinds and their options are those of [\`${this.#shared.get(spec.variants[names[0]!]!.spec)!.replace(/\.[^.]+$/, '')}\`](#channels).`);
      return;
    }
    if (Object.keys(spec.common).length > 0) this.#lines.push('', `Options of every ${spec.of}:`, '', ...this.#table(spec.common, path, spec));
    for (const [name, field] of Object.entries(spec.common)) this.#section(`${path}.${name}`, field, depth + 1);
    for (const name of names) this.#section(`${path}.${name}`, spec.variants[name]!, depth + 1);
  }

  #table(fields: Fields, path: string, variants?: VariantsSpec): string[] {
    return [
      '| option | value | default | |', '| --- | --- | --- | --- |',
      ...Object.entries(fields).map(([name, option]) =>
        `| \`${name}\` | ${cell(this.#kind(option.spec))} | ${cell(defaultOf(name, option, variants))} | ${cell(this.#meaning(option, path === '' ? name : `${path}.${name}`))} |`),
    ];
  }

  #kind(spec: Spec): string {
    switch (spec.kind) {
      case 'choice': return spec.values.map((value) => `\`${value}\``).join(' ');
      case 'time': return `${spec.words.map((word) => `\`${word}\``).join(' ')} or a time`;
      case 'duration': return spec.words.length === 0 ? 'duration' : `${spec.words.map((word) => `\`${word}\``).join(' ')} or a duration`;
      case 'size': return 'size';
      case 'flag': return '`true` `false`';
      case 'list': return `list: ${this.#kind(spec.of.spec)}`;
      case 'map': return `map: ${spec.keys.placeholder} to ${this.#kind(spec.of.spec)}`;
      case 'section': return 'section';
      case 'variants': return spec.of;
      case 'data': return 'any value';
      case 'url': return `URL: ${spec.protocols.map((protocol) => `\`${protocol}://\``).join(' ')}`;
      case 'number': return expectedOf(spec).replace(/^an? /, '');
      case 'text': return spec.path === true ? 'path' : spec.expects ?? 'text';
    }
  }

  #meaning(option: Option, path: string): string {
    const secret = option.secret || (option.spec.kind === 'map' && option.spec.of.secret) ? ' **Secret.**' : '';
    const { spec } = option;
    if (hasBody(spec) || ((spec.kind === 'list' || spec.kind === 'map') && hasBody(spec.of.spec))) {
      const at = this.#shared.get(spec) ?? path;
      return `${firstSentence(option.text)}${secret} See [${at}](#${anchorOf(at)}).`;
    }
    const [example] = option.examples;
    const shown = example === undefined ? '' : ` For example \`${inline(example)}\`.`;
    return `${option.text}${secret}${shown}`;
  }
}

function hasBody(spec: Spec): boolean {
  return spec.kind === 'section' || spec.kind === 'variants';
}

function presenceNote(option: Option): string {
  const { presence } = option;
  switch (presence.kind) {
    case 'required': return ' Required.';
    case 'optional': return '';
    case 'default': return isEmpty(presence.value) ? '' : ` Default: \`${inline(presence.value)}\`.`;
    case 'derived': return ` Default: ${presence.derived.text}.`;
    case 'inherited': return ` Default: \`${presence.from}\` at the top.`;
  }
}

/** A section that is there with its own defaults. */
function isEmpty(data: Data): boolean {
  return typeof data === 'object' && data !== null && Object.keys(data).length === 0;
}

function defaultOf(name: string, option: Option, variants: VariantsSpec | undefined): string {
  const { presence } = option;
  switch (presence.kind) {
    case 'required': return '**required**';
    case 'optional': return '';
    case 'derived': return presence.derived.text;
    case 'inherited': return `\`${presence.from}\` at the top`;
    case 'default': {
      const others = Object.keys(variants?.defaults ?? {}).flatMap((variant) => {
        const own = commonOf(variants!, variant)[name]!.presence;
        return own.kind === 'default' && own !== presence ? [`; ${variant}: \`${inline(own.value)}\``] : [];
      });
      return isEmpty(presence.value) ? '' : `\`${inline(presence.value)}\`${others.join('')}`;
    }
  }
}

function yamlBlock(path: string, examples: readonly Data[]): string[] {
  const name = path.split('.').at(-1)!.replace('[]', '');
  return ['```yaml', examples.map((example) => stringify({ [name]: example }, { lineWidth: 0 }).trimEnd()).join('\n# or\n'), '```'];
}

function inline(data: Data): string {
  if (typeof data !== 'object' || data === null) return String(data);
  if (Array.isArray(data)) return `[${(data as readonly Data[]).map(inline).join(', ')}]`;
  const entries = Object.entries(data).map(([key, value]) => `${key}: ${inline(value as Data)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

function code(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)!}`;
}

function firstSentence(text: string): string {
  return /^.*?[.](?=\s|$)/s.exec(text)?.[0] ?? text;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** As GitHub makes anchors of headings. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = join(import.meta.dirname, '../../../docs');
  writeFileSync(join(folder, 'configuration.md'), configurationPage());
  writeFileSync(join(folder, 'job.schema.json'), schemaFile());
}
