/** Membership in a consumer group: joining, dealing out when it is this member's turn, heart-beats, handing over. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CODE, KafkaError } from '../errors.ts';
import { FencedError, type GroupMembership, type TopicPartition } from '../port.ts';
import type { Log } from '../../types.ts';
import { type Api, type Joined, MemberIdRequired } from './api.ts';
import { PROTOCOL, assign, decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './assignment.ts';
import type { Cluster } from './cluster.ts';

/** ms between heart-beats, at most: members learn by them that the group is being dealt out anew. */
const HEARTBEAT = 1000;

export interface GroupOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** ms without a heart-beat after which the group goes on without this member */
  readonly sessionTimeout: number;
  /** ms the group waits for its members to join again */
  readonly rebalanceTimeout: number;
  readonly log: Log;
  /** Given partitions; not awaited. */
  assigned(partitions: readonly TopicPartition[]): void;
  /** Taken away; awaited before others can have them, unless lost. */
  revoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void>;
  /** The membership cannot go on. */
  failed(error: Error): void;
}

const live = new WeakMap<GroupMembership, Membership>();

const OUT_OF_GROUP: ReadonlySet<number> = new Set([CODE.ILLEGAL_GENERATION, CODE.UNKNOWN_MEMBER_ID, CODE.FENCED_INSTANCE_ID]);

/**
 * Does something that names the member's generation, again with the new one when the group was dealt out anew meanwhile and the member is still of it.
 * A copy of a membership's values is taken at its word.
 * @throws FencedError: no longer a member
 */
export async function asMember<T>(view: GroupMembership, attempt: (member: GroupMembership) => Promise<T>): Promise<T> {
  for (;;) {
    const member = { group: view.group, generation: view.generation, memberId: view.memberId };
    try {
      return await attempt(member);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      const between = error.code === CODE.REBALANCE_IN_PROGRESS;
      if ((between || error.code === CODE.ILLEGAL_GENERATION) && await live.get(view)?.outlives(member.generation, between)) continue;
      if (between || OUT_OF_GROUP.has(error.code)) throw new FencedError(`This member is no longer of the consumer group ${view.group}: ${error.message}`, { cause: error });
      throw error;
    }
  }
}

export class Membership {
  readonly #api: Api;
  readonly #cluster: Cluster;
  readonly #options: GroupOptions;
  #memberId = '';
  #generation = -1;
  #owned: TopicPartition[] = [];
  /** Partitions by topic as the leader saw them when it dealt out; undefined: this member does not lead. */
  #dealt: ReadonlyMap<string, number> | undefined;
  /** A round is over in which this member was given its share, and it is still of the group. */
  isDealt = false;
  #rejoin = false;
  #stopping = false;
  #wake: (() => void) | undefined;
  #lastBeat = 0;
  #joining = false;
  #running: Promise<void> | undefined;
  #beating = false;
  #lastWatch = 0;
  #heart: NodeJS.Timeout | undefined;

  constructor(api: Api, cluster: Cluster, options: GroupOptions) {
    this.#api = api;
    this.#cluster = cluster;
    this.#options = options;
  }

  /** A live view: the generation of this moment. */
  get current(): GroupMembership {
    const view = Object.defineProperties({ group: this.#options.group }, {
      generation: { get: () => this.#generation, enumerable: true },
      memberId: { get: () => this.#memberId, enumerable: true },
    }) as GroupMembership;
    live.set(view, this);
    return view;
  }

  /**
   * A commit that named `generation` was refused as of an old round. Waits for the end of the round under way, and tells whether this member is still
   * in the group, in a later round: then nothing is lost, and the commit is to name that one. `between`: the broker said that a round is under way.
   */
  async outlives(generation: number, between: boolean): Promise<boolean> {
    for (let waited = 0; (this.#joining || (between && this.#generation === generation)) && waited < this.#options.rebalanceTimeout; waited += 10) await sleep(10);
    return this.#generation > generation;
  }

  start(): void {
    this.#running = this.#run().catch((error: Error) => {
      if (!this.#stopping) this.#options.failed(error);
    });
    this.#heart = setInterval(() => void this.#beat(), Math.min(this.#options.sessionTimeout / 6, HEARTBEAT));
  }

  /** Hands everything over and leaves the group. */
  async stop(): Promise<void> {
    if (this.#stopping) return this.#running;
    this.#stopping = true;
    this.#wake?.();
    const owned = this.#owned;
    this.#owned = [];
    if (owned.length > 0) await this.#options.revoked(owned, false);
    clearInterval(this.#heart);
    if (this.#memberId !== '') {
      // Over a connection of its own: a join may be waiting on the other, and the broker answers one after the other.
      const way = this.#api.session('leave');
      try {
        await way.leave(await this.#cluster.coordinator('group', this.#options.group), this.#options.group, this.#memberId);
      } catch { /* the group will notice when no heart-beats come */ }
      await way.close();
    }
    await this.#api.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    let delay = 5;
    while (!this.#stopping) {
      try {
        this.#rejoin = false;
        const assigned = await this.#join();
        if (this.#stopping) return;
        delay = 5;
        if (await this.#take(assigned)) continue; // others wait for what was handed over
        if (!this.#rejoin) await new Promise<void>((resolve) => { this.#wake = resolve; });
        this.#wake = undefined;
      } catch (error) {
        if (this.#stopping) return;
        if (!(error instanceof KafkaError)) throw error;
        if (error.code === CODE.UNKNOWN_MEMBER_ID || error.code === CODE.ILLEGAL_GENERATION || error.code === CODE.FENCED_INSTANCE_ID) await this.#lose(error);
        else if (!error.retriable && error.code !== CODE.REBALANCE_IN_PROGRESS) throw new Error(`Could not take part in the consumer group ${this.#options.group}: ${error.message}`, { cause: error });
        else if (error.retriable) this.#cluster.forget();
        await sleep(delay);
        delay = Math.min(delay * 2, 500);
      } finally {
        this.#joining = false;
      }
    }
  }

  /** One round: join, deal out if it is our turn, and learn what is ours. */
  async #join(): Promise<readonly TopicPartition[]> {
    const { group, topics, sessionTimeout, rebalanceTimeout } = this.#options;
    this.#joining = true;
    const node = await this.#cluster.coordinator('group', group);
    const metadata = encodeSubscription({ topics, owned: this.#owned, generation: this.#generation });
    let joined: Joined;
    for (;;) {
      try {
        joined = await this.#api.join(node, { group, memberId: this.#memberId, sessionTimeout, rebalanceTimeout, protocol: PROTOCOL, metadata });
        break;
      } catch (error) {
        if (!(error instanceof MemberIdRequired)) throw error;
        this.#memberId = error.memberId;
      }
    }
    this.#memberId = joined.memberId;
    this.#generation = joined.generation;
    this.#lastBeat = Date.now();
    const assignments = joined.leader === joined.memberId ? await this.#deal(joined) : [];
    if (joined.leader !== joined.memberId) this.#dealt = undefined;
    const assignment = await this.#api.sync(node, this.#member(), PROTOCOL, assignments);
    this.#lastBeat = Date.now();
    this.#joining = false;
    return decodeAssignment(assignment);
  }

  async #deal(joined: Joined): Promise<{ memberId: string; assignment: Buffer }[]> {
    const members = new Map(joined.members.map(({ memberId, metadata }) => [memberId, decodeSubscription(metadata)]));
    this.#dealt = await this.#counts([...new Set([...members.values()].flatMap((member) => member.topics))]);
    const dealt = assign(members, this.#dealt);
    return [...dealt].map(([memberId, partitions]) => ({ memberId, assignment: encodeAssignment(partitions) }));
  }

  async #counts(topics: readonly string[]): Promise<Map<string, number>> {
    const found = await this.#api.metadata(topics);
    return new Map(found.filter((topic) => topic.error === CODE.NONE).map((topic) => [topic.topic, topic.leaders.length]));
  }

  /** Takes what is new, hands over what is gone; true: something was handed over. */
  async #take(assigned: readonly TopicPartition[]): Promise<boolean> {
    const isIn = (list: readonly TopicPartition[]) => (p: TopicPartition) => list.some((other) => other.topic === p.topic && other.partition === p.partition);
    const gone = this.#owned.filter((p) => !isIn(assigned)(p));
    const fresh = assigned.filter((p) => !isIn(this.#owned)(p));
    this.#options.log.info({ group: this.#options.group, generation: this.#generation, given: fresh.map(name), taken: gone.map(name), held: assigned.length }, 'consumer group dealt out');
    this.#owned = [...assigned];
    this.isDealt = true;
    if (fresh.length > 0) this.#options.assigned(fresh);
    if (gone.length > 0) await this.#options.revoked(gone, false);
    return gone.length > 0;
  }

  async #lose(error: KafkaError): Promise<void> {
    const owned = this.#owned;
    this.#owned = [];
    this.isDealt = false;
    this.#generation = -1;
    if (error.code !== CODE.ILLEGAL_GENERATION) this.#memberId = '';
    if (owned.length === 0) return;
    this.#options.log.warn({ group: this.#options.group, partitions: owned.map(name), error: error.message }, 'lost all partitions; joining the group again');
    await this.#options.revoked(owned, true);
  }

  async #beat(): Promise<void> {
    if (this.#joining || this.#generation < 0 || this.#beating) return;
    this.#beating = true;
    try {
      await this.#beatOnce();
    } finally {
      this.#beating = false;
    }
  }

  async #beatOnce(): Promise<void> {
    const { group, sessionTimeout } = this.#options;
    const generation = this.#generation;
    try {
      await this.#api.heartbeat(await this.#cluster.coordinator('group', group), this.#member());
      this.#lastBeat = Date.now();
      if (this.#dealt !== undefined) await this.#watchPartitions(this.#dealt);
    } catch (error) {
      if (!(error instanceof KafkaError) || generation !== this.#generation || this.#joining) return;
      if (error.code === CODE.REBALANCE_IN_PROGRESS) this.#again();
      else if (!error.retriable) {
        await this.#lose(error);
        this.#again();
      } else {
        this.#cluster.forget();
        // Nobody has heard of this member for so long that others may have its partitions by now.
        if (Date.now() - this.#lastBeat > sessionTimeout && this.#owned.length > 0) {
          await this.#lose(new KafkaError(CODE.UNKNOWN_MEMBER_ID, `no heart-beat got through for ${sessionTimeout} ms: ${error.message}`));
          this.#again();
        }
      }
    }
  }

  /** The leader looks now and then whether a topic has grown. */
  async #watchPartitions(dealt: ReadonlyMap<string, number>): Promise<void> {
    if (Date.now() - this.#lastWatch < 30_000) return;
    this.#lastWatch = Date.now();
    const now = await this.#counts(this.#options.topics);
    if ([...now].some(([topic, count]) => dealt.get(topic) !== count)) this.#again();
  }

  #again(): void {
    this.#rejoin = true;
    this.#wake?.();
  }

  #member(): { group: string; generation: number; memberId: string } {
    return { group: this.#options.group, generation: this.#generation, memberId: this.#memberId };
  }
}

const name = (p: TopicPartition): string => `${p.topic}/${p.partition}`;
