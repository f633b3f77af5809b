import type { CodeInfo } from './info.ts';

const WINDOW = '  by card\n  on Payment\n  window tumbling 1h';

/** Rules with a window. */
export const windowCodes = {
  'window-and-match': {
    severity: 'error', meaning: 'A rule has both a pattern and a window.', cause: 'A rule has either `match` or `window`. Let one rule emit an event that another reads.',
    example: `${WINDOW}\n  match a\n  a: Payment`, corrected: `${WINDOW}\n  having count() > 3`,
  },
  'window-without-on': {
    severity: 'error', meaning: 'A window does not say which events it holds.', cause: 'A pattern reads the types of its stages; a window has none, so `on` names them.',
    example: '  by card\n  window tumbling 1h\n  alert out { card, n: count() }', corrected: `${WINDOW}\n  alert out { card, n: count() }`,
  },
  'pattern-clause': {
    severity: 'error', meaning: 'A clause of patterns stands in a rule with a window.', cause: 'Stages, `keep` and `on timeout` are about runs, and a window has none. Its inputs are named in `on`; it is reported at its end.',
    example: `${WINDOW}\n  hit: Payment where amount > 5`, corrected: '  by card\n  on hit: Payment where amount > 5\n  window tumbling 1h',
  },
  'window-clause': {
    severity: 'error', meaning: 'A clause of windows stands in a rule with a pattern.', cause: '`trigger`, `late within` and `on clear` say when a window is reported. A match is reported as soon as it is complete.',
    example: '  match a\n  a: Payment\n  trigger every event', corrected: '  match a\n  a: Payment',
  },
  'window-here': {
    severity: 'error', meaning: '`window.start` or `window.end` stands inside an aggregate.', cause: 'An aggregate looks at single events, and does not know the window they are in.',
    example: `${WINDOW}\n  having count(where at > window.start + 5m) > 3`, corrected: `${WINDOW}\n  having max(at) > window.start + 5m`,
  },
  'nested-aggregate': {
    severity: 'error', meaning: 'An aggregate of a window stands inside another.', cause: 'An aggregate takes values of single events. Two aggregates stand side by side.',
    example: `${WINDOW}\n  having sum(avg(amount)) > 5`, corrected: `${WINDOW}\n  having sum(amount) > 5`,
  },
  'window-aggregate-here': {
    severity: 'error', meaning: 'An aggregate that only windows and features have stands elsewhere.', cause: '`variance`, `percentile`, `slope`, `all` and `top` go through the events of a window. A pattern has `stddev`, `min`, `max` and `avg`.',
    example: '  match a+ -> b within 5m\n  a: Payment\n  b: Payment where amount > percentile(a.amount, 95)', corrected: '  match a+ -> b within 5m\n  a: Payment\n  b: Payment where amount > max(a.amount)',
  },
  'empty-window': {
    severity: 'error', meaning: '`having` asks for a window without events.', cause: 'A window in which a key has no event does not exist. That nothing comes is a silence, `not a for 1h`, or an absence.',
    example: `${WINDOW}\n  having count() == 0`, corrected: '  by card\n  match not a for 1h\n  a: Payment',
  },
  'rise-without-having': {
    severity: 'error', meaning: '`trigger on rise` stands in a rule without `having`.', cause: 'It reports when `having` turns true. Without a condition nothing can turn.',
    example: `${WINDOW}\n  trigger on rise`, corrected: `${WINDOW}\n  trigger on rise\n  having count() > 10`,
  },
  'clear-without-rise': {
    severity: 'error', meaning: '`on clear` stands in a rule in which no condition can turn false.', cause: 'It reports that the condition, which had turned true, is false again; who does not report the one cannot report the other. It goes with `trigger on rise`, or with `late within`, where a late event may turn the `having` of a window that was reported false.',
    example: `${WINDOW}\n  having count() > 10\n  alert out { card }\n  on clear alert calm { card }`, corrected: `${WINDOW}\n  trigger on rise\n  having count() > 10\n  alert out { card }\n  on clear alert calm { card }`,
  },
  'window-without-report': {
    severity: 'error', meaning: 'A window is never reported.', cause: 'A global window has no end at which it could be: say when it is with `trigger every event`, `trigger early every 10s` or `trigger on rise`.',
    example: '  by card\n  on Payment\n  window global', corrected: '  by card\n  on Payment\n  window global\n  trigger every 100 events',
  },
  'late-here': {
    severity: 'error', meaning: '`late within` stands with a window that is never closed by time.', cause: 'It keeps a window for events that come after its end. Windows of a count of events, global ones, and sliding ones without `every` have no such end.',
    example: '  by card\n  on Payment\n  window count 100\n  late within 1m', corrected: `${WINDOW}\n  late within 1m`,
  },
  'trigger-here': {
    severity: 'error', meaning: '`trigger early` or `trigger every` stands with a window that is read at each event.', cause: 'A sliding window without `every` has no end before which it could be reported: it is read at each event.',
    example: '  by card\n  on Payment\n  window sliding 1h\n  trigger early every 10s', corrected: '  by card\n  on Payment\n  window sliding 1h every 10s',
  },
} as const satisfies Record<string, CodeInfo>;
