/**
 * A task: the unit of state, of a commit, and of moving between processes. It owns partition i of every topic that its job reads (or all that is not
 * partitioned), the engines of the job's rule groups, their watermarks, and the records on their way out.
 *
 * A checkpoint is taken between two batches: the state is copied, and the records since the last one are set aside; events go on while the copy is
 * written. What comes out meanwhile waits for the next commit. At most one is in flight.
 */
import type { Alert } from '../core/alert.ts';
import type { Log, OutRecord, RecordBatch } from '../connect/types.ts';
import { drainingRules, Engine, isLost, renderChange, renderRule, type Change, type RestoreOptions, type RuleGauges } from '../engine/index.ts';
import type { WholeImage } from '../state/image.ts';
import { Commits, type Capture } from './commits.ts';
import type { Committer, Positions } from './committer.ts';
import { CannotDrain, drainLost, takeUpDrain } from './drain.ts';
import type { RuleGroup } from './groups.ts';
import { Intake, type Rejected } from './intake.ts';
import { Outbox } from './outbox.ts';
import { alertRecord, lateRecord, rejectRecord, SHADOW } from './outputs.ts';
import { JobError } from './parts.ts';
import type { Restored, TaskStore } from './state.ts';
import { takeUp } from './change.ts';
import type { TaskStatus } from './status.ts';
import type { TaskHost } from './task-host.ts';
import { Watermarks } from './watermarks.ts';

/** ms of work between two looks at everything else that waits. */
const TURN = 8;
/** ms; where more lie between two ticks the process slept, or the clock was set: that is no silence of the streams. */
const LONGEST_TICK = 1000;

interface Group {
  readonly engine: Engine;
  readonly watermarks: Watermarks;
  /** Per input of the job; undefined: no rule of the group reads it. */
  readonly intakes: readonly (Intake | undefined)[];
}

export class Task {
  readonly number: number;
  readonly #host: TaskHost;
  readonly #log: Log;
  readonly #outbox: Outbox;
  readonly #commits: Commits;
  readonly #inputOf: (stream: string) => number;
  #groups: Group[];
  readonly #streams = new Set<string>();
  readonly #sources: readonly string[];
  readonly #positions = new Map<string, number>();
  /** Table → the version the engines have. */
  readonly #tables = new Map<string, number>();
  /** Records, by offset, and elements of their lists, that one group of rules has rejected or found late: another that reads them too says so again. */
  readonly #told = { rejected: new Set<string>(), late: new Set<string>() };
  /** Streams whose records are being taken in. */
  readonly #taking = new Set<string>();
  #ticked = NaN;
  #changed = false;
  #closed = false;
  /** The records being taken in: their stream, and the clock as they came. */
  #current: { readonly stream: string; readonly arrived: number } = { stream: '', arrived: 0 };
  #said = new Map<string, number>();

  constructor(number: number, host: TaskHost, committer: Committer, store: TaskStore, inputOf: (stream: string) => number) {
    this.number = number;
    this.#host = host;
    this.#log = host.log.child({ task: number });
    this.#outbox = new Outbox(host);
    this.#commits = new Commits(number, host, this.#log, committer, store, this.#outbox, { hasChanged: () => this.#changed, capture: (whole) => this.#capture(whole) });
    this.#inputOf = inputOf;
    this.#sources = host.inputs.map(({ source }) => source);
    this.#groups = host.groups.map((group) => this.#makeGroup(group));
    this.#takeTables();
  }

  /**
   * Takes the task over and restores it. Says where to read its streams from: those not named, from where their source's `start` says, or, where the
   * state of a commit is gone, from the earliest there is.
   */
  async open(streams: readonly string[]): Promise<{ readonly positions: Positions; readonly isLost: boolean }> {
    const { last, wanted, state } = await this.#commits.open();
    for (const stream of streams) this.#addStream(stream);
    if (state !== undefined) {
      this.#takeUp(state);
      for (const [stream, offset] of state.positions) this.#positions.set(stream, offset);
      this.#log.info({ checkpoint: state.checkpoint, positions: Object.fromEntries(state.positions) }, 'restored');
    }
    const hadState = last !== undefined && last !== 'store' && last.checkpoint >= 0;
    if (state?.older === true || (state === undefined && hadState)) {
      const sent = await this.#host.sentSince(state?.ends, this.number);
      this.#outbox.skip(sent);
      const { repeating } = this.#host;
      this.#log.error({ wanted, checkpoint: state?.checkpoint, known: sent.size, ...(repeating.length > 0 && { repeating }) },
        `the state of the last commit is gone${state === undefined ? ', and so are all before it: the input is read again from its start' : ': the input is read again from an older checkpoint'}; `
        + (repeating.length === 0 ? NOT_SENT : this.#commits.isTransactional ? `${NOT_SENT}, but for outlets without transactions, which get them again` : SENT_AGAIN));
    } else if (state === undefined && last !== undefined && last !== 'store') {
      // Offsets without our metadata: someone has set where the job is to begin.
      for (const [stream, offset] of last.positions) this.#positions.set(stream, offset);
    }
    return { positions: new Map(this.#positions), isLost: state === undefined && hadState };
  }

  /** The state of a checkpoint, under the rules there are now; rules of it that drain are in engines behind those. @throws JobError */
  #takeUp(state: Restored): void {
    const { engines, watermarks } = state;
    const atWork = engines.flatMap((image, i) => (drainingRules(image).length > 0 ? [] : [i]));
    let change: Change | undefined;
    try {
      change = takeUp(this.#groups.map(({ engine, watermarks: own, intakes }) => ({ engine, watermarks: own, again: againOf(intakes) })), { engines: atWork.map((i) => engines[i]!), watermarks: atWork.map((i) => watermarks[i]!) });
      engines.forEach((image, i) => {
        const names = drainingRules(image);
        if (names.length > 0) this.#addDrain(this.#host.drain(image, names), image, names, watermarks[i]!);
      });
    } catch (error) {
      throw new JobError(`The state of checkpoint ${state.checkpoint} cannot be taken up: ${(error as Error).message} Start the job with the rules it had, or under another name.`);
    }
    if (change === undefined) return;
    const isRefused = this.#host.onChange === 'refuse' && change.rules.some(isLost);
    if (isRefused) throw refusal(change, 'let them drain (state.onChange: drain), or let go of these runs (state.onChange: fresh)');
    if (this.#host.onChange === 'drain') change = this.#drain(change, state);
    for (const rule of change.rules) {
      const { what, reason, runs, keys } = rule;
      this.#log[isLost(rule) ? 'warn' : 'info']({ rule: rule.rule, state: what, ...(reason !== undefined && { reason }), runs, keys }, renderRule(rule));
    }
    for (const note of change.notes) this.#log.warn({}, note);
    this.#changed = true;
    this.checkpointSoon();
  }

  #drain(change: Change, { engines, watermarks }: Restored): Change {
    try {
      const drained = drainLost(change, engines, this.#host.drain);
      for (const { group, image, index, names } of drained.drains) this.#addDrain(group, image, names, watermarks[index]!);
      return drained.change;
    } catch (error) {
      if (!(error instanceof CannotDrain)) throw error;
      throw refusal(change, `let go of these runs (state.onChange: fresh): ${error.message.slice(0, -1)}`);
    }
  }

  #addDrain(made: RuleGroup, image: WholeImage, names: readonly string[], watermarks: Restored['watermarks'][number]): void {
    const group = this.#makeGroup(made, true);
    for (const stream of this.#streams) this.#addStreamTo(group, stream);
    takeUpDrain(group.engine, image, names, againOf(group.intakes));
    group.watermarks.restore(watermarks);
    this.#groups.push(group);
    this.checkpointSoon();
  }

  /** Engines that drained go; those behind them are written whole, since a store knows an engine by its number. */
  #dropDrained(): void {
    const left = this.#groups.filter(({ engine }) => engine.draining.length === 0 || !engine.isDrained);
    if (left.length === this.#groups.length) return;
    for (const { engine } of this.#groups) if (!left.some((group) => group.engine === engine)) this.#log.info({ rules: engine.draining }, 'nothing of these old rules is open any more: they are gone');
    this.#groups = left;
    for (const { engine } of left) if (engine.draining.length > 0) engine.markDirty();
  }

  /** Takes records in; the promise settles when the next may come. */
  async records(records: RecordBatch): Promise<void> {
    if (this.#closed) return;
    this.#taking.add(records.stream);
    try {
      await this.#take(records);
    } finally {
      this.#taking.delete(records.stream);
    }
  }

  async #take(records: RecordBatch): Promise<void> {
    const input = this.#inputOf(records.stream);
    const now = this.#host.now();
    this.#addStream(records.stream);
    const current = { stream: records.stream, arrived: now };
    let began = performance.now();
    for (let at = 0; at < records.count;) {
      let next = records.count;
      // Every time: records of another stream, or a tick, may have come between.
      this.#current = current;
      this.#told.rejected.clear();
      this.#told.late.clear();
      this.#takeTables();
      for (const group of this.#groups) {
        const intake = group.intakes[input];
        if (intake === undefined) continue;
        next = intake.take(records, at, now);
        this.#push(group, intake, records.stream);
      }
      at = next;
      this.#changed = true;
      this.#positions.set(records.stream, at < records.count ? records.offsets[at]! : records.next);
      if (performance.now() - began > TURN && at < records.count) {
        await new Promise(setImmediate);
        if (this.#closed) return;
        began = performance.now();
      }
    }
    if (records.count === 0 && this.#positions.get(records.stream) !== records.next) {
      this.#positions.set(records.stream, records.next);
      this.#changed = true;
    }
    while (this.#outbox.isFull && !this.#closed) {
      this.checkpointSoon();
      await this.#outbox.room();
    }
  }

  /** A stream is over. */
  end(stream: string): void {
    for (const group of this.#groups) {
      if (group.intakes[this.#inputOf(stream)] === undefined) continue;
      group.watermarks.end(stream);
      this.#advance(group);
    }
  }

  /** Called now and then: idle streams, and event time while all are idle. `isSilent`: the stream's source is connected, and knows of nothing that waits. */
  tick(now: number, isSilent: (stream: string) => boolean): void {
    if (this.#closed) return;
    this.#takeTables();
    this.#current = { stream: '', arrived: now };
    const since = now - this.#ticked;
    const passed = since > 0 && since <= LONGEST_TICK ? since : 0;
    this.#ticked = now;
    const { isFull } = this.#outbox;
    for (const group of this.#groups) {
      for (const clock of group.watermarks.pass(passed, (stream) => !isFull && !this.#taking.has(stream) && isSilent(stream))) {
        this.#log.info({ stream: clock.stream, idleFor: clock.quiet, ...(clock.largest > -Infinity && { lastEvent: new Date(clock.largest).toISOString() }) },
          'this stream is idle: event time no longer waits for it');
      }
      this.#advance(group);
      this.#sayWhoHolds(group, now);
    }
  }

  get isClosed(): boolean { return this.#closed; }
  checkpointSoon(): void { this.#commits.isWanted = true; }
  get wantsCheckpoint(): boolean { return this.#commits.isWanted; }

  /** Commits what has been taken in so far. Resolves when that is done; at most one is under way. */
  checkpoint(): Promise<void> { return this.#commits.commit(); }

  /** Throws StoreFencedError where another process has the task now. */
  requireOurs(): Promise<void> { return this.#commits.requireOurs(); }

  /** Ends the task: what is not committed is given up, unless `checkpoint` was awaited before. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#outbox.giveUp();
    await this.#commits.close();
  }

  status(): TaskStatus {
    let watermark = Infinity;
    let events = 0;
    let stateBytes = 0;
    let keys = 0;
    const streams = new Map<string, TaskStatus['streams'][number]>();
    for (const group of this.#groups) {
      const stats = group.engine.gauges();
      watermark = Math.min(watermark, group.watermarks.watermark);
      if (group.engine.draining.length === 0) events += stats.events;
      stateBytes += stats.bytes + stats.tableBytes + stats.stringBytes + stats.heldBytes;
      keys += stats.keys;
      const holding = new Set(group.watermarks.holding());
      for (const clock of group.watermarks.streams) {
        streams.set(clock.stream, {
          stream: clock.stream, offset: this.#positions.get(clock.stream) ?? 0, largest: Number.isFinite(clock.largest) ? clock.largest : undefined,
          idle: clock.isIdle, holds: holding.has(clock) || streams.get(clock.stream)?.holds === true,
        });
      }
    }
    return {
      task: this.number, watermark: Number.isFinite(watermark) ? watermark : undefined, streams: [...streams.values()], events, stateBytes, keys,
      waiting: this.#outbox.waiting, checkpoint: this.#commits.checkpoint,
    };
  }

  ruleCounts(): readonly RuleGauges[] {
    return this.#groups.filter(({ engine }) => engine.draining.length === 0).flatMap(({ engine }) => [...engine.gauges().rules]);
  }

  // --- events ---------------------------------------------------------------------------------------------------------------------------------

  /** `drains`: of rules that end. What they cannot read, or find late, is none of the job's rejects: its rules of now may read it. */
  #makeGroup(group: RuleGroup, drains = false): Group {
    const watermarks = new Watermarks();
    const late = { offset: NaN, count: 0 };
    const engine = new Engine(group.plan, {
      watermarks: 'given', now: this.#host.now,
      onAlert: (alert) => { this.#alert(alert); },
      onLate: (batch, row, watermark) => {
        if (drains) return;
        // A record and the events made of its lists have one offset.
        const offset = batch.offset[row]!;
        late.count = offset === late.offset ? late.count + 1 : 0;
        late.offset = offset;
        if (isKnown(this.#told.late, `${offset}/${late.count}`)) return;
        const { source } = this.#host.inputs[batch.source]!;
        this.#host.counts.late++;
        const bytes = batch.bytes.subarray(batch.from[row]!, batch.to[row]!);
        this.#send(lateRecord({ source, stream: this.#current.stream, offset, behind: watermark - batch.time[row]!, bytes }, this.number));
      },
    });
    const intakes = this.#host.inputs.map((input) => (group.inputs.includes(input.source) ? new Intake(engine, { ...input, map: group.mapOf?.(input.source) ?? input.map }, (rejected) => { if (!drains) this.#reject(rejected); }) : undefined));
    return { engine, watermarks, intakes };
  }

  /** Gives the engines the tables that have changed. Called between two batches only. */
  #takeTables(): void {
    for (const { name, version, rows } of this.#host.tables.versions()) {
      if (this.#tables.get(name) === version) continue;
      this.#tables.set(name, version);
      for (const { engine } of this.#groups) engine.setTable(name, rows);
    }
  }

  #addStream(stream: string): void {
    this.#streams.add(stream);
    for (const group of this.#groups) this.#addStreamTo(group, stream);
  }

  #addStreamTo(group: Group, stream: string): void {
    const input = this.#inputOf(stream);
    const { lateness, idle } = this.#host.inputs[input]!;
    if (group.intakes[input] !== undefined) group.watermarks.add(stream, lateness, idle);
  }

  #push(group: Group, intake: Intake, stream: string): void {
    const batch = intake.events();
    const { count } = batch;
    let largest = -Infinity;
    for (let row = 0; row < count; row++) if (batch.time[row]! > largest) largest = batch.time[row]!;
    if (count > 0) group.engine.push(batch, group.watermarks.paceOf(stream));
    if (group.watermarks.seen(stream, largest)) this.#log.info({ stream }, 'this stream is no longer idle');
    this.#advance(group);
  }

  #advance(group: Group): void {
    const before = group.watermarks.watermark;
    const watermark = group.watermarks.advance();
    if (watermark === before && watermark === Infinity) return;
    if (watermark > -Infinity) group.engine.advance(watermark, group.watermarks.inclusive);
    if (watermark !== before) this.#changed = true;
  }

  #alert(alert: Alert): void {
    const record = alertRecord(alert, this.#sources, this.number);
    this.#send(alert.shadow ? { ...record, channel: SHADOW } : record);
  }

  #reject(rejected: Rejected): void {
    if (isKnown(this.#told.rejected, `${rejected.offset}/${rejected.element}`)) return;
    const { rejected: counts } = this.#host.counts;
    counts.set(rejected.reason, (counts.get(rejected.reason) ?? 0) + 1);
    this.#send(rejectRecord(rejected, this.number));
  }

  #send(record: OutRecord): void { this.#outbox.send(record, this.#current.arrived); }

  /** Why nothing fires should have a reason that one can read: a stream that holds event time back while others go on is named, once in a while. */
  #sayWhoHolds(group: Group, now: number): void {
    for (const clock of group.watermarks.holding()) {
      const { waited: quiet } = clock;
      if (quiet < 5000 || !Number.isFinite(clock.idle) || now - (this.#said.get(clock.stream) ?? 0) < 60_000) continue;
      const behind = [...group.watermarks.streams].some((other) => other.largest > clock.largest);
      if (!behind) continue;
      this.#said.set(clock.stream, now);
      const rules = group.engine.plan.rules.filter((rule) => !rule.isGroup).map((rule) => rule.rule.name);
      this.#log.info({ stream: clock.stream, quietFor: quiet, idleAfter: clock.idle, rules, lastEvent: clock.largest > -Infinity ? new Date(clock.largest).toISOString() : 'none' },
        'rules wait for this stream');
    }
  }

  /** What a checkpoint holds, as it is between two batches. `whole`: all of the engines' state. */
  #capture(whole: boolean): Capture {
    this.#dropDrained();
    if (whole) for (const { engine } of this.#groups) engine.markDirty();
    this.#changed = false;
    return {
      images: this.#groups.map(({ engine }) => engine.checkpoint()),
      state: { positions: new Map(this.#positions), watermarks: this.#groups.map(({ watermarks }) => watermarks.serialize()) },
    };
  }
}

function refusal(change: Change, otherwise: string): JobError {
  return new JobError(`The rules have changed, and runs would be lost: ${renderChange(change, false).join(' ')} Start the job with the rules it had, or ${otherwise}. See \`alcedo plan\`.`);
}

const againOf = (intakes: readonly (Intake | undefined)[]): RestoreOptions['again'] => (batch, row) => intakes[batch.source]?.again(batch, row) ?? false;

const NOT_SENT = 'alerts that are out already are not sent again';
const SENT_AGAIN = 'its alerts are sent again, with the same ids: no outlet of this job writes in transactions';

/** Whether the set had it before; it has it now. */
function isKnown(known: Set<string>, one: string): boolean {
  const { size } = known;
  return known.add(one).size === size;
}
