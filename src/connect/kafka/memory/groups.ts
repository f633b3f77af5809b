/** The group coordinator of the in-process broker: members, rounds, committed offsets. */
import { type Joined, type JoinRequest, type Member, MemberIdRequired, type PartitionResult } from '../client/api.ts';
import { CODE, KafkaError } from '../errors.ts';
import type { CommittedOffset, TopicPartition } from '../port.ts';

interface MemberState {
  readonly id: string;
  sessionTimeout: number;
  rebalanceTimeout: number;
  metadata: Buffer;
  seen: number;
  /** Waits for the round to begin. */
  join: Waiting<Joined> | undefined;
  /** Waits for what the leader deals out. */
  sync: Waiting<Buffer> | undefined;
  assignment: Buffer;
}

interface Waiting<T> { resolve(value: T): void; reject(error: Error): void }

interface Group {
  readonly members: Map<string, MemberState>;
  generation: number;
  state: 'joining' | 'syncing' | 'stable';
  leader: string;
  deadline: number;
  readonly offsets: Map<string, CommittedOffset>;
  /** Of open transactions, by producer. */
  readonly pending: Map<number, Map<string, CommittedOffset>>;
}

export class Groups {
  readonly #groups = new Map<string, Group>();
  readonly #sweep: NodeJS.Timeout;
  /** Ids given to those who have not joined with them yet. */
  readonly #given = new Set<string>();
  #nextMember = 1;

  constructor() {
    this.#sweep = setInterval(() => {
      for (const group of this.#groups.values()) this.#expire(group);
    }, 50);
    this.#sweep.unref();
  }

  join(request: JoinRequest): Promise<Joined> {
    const group = this.#group(request.group);
    let member = group.members.get(request.memberId);
    if (member === undefined) {
      // As brokers do: who goes away before the round begins must have an id to leave by, else the group waits for its session to end.
      if (request.memberId === '') {
        const given = `member-${this.#nextMember++}`;
        this.#given.add(given);
        throw new MemberIdRequired(given);
      }
      const id = request.memberId;
      if (!this.#given.delete(id)) throw new KafkaError(CODE.UNKNOWN_MEMBER_ID);
      member = { id, sessionTimeout: 0, rebalanceTimeout: 0, metadata: request.metadata, seen: 0, join: undefined, sync: undefined, assignment: Buffer.alloc(0) };
      group.members.set(id, member);
    }
    Object.assign(member, { sessionTimeout: request.sessionTimeout, rebalanceTimeout: request.rebalanceTimeout, metadata: request.metadata, seen: Date.now() });
    this.#rebalance(group);
    return new Promise((resolve, reject) => {
      member.join?.reject(new KafkaError(CODE.UNKNOWN_MEMBER_ID));
      member.join = { resolve, reject };
      // In a turn of its own, so that those who join at the same time share a round.
      setImmediate(() => this.#beginRound(group));
    });
  }

  sync(member: Member, assignments: readonly { memberId: string; assignment: Buffer }[]): Promise<Buffer> {
    const group = this.#group(member.group);
    const state = this.#member(group, member);
    if (group.state === 'joining') throw new KafkaError(CODE.REBALANCE_IN_PROGRESS);
    if (group.state === 'stable') return Promise.resolve(state.assignment);
    return new Promise((resolve, reject) => {
      state.sync = { resolve, reject };
      if (state.id !== group.leader) return;
      for (const { memberId, assignment } of assignments) {
        const other = group.members.get(memberId);
        if (other !== undefined) other.assignment = assignment;
      }
      group.state = 'stable';
      for (const other of group.members.values()) {
        other.sync?.resolve(other.assignment);
        other.sync = undefined;
      }
    });
  }

  heartbeat(member: Member): void {
    const group = this.#group(member.group);
    const state = this.#member(group, member);
    state.seen = Date.now();
    if (group.state === 'joining') throw new KafkaError(CODE.REBALANCE_IN_PROGRESS);
  }

  leave(name: string, memberId: string): void {
    const group = this.#group(name);
    const member = group.members.get(memberId);
    if (this.#given.delete(memberId)) return;
    if (member === undefined) throw new KafkaError(CODE.UNKNOWN_MEMBER_ID);
    this.#remove(group, member);
  }

  committed(name: string, partitions: readonly TopicPartition[]): (CommittedOffset & { error: number })[] {
    const group = this.#group(name);
    return partitions.map(({ topic, partition }) => {
      const key = `${topic}/${partition}`;
      const known = group.offsets.get(key) ?? { topic, partition, offset: -1, metadata: '' };
      const unstable = [...group.pending.values()].some((offsets) => offsets.has(key));
      return { ...known, error: unstable ? CODE.UNSTABLE_OFFSET_COMMIT : CODE.NONE };
    });
  }

  commit(member: Member, offsets: readonly CommittedOffset[]): PartitionResult[] {
    const group = this.#group(member.group);
    if (member.memberId !== '' || member.generation >= 0) this.#member(group, member);
    else if (group.members.size > 0) throw new KafkaError(CODE.UNKNOWN_MEMBER_ID);
    for (const offset of offsets) group.offsets.set(`${offset.topic}/${offset.partition}`, offset);
    return offsets.map(({ topic, partition }) => ({ topic, partition, error: CODE.NONE }));
  }

  commitInTransaction(producerId: number, member: Member, offsets: readonly CommittedOffset[]): PartitionResult[] {
    const group = this.#group(member.group);
    if (member.memberId !== '' || member.generation >= 0) this.#member(group, member);
    const pending = group.pending.get(producerId) ?? new Map<string, CommittedOffset>();
    for (const offset of offsets) pending.set(`${offset.topic}/${offset.partition}`, offset);
    group.pending.set(producerId, pending);
    return offsets.map(({ topic, partition }) => ({ topic, partition, error: CODE.NONE }));
  }

  endTransaction(name: string, producerId: number, commit: boolean): void {
    const group = this.#group(name);
    const pending = group.pending.get(producerId);
    group.pending.delete(producerId);
    if (commit) for (const [key, offset] of pending ?? []) group.offsets.set(key, offset);
  }

  #group(name: string): Group {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { members: new Map(), generation: 0, state: 'stable', leader: '', deadline: 0, offsets: new Map(), pending: new Map() };
      this.#groups.set(name, group);
    }
    return group;
  }

  #member(group: Group, { memberId, generation }: Member): MemberState {
    const member = group.members.get(memberId);
    if (member === undefined) throw new KafkaError(CODE.UNKNOWN_MEMBER_ID);
    if (generation !== group.generation) throw new KafkaError(CODE.ILLEGAL_GENERATION);
    return member;
  }

  #rebalance(group: Group): void {
    if (group.state === 'joining') return;
    group.state = 'joining';
    group.deadline = Date.now() + Math.max(0, ...[...group.members.values()].map((member) => member.rebalanceTimeout));
    for (const member of group.members.values()) {
      member.sync?.reject(new KafkaError(CODE.REBALANCE_IN_PROGRESS));
      member.sync = undefined;
    }
  }

  /** Begins the round when all members have joined. */
  #beginRound(group: Group): void {
    const members = [...group.members.values()];
    if (group.state !== 'joining' || members.length === 0 || members.some((member) => member.join === undefined)) return;
    group.generation += 1;
    group.state = 'syncing';
    if (!group.members.has(group.leader)) group.leader = members[0]!.id;
    const list = members.map(({ id, metadata }) => ({ memberId: id, metadata }));
    for (const member of members) {
      member.seen = Date.now();
      member.join!.resolve({ generation: group.generation, memberId: member.id, leader: group.leader, members: member.id === group.leader ? list : [] });
      member.join = undefined;
    }
  }

  #remove(group: Group, member: MemberState): void {
    group.members.delete(member.id);
    member.join?.reject(new KafkaError(CODE.UNKNOWN_MEMBER_ID));
    member.sync?.reject(new KafkaError(CODE.UNKNOWN_MEMBER_ID));
    if (group.members.size === 0) {
      group.state = 'stable';
      return;
    }
    this.#rebalance(group);
    this.#beginRound(group);
  }

  #expire(group: Group): void {
    const now = Date.now();
    for (const member of group.members.values()) {
      const late = group.state === 'joining' && now > group.deadline;
      if (member.join === undefined && (late || now - member.seen > member.sessionTimeout)) this.#remove(group, member);
    }
  }
}
