/** The rule language: text to syntax tree (parser), files (load), layout (format), error texts (render), names (suggest). */
export { didYouMean } from './suggest.ts';
