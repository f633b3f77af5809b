import type { Plan } from '../compile/index.ts';
import type { Batch } from '../core/batch.ts';

/** Rows looked at together. */
export const BLOCK = 64;
/** V8 leaves very long functions slow, so many predicates are tried by several. */
const PREDICATES_A_FUNCTION = 64;

type Scan = (columns: readonly Float64Array[], type: Int32Array, time: Float64Array, from: number, to: number, heads: Int32Array, next: Int32Array, hits: Int32Array, n: number) => number;

/**
 * Tries the predicates that are tried on every event over a block of a batch at once, column by column: most events meet no condition of any rule, and
 * are done with here. The hits of row `from + i` are a list from `heads[i]` by `next`, -1 ending it.
 */
export class Scanner {
  readonly heads = new Int32Array(BLOCK);
  readonly next: Int32Array;
  /** Predicates that hold. */
  readonly hits: Int32Array;
  readonly #scans: readonly Scan[];

  /** `linear`: per schema type, the predicates to try. `bind` makes functions of sources over the engine's constants and run-time library. */
  constructor(plan: Plan, linear: readonly (readonly number[])[], bind: (sources: readonly string[]) => unknown[]) {
    const { slots } = plan.schema;
    const sources: string[] = [];
    linear.forEach((predicates, type) => {
      for (let i = 0; i < predicates.length; i += PREDICATES_A_FUNCTION) {
        const used = new Set<number>();
        const tries = predicates.slice(i, i + PREDICATES_A_FUNCTION).map((p) => {
          // Conditions are generated over `E`, the event at hand; here they read the row of the batch's columns.
          const source = plan.predicates[p]!.source.replaceAll(/\bE\[(\d+)\]/g, (_, slot: string) => {
            if (Number(slot) === slots) return 'time[r]';
            used.add(Number(slot));
            return `c${slot}[r]`;
          });
          return `if(${source}){hits[n]=${p};next[n]=heads[r-from];heads[r-from]=n++;}`;
        });
        const columns = [...used].map((slot) => `const c${slot}=columns[${slot}];`).join('');
        sources.push(`(columns,type,time,from,to,heads,next,hits,n)=>{${columns}for(let r=from;r<to;r++){if(type[r]!==${type})continue;${tries.join('')}}return n;}`);
      }
    });
    this.#scans = bind(sources) as Scan[];
    const most = BLOCK * Math.max(1, ...linear.map((predicates) => predicates.length));
    this.next = new Int32Array(most);
    this.hits = new Int32Array(most);
  }

  /** At most BLOCK rows. */
  run(batch: Pick<Batch, 'columns' | 'type' | 'time'>, from: number, to: number): void {
    const { columns, type, time } = batch;
    this.heads.fill(-1);
    let n = 0;
    for (let i = 0; i < this.#scans.length; i++) n = this.#scans[i]!(columns, type, time, from, to, this.heads, this.next, this.hits, n);
  }
}
