/** Random job files from the table of options. */
import fc from 'fast-check';
import type { Data, Fields, Option } from '../../../src/job/config/spec.ts';
import { printDuration, printSize } from '../../../src/job/config/units.ts';

/** What every generated secret holds. */
export const SECRET = 'S3CR3T';

/** Options whose values must name something real, or that contradict others by chance. */
const LEFT_OUT = new Set(['ca', 'cert', 'key']);
const FIXED: Readonly<Record<string, Data>> = { pattern: 'a.*', host: '127.0.0.1', enabled: true, transactionTimeout: '15m', retryDelay: '1s', maxRetryDelay: '1m', time: 'field' };

/** Making arbitraries is dear, and many options stand in several places. */
const made = new Map<Option, fc.Arbitrary<Data>>();

function valueOf(option: Option, secret = false): fc.Arbitrary<Data> {
  const known = secret ? undefined : made.get(option);
  if (known !== undefined) return known;
  const arbitrary = makeValue(option, secret);
  if (!secret) made.set(option, arbitrary);
  return arbitrary;
}

/** Some texts that match, always the same: strings by pattern are slow to make. */
function texts(pattern: RegExp): fc.Arbitrary<string> {
  return fc.constantFrom(...fc.sample(fc.stringMatching(pattern).filter((value) => !value.includes('${') && value !== '' && value.length < 60 && pattern.test(value)), { numRuns: 12, seed: 7 }));
}

function makeValue(option: Option, secret: boolean): fc.Arbitrary<Data> {
  const { spec } = option;
  const isSecret = secret || option.secret;
  switch (spec.kind) {
    case 'text': {
      if (isSecret) return fc.nat(99).map((n) => `${SECRET}${n}`);
      return texts(spec.pattern ?? /^[ -~é→]{1,12}$/);
    }
    case 'url': return fc.constantFrom(...spec.protocols).map((protocol) => `${protocol}://u:${SECRET}@host:1${isSecret ? `/${SECRET}` : '/0'}`);
    case 'number': {
      const max = Math.min(spec.max, 2 ** 31);
      return fc.integer({ min: Math.max(spec.min, -1000), max });
    }
    case 'flag': return fc.boolean();
    case 'duration': {
      const ms = fc.integer({ min: spec.min, max: Math.min(spec.max, 864_000_000) }).map((value): Data => (value === 0 ? fc.sample(fc.constantFrom(0, '0'), 1)[0]! : printDuration(value)));
      return spec.words.length === 0 ? ms : fc.oneof(ms, fc.constantFrom(...spec.words));
    }
    case 'size': return fc.integer({ min: spec.min, max: 2 ** 31 }).map(printSize);
    case 'choice': return fc.constantFrom(...spec.values);
    case 'time': return fc.oneof(fc.constantFrom(...spec.words), fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((date) => date.toISOString()));
    case 'data': return fc.oneof(fc.integer(), fc.boolean(), fc.constant('10m'), fc.constant([1, 2]));
    case 'list': {
      const item = valueOf(spec.of, isSecret);
      return fc.oneof(fc.array(item, { minLength: Math.max(1, spec.atLeast), maxLength: 3 }), item.filter((value) => value !== null && !Array.isArray(value)));
    }
    case 'map': return fc.dictionary(texts(spec.keys.pattern), valueOf(spec.of, isSecret), { minKeys: Math.max(1, spec.atLeast), maxKeys: 3 });
    case 'section': {
      const [group] = spec.oneOf;
      const choices = group === undefined ? [[]] : group.map((name) => group.filter((other) => other !== name));
      return fc.oneof(...choices.map((left) => {
        // Those that go together are all there or all left out.
        const dropped = new Set([...left, ...spec.together.filter((names) => names.some((name) => left.includes(name))).flat()]);
        const must = [...group ?? [], ...spec.together.flat()].filter((name) => !dropped.has(name));
        return fieldsOf(spec.fields, dropped, must, isSecret);
      }));
    }
    case 'variants': return fc.oneof(...Object.entries(spec.variants).map(([kind, variant]) =>
      fc.tuple(valueOf(variant, isSecret), fieldsOf(spec.common, new Set(), [], isSecret)).map(([options, common]) => ({ [kind]: options, ...(common as object) }))));
  }
}

function fieldsOf(fields: Fields, dropped: ReadonlySet<string>, must: readonly string[], secret: boolean): fc.Arbitrary<Data> {
  const present = Object.entries(fields).filter(([name]) => !dropped.has(name) && !LEFT_OUT.has(name));
  const values = Object.fromEntries(present.map(([name, option]) => [name, name in FIXED && option.spec.kind !== 'map' ? fc.constant(FIXED[name]!) : valueOf(option, secret)]));
  const requiredKeys = present.filter(([name, option]) => option.presence.kind === 'required' || must.includes(name)).map(([name]) => name);
  return fc.record(values, { requiredKeys }) as fc.Arbitrary<Data>;
}

/** A whole job file, with the connections that its parts may need. */
export function jobFile(job: Option): fc.Arbitrary<{ readonly [option: string]: Data }> {
  const { spec } = job;
  if (spec.kind !== 'section') throw new Error('A job is a section.');
  return fieldsOf(spec.fields, new Set(), ['kafka', 'mqtt', 'redis'], false) as fc.Arbitrary<{ readonly [option: string]: Data }>;
}
