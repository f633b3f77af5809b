/** The rule language: text to syntax tree (parser), files (load), layout (format), error texts (render), names (suggest). */
export { didYouMean } from './suggest.ts';
export { parseFile, type ParsedFile } from './parser.ts';
export { loadFiles, type LoadedFiles } from './load.ts';
export { diagnosticToJson, renderDiagnostic, sortDiagnostics, type DiagnosticJson, type RenderOptions, type TextOf } from './render.ts';
export { positionAt, type Position } from './positions.ts';
export { formatSource } from './format.ts';
export { check, type Checked, type CheckOptions } from './check/index.ts';
export { MOST_NEXT, MOST_STEPS, sizeOfPattern, type PatternSize, type StepSize, type Turns } from './limits.ts';
export { isPattern, patternRule, takersOf } from './rules.ts';
export { children, conjunctsOf, walk } from './walk.ts';
