import type { CodeInfo } from './info.ts';

const TABLE = 'table shops { id: string key, risk: float }';
const FEATURE = 'feature spend = sum(amount) of Payment by card over 30d';
const rule = (where: string, by = 'card'): string => `rule R {\n  by ${by}\n  match a\n  a: Payment where ${where}\n  alert out {}\n}`;
const fill = (rows: string): string => `${TABLE}\n${rule('shops[merchant].risk > 0.5')}\ntest R "t" {\n  table shops { ${rows} }\n  expect nothing\n}`;

/** Tables and features. */
export const tableCodes = {
  'bad-table': {
    severity: 'error', meaning: 'A table is not declared as it must be.', cause: 'One column is the `key`: a text, a number, a time, a duration or a bool that is always there. A column `from: time` is always there, too.',
    example: 'table shops { id: string, risk: float }', corrected: TABLE,
  },
  'unknown-table': {
    severity: 'error', meaning: 'A table is not declared.', cause: 'A misspelt name, or a `use` that is missing.',
    example: 'rule R {\n  by card from cards\n  match not a for 5m\n  a: Payment\n  alert out {}\n}', corrected: 'table cards { card: string key }\nrule R {\n  by card from cards\n  match not a for 5m\n  a: Payment\n  alert out {}\n}',
  },
  'table-row': {
    severity: 'error', meaning: 'A table or a row of it stands where a value should be.', cause: 'A look-up names the row and the column.',
    example: `${TABLE}\n${rule('shops[merchant] > 0.5')}`, corrected: `${TABLE}\n${rule('shops[merchant].risk > 0.5')}`,
  },
  'table-here': {
    severity: 'error', meaning: 'A table is looked up where a value is fixed when the rule is compiled.', cause: 'Its rows may change while rules run. Consts, counts, and the lengths of windows, limits and features are made of literals, consts and params.',
    example: `${TABLE}\nconst risk = shops["m1"].risk\n${rule('amount > risk')}`, corrected: `${TABLE}\nfn risk() = shops["m1"].risk\n${rule('amount > risk()')}`,
  },
  'row-twice': {
    severity: 'error', meaning: 'A test gives a table two rows with one key.', cause: 'A row is found by its key. In a table with a column `from`, rows of one key differ in it.',
    example: fill('{ id: "m1", risk: 0.9 }, { id: "m1", risk: 0.1 }'), corrected: fill('{ id: "m1", risk: 0.9 }, { id: "m2", risk: 0.1 }'),
  },
  'roster-of-window': {
    severity: 'error', meaning: 'The key of a rule with a window comes from a table.', cause: 'A window in which a key has no event does not exist. A device that never spoke is found by a silence.',
    example: 'table cards { card: string key }\nrule R {\n  by card from cards\n  on Payment\n  window tumbling 1h\n  alert out {}\n}',
    corrected: 'table cards { card: string key }\nrule R {\n  by card from cards\n  match not a for 1h\n  a: Payment\n  alert out {}\n}',
  },
  'not-an-aggregate': {
    severity: 'error', meaning: 'A feature is not one aggregate.', cause: 'A feature keeps one running aggregate. What is made of several is put together where they are used, or in a `fn` over them.',
    example: 'feature mean = sum(amount) / count() of Payment by card', corrected: 'feature mean = avg(amount) of Payment by card',
  },
  'feature-key': {
    severity: 'error', meaning: 'A feature is read in a rule whose key does not include its own.', cause: 'A feature has a value for each of its keys; the rule that reads it says which one by its own key, by the same names.',
    example: `${FEATURE}\n${rule('amount > 5 * spend', 'merchant')}`, corrected: `${FEATURE}\n${rule('amount > 5 * spend', 'merchant, card')}`,
  },
  'feature-here': {
    severity: 'error', meaning: 'A feature is read where it has no value.', cause: 'Features are read in conditions of stages and inputs, in `having`, `severity`, `limit … by`, `alert` and `emit`; not in keys, functions, tables, other features, time bounds, or inside an aggregate.',
    example: `${FEATURE}\nfn much(x: float) = x > 5 * spend\n${rule('much(amount)')}`, corrected: `${FEATURE}\nfn much(x: float, mean: float) = x > 5 * mean\n${rule('much(amount, spend)')}`,
  },
  'every-without-over': {
    severity: 'error', meaning: 'The panes of a feature stand without a span.', cause: '`every 1m` keeps panes in place of every value of `over 24h`. Without `over` a feature holds no values at all.',
    example: 'feature spend = sum(amount) of Payment by card every 1m', corrected: 'feature spend = sum(amount) of Payment by card over 24h every 1m',
  },
} as const satisfies Record<string, CodeInfo>;
