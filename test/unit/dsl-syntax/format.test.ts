import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatSource, parseFile } from '../../../dsl/index.ts';
import { tokenize } from '../../../dsl/lexer.ts';
import { RandomSource, randomOf } from './random-source.ts';
import { bare, parseClean } from './support.ts';

const format = (text: string): string => formatSource(parseFile('a.cep', text).file);

const commentsOf = (text: string): string[] => tokenize('a.cep', text).comments.map((one) => one.text.replaceAll('\r\n', '\n').trimEnd()).sort();
const tokensOf = (text: string): string[] => tokenize('a.cep', text).tokens.map((token) => token.image).filter((image) => image !== ',');

function randomText(seed: number, comments: number): string {
  const source = new RandomSource(randomOf(seed));
  return source.spaced(source.file(), comments);
}

describe('formatting random files', () => {
  const seeds = fc.integer({ min: 0, max: 0x7fffffff });

  test.each([['no comments', 0], ['some comments', 0.1], ['comments everywhere', 0.6]])('keeps meaning, tokens and comments, and is done after one pass: %s', (_name, comments) => {
    fc.assert(fc.property(seeds, (seed) => {
      const text = randomText(seed, comments);
      const parsed = parseClean(text);
      const once = format(text);
      expect(bare(parseClean(once).declarations)).toEqual(bare(parsed.declarations));
      expect(commentsOf(once)).toEqual(commentsOf(text));
      expect(tokensOf(once)).toEqual(tokensOf(text));
      expect(format(once)).toBe(once);
    }), { numRuns: 80 });
  });

  test('gives the same whatever white space the source had', () => {
    fc.assert(fc.property(seeds, fc.boolean(), (seed, lines) => {
      const source = new RandomSource(randomOf(seed));
      const tokens = source.file();
      // Empty lines are the author's to keep, so these texts have none.
      expect(format(tokens.join(lines ? '\n' : ' '))).toBe(format(tokens.join('  ')));
    }), { numRuns: 50 });
  });

  test('no line ends in a space, none is indented by tabs, the last is ended', () => {
    fc.assert(fc.property(seeds, (seed) => {
      const once = format(randomText(seed, 0));
      expect(once).not.toMatch(/[ \t]\n|^\t|\n\n\n|\n\n$|^\n/);
      expect(once).toMatch(/\n$/);
    }), { numRuns: 50 });
  });
});

describe('the canonical layout', () => {
  test('an example in it stays as it is', () => {
    const text = `event Payment {
  tx_id:    string
  card:     string
  amount:   float
  merchant: string
  country:  string?
  at:       time
} time at id tx_id

param big: float = 500 in 0 .. 100000

rule CardTesting {
  title    "Small probes, then one large payment"
  severity high
  tags     fraud, card

  by    card
  match probe{3,} greedy -> hit within 10m
    probe: Payment where amount < 2
    hit:   Payment where amount > big and amount > 10 * avg(probe.amount)

  alert fraud_alerts {
    card,
    probes: count(probe),
    spent:  sum(probe.amount) + hit.amount
  }
}

test CardTesting "three probes and a hit" {
  @0s   Payment { card: "c1", amount: 1.0 }
  @10s  Payment { card: "c1", amount: 1.5 }
  @20s  Payment { card: "c1", amount: 0.5 }
  @40s  Payment { card: "c1", amount: 900 }
  expect @40s { card: "c1", probes: 3 }
}
`;
    expect(format(text)).toBe(text);
    expect(format(text.replace(/\s+/g, ' '))).toBe(text.replace(/\n\n  (by|alert)/g, '\n  $1').replace('by    card', 'by    card'));
  });

  test('a short event stands on one line with commas, a long one on several without', () => {
    expect(format('event A{x:int y:string?,}time y')).toBe('event A { x: int, y: string? } time y\n');
    expect(format('event A { one: string, another: string, a_third: [{ a: int b: int }], and_one_more: time(us) }')).toBe(`event A {
  one:          string
  another:      string
  a_third:      [{ a: int, b: int }]
  and_one_more: time(us)
}
`);
  });

  test('a long condition breaks before its outermost and/or', () => {
    expect(format('rule A{ match a a: Payment where amount > 100 and (country == "DE" or country == "FR" or country == "IT") and merchant == "m-1" alert x {}}')).toBe(`rule A {
  match a
    a: Payment
        where amount > 100
            and (country == "DE" or country == "FR" or country == "IT")
            and merchant == "m-1"
  alert x {}
}
`);
  });

  test('comments stay where they stood', () => {
    const text = `// first

// about A
event A { x: int }  // behind A
rule R {  // behind the brace
  // about by
  by x  // behind by

  /* about match */
  match a  // in the match
      -> b within /* bound */ 5m
    a, b: A
  // at the end
}
// last
`;
    expect(format(text)).toBe(text.replace('rule R', '\nrule R').replace('by x', 'by x').replace('  by x', '  by x'));
  });

  test('a rule with a window', () => {
    const text = `rule W {
  by card
  on Payment where ok
  window session gap 30m max 4h
  trigger on rise
  having count() > 3
  on clear alert calm { card }
  late within 1m
}
`;
    expect(format(text)).toBe(text);
    expect(format(text.replaceAll('\n', ' '))).toBe(text);
  });

  test('an empty file stays empty; a file of comments keeps them', () => {
    expect(format(' \n\n ')).toBe('');
    expect(format('\n// a\n\n\n/* b */ /* c */')).toBe('// a\n\n/* b */ /* c */\n');
  });

  test('a file with syntax errors is refused', () => {
    expect(() => format('rule A {')).toThrow(/syntax errors/);
  });
});
