/** One life of a job: its connections, sources, tasks and sinks, from taking over to a failure or the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EARLIEST, KafkaSource, openKafka, openMemoryKafka, producedRecord, type Kafka, type MemoryBroker } from '../connect/kafka/index.ts';
import { HttpSource } from '../connect/http/index.ts';
import type { Log, OutRecord, Source, SourceHost } from '../connect/types.ts';
import { openStore, StoreFencedError, type StateStore } from '../state/stores/index.ts';
import { OffsetCommitter, StoreCommitter, TransactionalCommitter, type Committer, type Positions } from './committer.ts';
import { kafkaConnectionOf, storeSpec, topicOf, topicsToMake, type JobConfig, type SinkConfig } from './config/index.ts';
import type { RuleGroup } from './groups.ts';
import type { JobOptions } from './job.ts';
import { Outlet } from './outlets.ts';
import { LATE, REJECTS, sentName, SHADOW } from './outputs.ts';
import { drainOf } from './drain.ts';
import { JobError, kafkaInputs, sinkOf, sourceOf } from './parts.ts';
import { TaskStore, type TaskState } from './state.ts';
import type { JobStatus, RuleStatus, TaskStatus } from './status.ts';
import type { JobTables } from './tables.ts';
import { Task } from './task.ts';
import type { TaskHost, TaskInput } from './task-host.ts';

/** ms between two looks at the clock. */
const TICK = 100;

/** What outlives an attempt: the same for every one of a job. */
export interface Shared {
  readonly groups: readonly RuleGroup[];
  readonly inputs: readonly TaskInput[];
  readonly tables: JobTables;
  readonly broker: MemoryBroker;
  readonly now: () => number;
  readonly counts: TaskHost['counts'];
  /** Records by outlet. */
  readonly sent: Map<string, number>;
  /** The HTTP sources of the attempt at hand, by name. */
  readonly http: Map<string, HttpSource>;
}

export class Attempt {
  /** Settles when all sources are over or the job is asked to end; rejects on failure. */
  readonly over: Promise<void>;
  /** The job reads Kafka: its tasks are dealt out by a consumer group. */
  readonly inGroup: boolean;
  readonly #options: JobOptions;
  readonly #config: JobConfig;
  readonly #log: Log;
  readonly #shared: Shared;
  readonly #tasks = new Map<number, Promise<OpenTask>>();
  /** Those that stand. */
  readonly #open = new Map<number, Task>();
  readonly #sources: Source[] = [];
  readonly #streams = new Map<string, number>();
  readonly #outlets = new Map<string, Outlet>();
  readonly #ended = new Set<string>();
  /** Outlet → topic, of those that are written in the task's transactions. */
  readonly #transactional = new Map<string, string>();
  #compression: string | undefined;
  #kafka: Kafka | undefined;
  #kafkaSource: KafkaSource | undefined;
  #kafkaTopics: readonly string[] = [];
  #store: StateStore | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #checkpointer: NodeJS.Timeout | undefined;
  #finish!: () => void;
  #fail!: (error: Error) => void;
  #isOver = false;

  constructor(options: JobOptions, shared: Shared) {
    this.#options = options;
    this.#config = options.config;
    this.#log = options.log;
    this.#shared = shared;
    this.inGroup = [...options.config.sources.values()].some(({ kind }) => kind === 'kafka');
    this.over = new Promise((resolve, reject) => {
      this.#finish = () => { this.#isOver = true; resolve(); };
      this.#fail = (error) => { this.#isOver = true; reject(error); };
    });
    this.over.catch(() => undefined);
  }

  end(): void { this.#finish(); }

  async start(): Promise<void> {
    const { sources, kafka, state } = this.#config;
    if (kafka !== undefined) {
      const connection = kafkaConnectionOf(kafka, this.#log.child({ part: 'kafka' }));
      this.#kafka = kafka.adapter === 'memory' ? await openMemoryKafka(this.#shared.broker, connection) : await openKafka(kafka.adapter, connection);
    }
    this.#store = await openStore(storeSpec(this.#config), (message) => { this.#log.warn({ part: 'state', store: state.kind }, message); });
    await this.#openSinks();
    if (this.inGroup) {
      const { topics, inputs } = await kafkaInputs(this.#config, this.#options.program, this.#kafka!);
      for (const [topic, input] of inputs) this.#streams.set(topic, input);
      this.#kafkaTopics = topics.map(({ topic }) => topic);
      this.#kafkaSource = new KafkaSource(this.#kafka!, { name: 'kafka', group: this.#config.name, sessionTimeout: kafka!.sessionTimeout, topics });
      this.#sources.push(this.#kafkaSource);
    }
    for (const [index, [name, source]] of [...sources].entries()) {
      if (source.kind === 'kafka') continue;
      this.#streams.set(name, index);
      const made = sourceOf(this.#config, name, source);
      if (made instanceof HttpSource) this.#shared.http.set(name, made);
      this.#sources.push(made);
    }
    for (const source of this.#sources) await source.start(this.#hostOf(source));
    this.#ticker = setInterval(() => { this.#tick(); }, TICK);
    this.#checkpointer = setInterval(() => { this.#checkpoints(false); }, state.checkpoint.interval);
  }

  /** Drains: sources stop, what was taken in is committed. @throws where that does not work within `deadline` ms */
  async stop(deadline: number): Promise<void> {
    const drained = (async () => {
      // Records that wait for room get it by a checkpoint, so those go on until the sources rest.
      await Promise.all(this.#sources.map((source) => source.pause()));
      this.#stopTimers();
      for (const task of this.#open.values()) {
        await task.checkpoint();
        await task.checkpoint();
      }
      for (const source of this.#sources) await source.stop();
      await this.#close();
    })();
    const timer = new AbortController();
    await Promise.race([drained, sleep(deadline, undefined, { signal: timer.signal, ref: false }).then(() => {
      throw new Error(`what was taken in could not be committed within ${deadline} ms; the job ends as by a crash, and goes on from its last commit when it is started`);
    })]).finally(() => {
      timer.abort();
      this.#stopTimers();
    });
  }

  /** Ends as a crash would, but gives connections back. */
  async abandon(): Promise<void> {
    this.#isOver = true;
    this.#stopTimers();
    for (const outlet of this.#outlets.values()) outlet.drop();
    const closing = (async () => {
      await Promise.allSettled([...this.#tasks.values()].map(async (task) => (await task).task.close()));
      await Promise.allSettled(this.#sources.map((source) => source.stop()));
      await this.#close();
    })();
    await Promise.race([closing.catch(() => undefined), sleep(5000, undefined, { ref: false })]);
  }

  /** After a commit was refused as that of a former owner: whether another process has a task of this job now, as far as the state store knows. */
  async isReplaced(): Promise<boolean> {
    const asked = await Promise.allSettled([...this.#open.values()].map((task) => task.requireOurs()));
    return asked.some((answer) => answer.status === 'rejected' && answer.reason instanceof StoreFencedError);
  }

  /** What is not there yet of what a job in work has. */
  waitsFor(): string[] {
    const stage = this.#kafkaSource?.stage;
    if (stage === 'dealing') return ['the consumer group is dealing out the partitions'];
    const restoring = [...this.#tasks.keys()].filter((task) => !this.#open.has(task));
    if (restoring.length > 0) return [`restoring task ${restoring.join(', ')}`];
    return stage === 'opening' ? ['the partitions given to this process are being taken up'] : [];
  }

  tasks(): TaskStatus[] { return [...this.#open.values()].map((task) => task.status()); }
  ruleCounts(): RuleStatus[] {
    return [...this.#open.values()].flatMap((task) => task.ruleCounts().map(({ name, events, alerts, timedOut, dropped, suppressed, keys, runs, bytes }) => (
      { rule: name, events, alerts, timedOut, dropped, suppressed, keys, runs, bytes })));
  }
  sources(): JobStatus['sources'] {
    const kinds = new Map([...this.#config.sources].map(([name, source]) => [name, source.kind] as const));
    return this.#sources.map((source) => ({ source: source.name, kind: kinds.get(source.name) ?? 'kafka', streams: source.status() }));
  }

  // --- tasks ----------------------------------------------------------------------------------------------------------------------------------

  #hostOf(source: Source): SourceHost {
    return {
      log: this.#log.child({ source: source.name }),
      assigned: async (number, streams) => {
        // Sources without partitions share a task, which is to know all of their streams before the first event.
        const opened = this.#tasks.get(number) ?? this.#openTask(number, [...new Set([...streams, ...this.#unpartitioned()])]);
        this.#tasks.set(number, opened);
        const { positions, isLost } = await opened;
        return isLost && source === this.#kafkaSource ? new Map(streams.map((stream) => [stream, EARLIEST])) : positions;
      },
      revoked: (number, lost) => this.#revoked(number, lost),
      records: async (number, batch) => { await (await this.#tasks.get(number))?.task.records(batch); },
      caughtUp: () => undefined,
      ended: (number, stream) => { void this.#tasks.get(number)?.then(({ task }) => { this.#streamEnded(task, stream); }); },
      checkpointSoon: (number, reason) => {
        this.#log.debug({ task: number, reason }, 'a checkpoint is wanted soon');
        this.#open.get(number)?.checkpointSoon();
      },
      failed: (error) => { this.#fail(error); },
    };
  }

  /** Streams of sources that have no partitions. */
  #unpartitioned(): string[] { return [...this.#config.sources].filter(([, source]) => source.kind !== 'kafka').map(([name]) => `${name}/0`); }

  async #openTask(number: number, streams: readonly string[]): Promise<OpenTask> {
    const log = this.#log.child({ task: number });
    const store = new TaskStore(this.#store!, String(number), this.#config.state.checkpoint.retain, log);
    const task = new Task(number, this.#taskHost(), this.#committerFor(number), store, (stream) => this.#inputOf(stream));
    const opened = await task.open(streams);
    this.#open.set(number, task);
    return { task, ...opened };
  }

  async #revoked(number: number, lost: boolean): Promise<void> {
    const opened = await this.#tasks.get(number)?.catch(() => undefined);
    if (opened === undefined) return;
    const { task } = opened;
    try {
      // Twice: the one that may be under way does not hold the latest.
      if (!lost && !this.#isOver) await task.checkpoint();
      if (!lost && !this.#isOver) await task.checkpoint();
    } catch (error) {
      this.#log.warn({ task: number, error: (error as Error).message }, 'the task is handed over without its last commit; its next owner goes on from the one before');
    }
    this.#tasks.delete(number);
    this.#open.delete(number);
    await task.close();
  }

  #streamEnded(task: Task, stream: string): void {
    task.end(stream);
    this.#ended.add(stream);
    if (!this.inGroup && this.#unpartitioned().every((one) => this.#ended.has(one))) this.#finish();
  }

  #inputOf(stream: string): number { return this.#streams.get(stream.slice(0, stream.lastIndexOf('/')))!; }

  #taskHost(): TaskHost {
    return {
      ...this.#shared, log: this.#log,
      checkpointTimeout: this.#config.state.checkpoint.timeout, fullEvery: this.#config.state.checkpoint.fullEvery, onChange: this.#config.state.onChange, drain: drainOf(this.#config),
      route: (record) => this.#route(record),
      alertEnds: () => this.#alertEnds(),
      sentSince: (ends, task) => this.#sentSince(ends, task),
      repeating: [...new Set([...this.#outlets.values()].map(({ sink }) => sink.name))],
      committed: async (task, positions) => { await Promise.all(this.#sources.map((source) => source.committed(task, positions))); },
    };
  }

  #committerFor(task: number): Committer {
    const { name, kafka } = this.#config;
    const source = this.#kafkaSource;
    if (this.#transactional.size > 0) {
      return new TransactionalCommitter(this.#kafka!, {
        transactionalId: `${name}.${task}`, transactionTimeout: kafka!.transactionTimeout, compression: this.#compression, group: name, task,
        topics: source === undefined ? [commitTopic(name)] : this.#kafkaTopics, counts: source === undefined,
        membership: () => source?.membership() ?? { group: name, generation: -1, memberId: '' },
      });
    }
    return source === undefined ? new StoreCommitter() : new OffsetCommitter(this.#kafka!, name, this.#kafkaTopics, task);
  }

  #tick(): void {
    const now = this.#shared.now();
    const silent = new Set<string>();
    for (const source of this.#sources) for (const { stream, connected, lag } of source.status()) if (connected && !(lag > 0)) silent.add(stream);
    for (const task of this.#open.values()) task.tick(now, (stream) => silent.has(stream));
    this.#checkpoints(true);
  }

  #checkpoints(onlyWanted: boolean): void {
    for (const task of this.#open.values()) {
      if (onlyWanted && !task.wantsCheckpoint) continue;
      task.checkpoint().catch((error: Error) => { if (!task.isClosed) this.#fail(error); });
    }
  }

  #stopTimers(): void {
    clearInterval(this.#ticker);
    clearInterval(this.#checkpointer);
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map((task) => task.close()));
    await Promise.allSettled([...this.#outlets.values()].map(({ sink }) => sink.stop()));
    await this.#kafka?.close().catch(() => undefined);
    await this.#store?.close().catch(() => undefined);
  }

  // --- output ---------------------------------------------------------------------------------------------------------------------------------

  async #openSinks(): Promise<void> {
    const { channels, late, rejects, shadow, flush, name } = this.#config;
    const named = [...new Set(this.#shared.groups.flatMap(({ plan }) => plan.rules.flatMap((rule) => rule.outputs.filter((output) => output.kind === 'alert').map(({ target }) => target))))];
    const open = async (outlet: string, sink: SinkConfig | undefined, serves: readonly string[]): Promise<void> => {
      if (sink === undefined) return;
      if (sink.kind === 'kafka') {
        await this.#kafka!.ensureTopics(topicsToMake(sink, serves));
        if (sink.options.delivery === 'transactional') {
          for (const one of serves) this.#transactional.set(one, topicOf(sink.options.topic, one.trim()));
          this.#compression ??= sink.options.compression;
          return;
        }
      }
      const made = new Outlet(sinkOf(this.#config, outlet.trim(), sink, this.#kafka), flush, (error) => {
        this.#fail(new Error(`the sink "${outlet.trim()}" gave up: ${error.message}`, { cause: error }));
      });
      await made.sink.start(this.#log.child({ sink: outlet.trim() }));
      for (const one of serves) this.#outlets.set(one, made);
    };
    for (const [channel, sink] of channels) {
      if (channel !== 'default') await open(channel, sink, [channel]);
      else await open(channel, sink, named.filter((one) => !channels.has(one)));
    }
    await open(LATE, late, [LATE]);
    await open(REJECTS, rejects, [REJECTS]);
    await open(SHADOW, shadow, [SHADOW]);
    if (this.#transactional.size > 0) {
      const known = await this.#kafka!.topics();
      for (const topic of this.#transactional.values()) {
        if (!known.has(topic)) throw new JobError(`There is no topic "${topic}" to write to. Make it, or let the job make it (create: { partitions: N }).`);
      }
      if (!this.inGroup) await this.#kafka!.ensureTopics([{ topic: commitTopic(name), partitions: 1 }]);
    }
  }

  #route(record: OutRecord): ReturnType<TaskHost['route']> {
    const topic = this.#transactional.get(record.channel);
    if (topic !== undefined) {
      this.#countSent(record);
      return { produce: producedRecord(record, topic) };
    }
    const outlet = this.#outlets.get(record.channel);
    if (outlet === undefined) return undefined;
    return { deliver: (done) => { outlet.add(record, () => { this.#countSent(record); done(); }); } };
  }

  #countSent({ channel }: OutRecord): void {
    const { sent } = this.#shared;
    sent.set(channel, (sent.get(channel) ?? 0) + 1);
  }

  async #alertEnds(): Promise<TaskState['ends']> {
    const ends: Record<string, readonly number[]> = {};
    for (const topic of new Set(this.#transactional.values())) ends[topic] = await this.#kafka!.endOffsets(topic, 'read_uncommitted');
    return ends;
  }

  async #sentSince(ends: TaskState['ends'] | undefined, task: number): Promise<Map<string, number>> {
    const sent = new Map<string, number>();
    for (const topic of new Set(this.#transactional.values())) {
      const from = ends?.[topic] ?? await this.#kafka!.startOffsets(topic);
      const to = await this.#kafka!.endOffsets(topic, 'read_uncommitted');
      for (const [partition, end] of to.entries()) {
        const start = from[partition] ?? 0;
        if (start >= end) continue;
        await this.#kafka!.read(topic, partition, start, end, 'read_committed', (batch) => {
          for (let i = 0; i < batch.count; i++) {
            const id = batch.header(i, 'id');
            if (id === undefined || batch.header(i, 'task') !== String(task)) continue;
            const name = sentName(topic, id);
            sent.set(name, (sent.get(name) ?? 0) + 1);
          }
        });
      }
    }
    return sent;
  }
}

interface OpenTask { readonly task: Task; readonly positions: Positions; readonly isLost: boolean }

/** Where a job that reads no Kafka counts its commits. */
const commitTopic = (job: string): string => `${job}.commit`;
