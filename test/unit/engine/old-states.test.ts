/** States that engines of earlier formats wrote, as the files in test/fixtures/state hold them, go on under the rules that made them and under changed ones. */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { FOLDER, goOn, type EngineState } from '../../support/engine-states.ts';

const names = readdirSync(FOLDER).filter((name) => /^engine-format-\d+-.*\.json$/.test(name)).map((name) => name.slice(0, -5));

describe.each(names)('%s', (name) => {
  const written = JSON.parse(readFileSync(`${FOLDER}${name}.json`, 'utf8')) as EngineState;
  const state = gunzipSync(readFileSync(`${FOLDER}${name}.bin.gz`));

  test('goes on under its rules', () => { expect(goOn(written.rules, written.lateness, state, written.then, written.first)).toEqual(written.alerts); });
  test('goes on under changed rules', () => { expect(goOn(written.edited, written.lateness, state, written.then, written.first)).toEqual(written.editedAlerts); });
});

test('there are states of every kind', () => { expect(names.length).toBeGreaterThanOrEqual(11); });
