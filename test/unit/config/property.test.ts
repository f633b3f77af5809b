import { Ajv } from 'ajv';
import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { readJobText, showYaml, type Data } from '../../../src/job/config/index.ts';
import { jobOption } from '../../../src/job/config/options/job.ts';
import { jsonSchema } from '../../../src/job/config/schema.ts';
import { jobFile, SECRET } from './generate.ts';
import { rendered } from './support.ts';

const validate = new Ajv({ strict: true, strictRequired: false, strictTypes: false, allErrors: false }).compile(jsonSchema(jobOption));

/** What no JSON Schema can say: what options say of each other, lengths of time, what is in the environment and on the disk. */
const BEYOND_SCHEMA = new Set(['conflict', 'risk', 'out-of-range', 'no-variable', 'unreadable']);

function read(data: Data) {
  return readJobText('job.yaml', stringify(data), {});
}

test('what is generated from the options is accepted by the schema and by the reader', () => {
  fc.assert(fc.property(jobFile(jobOption), (data) => {
    expect([validate(data), validate.errors]).toEqual([true, null]);
    const loaded = read(data);
    expect(rendered(loaded.problems.filter(({ code }) => !BEYOND_SCHEMA.has(code)), loaded.shownText)).toBe('');
  }), { numRuns: 60 });
});

test('the effective configuration holds no secret, and reads as itself', () => {
  fc.assert(fc.property(jobFile(jobOption), (data) => {
    const { shown, job } = read(data);
    fc.pre(shown !== undefined);
    const yaml = showYaml(shown);
    expect(yaml).not.toContain(SECRET);
    expect(JSON.stringify(shown)).not.toContain(SECRET);
    const again = readJobText('job.yaml', yaml, {});
    expect(again.shown).toEqual(shown);
    expect(again.job?.sources.size).toBe(job?.sources.size);
  }), { numRuns: 60 });
});

test('no finding about a damaged file shows a secret, and no file makes the reader throw', () => {
  fc.assert(fc.property(jobFile(jobOption), fc.nat(), fc.stringMatching(/^[ -~\n]{0,4}$/), fc.nat(6), (data, at, inserted, deleted) => {
    const text = stringify(data);
    const from = at % (text.length + 1);
    const part = text.slice(from, from + deleted);
    // A secret that is torn apart, or whose name is, is no secret any more.
    fc.pre(!part.includes('\n') && !text.slice(from - 40, from + 40).includes(SECRET));
    const damaged = text.slice(0, from) + inserted + text.slice(from + deleted);
    const { problems, shownText } = readJobText('job.yaml', damaged, {});
    for (const { message, hint } of problems) expect(`${message}${hint}`).not.toContain(SECRET);
    expect(rendered(problems, shownText)).not.toContain(SECRET);
  }), { numRuns: 120 });
});

const ODD: readonly Data[] = ['', 'x', '5s', '10', '-1', 5, 5.5, -3, 0, true, null, [], {}, ['a'], { a: 1 }, '1MiB', 'ftp://x', 'redis://h', 'never', 'a.b:1', [null], ' ', 'Payment', { filter: 'x' }, 'stdout'];

test('what the schema accepts the reader accepts, also of files that have been changed anywhere', () => {
  let accepted = 0;
  fc.assert(fc.property(jobFile(jobOption), fc.nat(), fc.constantFrom(...ODD), (data, at, odd) => {
    const places = pathsOf(data);
    const changed = replaced(data, places[at % places.length]!, odd);
    const text = stringify(changed);
    // What YAML makes of it is what an editor checks.
    if (!validate(parse(text))) return;
    accepted++;
    const loaded = readJobText('job.yaml', text, {});
    const problems = loaded.problems.filter(({ code, message }) => !BEYOND_SCHEMA.has(code) && !message.includes('at the top of the file'));
    expect(rendered(problems, loaded.shownText)).toBe('');
  }), { numRuns: 250 });
  expect(accepted).toBeGreaterThan(20);
});

type Path = readonly (string | number)[];

function pathsOf(data: Data, path: Path = []): Path[] {
  const inside = Array.isArray(data) ? (data as readonly Data[]).flatMap((item, i) => pathsOf(item, [...path, i]))
    : typeof data === 'object' && data !== null ? Object.entries(data).flatMap(([key, value]) => pathsOf(value as Data, [...path, key])) : [];
  return path.length === 0 ? inside : [path, ...inside];
}

function replaced(data: Data, path: Path, value: Data): Data {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  if (Array.isArray(data)) return (data as readonly Data[]).map((item, i) => (i === first ? replaced(item, rest, value) : item));
  return { ...(data as { readonly [key: string]: Data }), [first]: replaced((data as { readonly [key: string]: Data })[first]!, rest, value) };
}
