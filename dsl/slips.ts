/** Words that authors bring from other languages, and what they mean here. */
import { didYouMean } from './suggest.ts';

/** Clauses by other names. */
const CLAUSES: ReadonlyMap<string, string> = new Map([
  ['key', 'by'], ['group', 'by'], ['partition', 'by'], ['filter', 'on'], ['from', 'on'], ['pattern', 'match'], ['sequence', 'match'], ['when', 'match'], ['priority', 'severity'], ['level', 'severity'],
  ['name', 'title'], ['label', 'tags'], ['labels', 'tags'], ['channel', 'alert'], ['notify', 'alert'], ['select', 'alert'], ['output', 'emit'], ['throttle', 'limit'], ['retain', 'keep'], ['lateness', 'late'], ['aggregate', 'window'],
]);

/** Declarations by other names. */
const DECLARATIONS: ReadonlyMap<string, string> = new Map([
  ['function', 'fn'], ['func', 'fn'], ['fun', 'fn'], ['def', 'fn'], ['let', 'const'], ['var', 'const'], ['val', 'const'], ['type', 'event'], ['schema', 'event'], ['struct', 'event'], ['stream', 'event'],
  ['import', 'use'], ['include', 'use'], ['parameter', 'param'], ['pattern', 'rule'],
]);

/** Words that stand between steps in place of an arrow or of `not`. */
const NEGATIONS = new Set(['no', 'non', 'nto', 'nott', 'never', 'none']);
const MODES = ['first', 'longest', 'all'];
const BOUND_WORDS = new Set(['in', 'during', 'for', 'under', 'inside', 'after', 'before', 'less']);

/** Functions by other names, as they are called here. */
const FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['cnt', 'count(…)'], ['average', 'avg(x)'], ['mean', 'avg(x)'], ['total', 'sum(x)'], ['maximum', 'max(x)'], ['minimum', 'min(x)'], ['stdev', 'stddev(x)'], ['std', 'stddev(x)'], ['var', 'variance(x)'], ['median', 'percentile(x, 50)'],
  ['quantile', 'percentile(x, 95)'], ['unique', 'distinct(x)'], ['countdistinct', 'distinct(x)'], ['collect', 'values(x)'], ['list', 'values(x)'], ['trend', 'slope(x, 1h)'], ['rate', 'slope(x, 1h)'], ['topk', 'top(x, 3)'], ['every', 'all(condition)'],
  ['some', 'any(condition)'], ['latest', 'last(x)'], ['earliest', 'first(x)'], ['len', 'length(text)'], ['ifnull', 'x ?? y'], ['isnull', 'x is null'], ['substr', 'substring(text, from, to)'], ['power', 'pow(x, y)'], ['log', 'ln(x)'],
]);

/** How a function of another language is called here. */
export function functionMeant(name: string): string | undefined {
  const percentile = /^p(\d{1,2})$/.exec(name);
  return percentile === null ? FUNCTIONS.get(name.toLowerCase()) : `percentile(x, ${percentile[1]})`;
}

export function clauseMeant(word: string, clauses: Iterable<string>): string | undefined {
  return didYouMean(word, clauses) ?? CLAUSES.get(word.toLowerCase());
}

export function declarationMeant(word: string, declarations: Iterable<string>): string | undefined {
  return didYouMean(word, declarations) ?? DECLARATIONS.get(word.toLowerCase());
}

/** The author says how much time there is, in another word than `within`. */
export function meansWithin(word: string): boolean {
  return BOUND_WORDS.has(word.toLowerCase());
}

/** What is likely wrong where a stage follows a word with no arrow between; `first`: the word begins the pattern. */
export function missingArrowHint(word: string, first: boolean, stage: string): string {
  const mode = first ? didYouMean(word, MODES) : undefined;
  const meant = mode ?? (NEGATIONS.has(word.toLowerCase()) ? 'not' : undefined);
  return meant === undefined ? `write -> ${stage}` : `did you mean '${meant}'?`;
}
