/**
 * How values travel through the engine: every value is a JavaScript number, so that columns and registers are Float64Arrays.
 *
 *   float, int   the number
 *   bool         0 or 1
 *   time         ms since the epoch, UTC; duration: ms
 *   string       its id in the engine's Strings table
 *   list, record the id of its canonical JSON text in the Strings table
 *   null         NaN — so that `==` and the ordering comparisons with null are false by themselves, arithmetic with null is null,
 *                and `!=` and `not (…)` are true, as the language asks
 */
export type Value = number;
export const NULL: Value = NaN;
