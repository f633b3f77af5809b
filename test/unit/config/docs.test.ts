import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { checkJobFile } from '../../../src/cli/job-file.ts';
import { configurationPage, schemaFile } from '../../../src/job/config/docs.ts';
import { jobOption } from '../../../src/job/config/options/job.ts';
import type { Option } from '../../../src/job/config/spec.ts';

const DOCS = join(import.meta.dirname, '../../../docs');
const EXAMPLES = join(DOCS, 'examples');
const ENV = { KAFKA_PASSWORD: 'k', REDIS_PASSWORD: 'r', ALCEDO_TOKEN: 't' };

test('docs/configuration.md and docs/job.schema.json are those of the table of options (node src/job/config/docs.ts writes them)', () => {
  expect(readFileSync(join(DOCS, 'configuration.md'), 'utf8')).toBe(configurationPage());
  expect(readFileSync(join(DOCS, 'job.schema.json'), 'utf8')).toBe(schemaFile());
});

describe('the examples', () => {
  const validate = new Ajv({ strict: true, strictRequired: false, strictTypes: false }).compile(JSON.parse(schemaFile()));
  const files = readdirSync(EXAMPLES).filter((file) => file.endsWith('.yaml'));

  test('are the ones that the page names', () => {
    expect(files).toEqual(['ads-to-redis.yaml', 'files-to-console.yaml', 'kafka-to-kafka.yaml', 'mqtt-to-kafka.yaml']);
    for (const file of files) expect(configurationPage()).toContain(`(examples/${file})`);
  });

  test.each(files)('%s: the job and its rules fit, and editors find nothing wrong', (file) => {
    const checked = checkJobFile({ env: ENV }, join(EXAMPLES, file));
    expect(checked.diagnostics).toEqual([]);
    expect(checked.sound?.program.rules.length).toBeGreaterThan(0);
    validate(parse(readFileSync(join(EXAMPLES, file), 'utf8')));
    expect(validate.errors).toBeNull();
  });
});

test('every option is documented in whole sentences, and every link on the page leads somewhere', () => {
  const texts: string[] = [];
  const visit = (option: Option): void => {
    texts.push(option.text);
    const { spec } = option;
    if (spec.kind === 'section') Object.values(spec.fields).forEach(visit);
    if (spec.kind === 'variants') [...Object.values(spec.variants), ...Object.values(spec.common)].forEach(visit);
    if (spec.kind === 'list' || spec.kind === 'map') visit(spec.of);
  };
  visit(jobOption);
  expect(texts.filter((text) => !/^[\p{Lu}`].*[.)]$/su.test(text))).toEqual([]);
  const page = configurationPage();
  const anchors = new Set([...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-')));
  const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor]) => anchor!);
  expect(links.length).toBeGreaterThan(20);
  expect(links.filter((link) => !anchors.has(link))).toEqual([]);
});
