import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Span } from '../../../dsl/ast.ts';
import { sortDiagnostics } from '../../../dsl/index.ts';
import { checkJob } from './checks.ts';
import { readDocument } from './document.ts';
import type { Environment } from './env.ts';
import { jobOption, type JobConfig } from './options/job.ts';
import type { Place, Problem } from './problem.ts';
import { holdsSecret, readJob } from './read.ts';
import { redact } from './redact.ts';
import type { Data, Option } from './spec.ts';

/** Names of options that are a secret nowhere in the table, nor hold one. */
function harmlessNames(job: Option): ReadonlySet<string> {
  const names = new Map<string, boolean>();
  const visit = (option: Option, name: string): void => {
    const { spec } = option;
    if (name !== '') names.set(name, (names.get(name) ?? true) && !holdsSecret(option) || spec.kind === 'section' || spec.kind === 'variants');
    if (spec.kind === 'section') for (const [key, field] of Object.entries(spec.fields)) visit(field, key);
    if (spec.kind === 'variants') for (const [key, field] of Object.entries({ ...spec.variants, ...spec.common })) visit(field, key);
    if (spec.kind === 'list' || spec.kind === 'map') visit(spec.of, '');
  };
  visit(job, '');
  return new Set([...names].filter(([, harmless]) => harmless).map(([name]) => name));
}

export interface LoadedJob {
  /** The path given. */
  readonly file: string;
  /** The file's text for showing lines of it, secrets as stars; places in it are those in the file. */
  readonly shownText: string;
  /** undefined: there are errors. */
  readonly job: JobConfig | undefined;
  /** Its rules, also where there are errors elsewhere. */
  readonly rules: JobConfig['rules'] | undefined;
  /** In reading order. */
  readonly problems: readonly Problem[];
  /** Where options stand that are given in the file, by their path. */
  readonly places: ReadonlyMap<string, Place>;
  /** The effective configuration as it would be written, secrets masked. undefined: there are errors. */
  readonly shown: Data | undefined;
}

/** Reads and checks a job file. It opens nothing but this file and the certificates it names. */
export function loadJob(file: string, env: Environment): LoadedJob {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : code === 'EACCES' ? 'permission denied' : String(code ?? error);
    const problem: Problem = { severity: 'error', code: 'unreadable', option: '', span: { file, start: 0, end: 0 }, message: `Cannot read the job file: ${why}.` };
    return { file, shownText: '', job: undefined, rules: undefined, problems: [problem], places: new Map(), shown: undefined };
  }
  return readJobText(file, text, env, existsSync);
}

/** The same for a text; `file` names it, and its folder is where relative paths begin. `exists`: whether there is a file or folder; default: yes. */
export function readJobText(file: string, text: string, env: Environment, exists: (path: string) => boolean = () => true): LoadedJob {
  const places = new Map<string, Place>();
  const document = readDocument(file, text);
  const secrets: Span[] = [...document.dropped];
  const problems: Problem[] = [...document.problems];
  // Of a file that is no YAML half is missing; to say so of every option would hide the cause.
  const isYaml = problems.every(({ code }) => code !== 'yaml' && code !== 'too-large');
  let job: JobConfig | undefined;
  let rules: JobConfig['rules'] | undefined;
  let shown: Data | undefined;
  if (isYaml) {
    const read = readJob(jobOption, document.root, { env, folder: dirname(file), exists, problems, places, secrets });
    rules = read.partial['rules'] as JobConfig['rules'] | undefined;
    job = read.value as JobConfig | undefined;
    shown = read.shown;
    if (job !== undefined) problems.push(...checkJob(file, job, places));
  }
  if (problems.some(({ severity }) => severity === 'error')) job = undefined;
  return {
    file, shownText: redact(text, secrets, isYaml ? undefined : harmlessNames(jobOption)), job, rules, places, shown: job === undefined ? undefined : shown,
    problems: sortDiagnostics(problems, [file]) as Problem[],
  };
}
