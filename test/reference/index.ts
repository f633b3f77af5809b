/** The slow, obvious matcher that the engine is tested against. */
export { referenceMatches } from './matcher.ts';
export { splitByKey, type KeyedEvents } from './keys.ts';
export { TooManyRuns, type RefBinding, type RefEvent, type RefMatch, type RefOptions, type RefResult } from './types.ts';
export { referenceWindows, type WindowEvent, type WindowReport } from './windows.ts';
