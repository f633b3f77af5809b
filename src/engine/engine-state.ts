/** The engine's state as images, and an engine that goes on from one: of the same rules, or of rules that have changed. */
import { encodeWhole, put, wholeOf, type Image, type WholeImage } from '../state/image.ts';
import { adoptState, describeRule, isLost, recall, renderChange, RulesPage, type Adopted, type Change, type DecodeAgain } from './change/index.ts';
import type { Clocks } from './clocks.ts';
import type { Dispatcher } from './dispatch.ts';
import { makeImage, markAll, restoreParts, rootsOf, type Parts, type Roots } from './images.ts';
import { KEY, QUEUED } from './layout.ts';
import type { Progress, SavedProgress } from './progress.ts';
import type { Table } from './tables.ts';
import type { Upkeep } from './upkeep.ts';

/** What an image says beside its pages. */
interface Header extends SavedProgress {
  readonly format: number;
  readonly fingerprint: string;
  readonly num: number;
  readonly runs: number;
  /** What rules that went through changes have of them, by name. */
  readonly adopted: Readonly<Record<string, Adopted>>;
  /** Names of rules whose open runs are let end; absent: none. */
  readonly draining?: readonly string[] | undefined;
  readonly roots: Roots;
}

export interface RestoreOptions {
  /** Called where the state is of other rules, before it is used, with what becomes of it; may throw. Default: throws where runs are lost. */
  readonly accept?: ((change: Change) => void) | undefined;
  /** Decodes events that were held back for fields that were not read before. */
  readonly again?: DecodeAgain | undefined;
  /** Names of features that another engine takes over from the same state. */
  readonly elsewhere?: ReadonlySet<string> | undefined;
}

/** Of the header and all pages. */
const FORMAT = 4;

export class EngineState {
  readonly #parts: Parts;
  readonly #progress: Progress;
  readonly #tables: readonly Table[];
  readonly #dispatcher: Dispatcher;
  readonly #upkeep: Upkeep;
  readonly #clocks: Clocks;
  #page: RulesPage | undefined;
  #adopted: Readonly<Record<string, Adopted>> = {};
  #draining: readonly string[] = [];

  constructor(parts: Omit<Parts, 'rules'>, progress: Progress, tables: readonly Table[], dispatcher: Dispatcher, upkeep: Upkeep, clocks: Clocks) {
    const rules = (): RulesPage => this.#rules;
    this.#parts = { ...parts, get rules() { return rules(); } };
    this.#progress = progress;
    this.#tables = tables;
    this.#dispatcher = dispatcher;
    this.#upkeep = upkeep;
    this.#clocks = clocks;
  }

  /** See `Engine.checkpoint`. */
  checkpoint(): Image { return makeImage(this.#parts, this.#header(), false); }

  /** See `Engine.snapshot`. */
  snapshot(): Uint8Array {
    const image = makeImage(this.#parts, this.#header(), true);
    return encodeWhole(wholeOf(put<Uint8Array>({}, image, (page) => page), image.header));
  }

  /** The next image has all pages: no image before it is needed. */
  markDirty(): void { markAll(this.#parts); }

  /** See `Engine.restoreImage`. */
  restoreImage(whole: WholeImage, { accept = refuseLoss, again, elsewhere = new Set() }: RestoreOptions = {}): Change | undefined {
    const header = JSON.parse(whole.header) as Header;
    if (header.format !== FORMAT) throw new Error(`The state was written in format ${String(header.format)}; this version reads format ${FORMAT}.`);
    if (header.draining !== undefined) this.drain();
    const { store, strings, runners } = this.#parts;
    const isSame = header.fingerprint === this.#rules.fingerprint;
    const texts = this.#tables.map((table) => table.texts());
    this.#progress.load(header);
    store.num = header.num;
    store.runs = header.runs;
    store.current.time = this.#progress.watermark;
    let change: Change | undefined;
    let types = store.plan.schema.types.map((_, type) => type);
    if (isSame) {
      restoreParts(this.#parts, whole, header.roots);
      this.#adopted = header.adopted;
      for (const runner of runners) {
        const known = header.adopted[runner.plan.rule.name];
        recall(runner, known?.since, known?.floor);
      }
    } else {
      strings.restorePages(whole.sections.get('strings') ?? []);
      this.#pool();
      const state = adoptState(whole, header.roots, this.#parts, this.#rules.described, {
        watermark: this.#progress.watermark, num: header.num, adopted: header.adopted, again, elsewhere,
        schedule: (span, ks, due) => {
          store.heap.ints(ks)[2 * ks + KEY.flags]! |= QUEUED;
          this.#upkeep.schedule(span, ks, due);
        },
      });
      change = state.change;
      accept(change);
      this.#adopted = state.adopted;
      types = [...state.types];
      this.markDirty();
    }
    this.#tables.forEach((table, i) => { table.rename(texts[i]!); });
    this.#pool();
    this.#dispatcher.reindex();
    types.forEach((type, i) => { if (type >= 0) this.#progress.seenOfType[type] = header.seen[i]!; });
    this.#clocks.recount();
    this.#upkeep.measure();
    this.#tables.forEach((table, i) => { if (table.isSet) this.#clocks.follow(i); });
    return change;
  }

  /** See `Engine.drain`. */
  drain(): void {
    const { store, runners } = this.#parts;
    this.#draining = store.plan.rules.filter((rule) => !rule.isGroup).map(({ rule }) => rule.name);
    for (const runner of runners) runner.draining = true;
  }

  /** See `Engine.draining`. */
  get draining(): readonly string[] { return this.#draining; }

  /** Made when it is first asked for: an engine without images has no use for it. */
  get #rules(): RulesPage { return this.#page ??= new RulesPage(this.#parts.store.plan, describeRule); }

  /** Constants by the ids that the strings of a state have. */
  #pool(): void {
    const { store } = this.#parts;
    store.plan.pool.forEach((value, i) => { store.C[i] = store.encode(value, true); });
  }

  #header(): Header {
    const { store } = this.#parts;
    return {
      format: FORMAT, fingerprint: this.#rules.fingerprint, ...this.#progress.save(),
      num: store.num, runs: store.runs, adopted: this.#adopted, ...(this.#draining.length > 0 && { draining: this.#draining }), roots: rootsOf(this.#parts),
    };
  }
}

function refuseLoss(change: Change): void {
  if (change.rules.some(isLost)) throw new Error(`The state was made by other rules than these, and runs would be lost. ${renderChange(change, false).join(' ')}`);
}
