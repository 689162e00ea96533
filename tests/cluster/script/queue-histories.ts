/**
 * Histories: the calls on queues that a real server makes, beside the machine that they stand for.
 *
 * Sessions put, take, give back and wait in batches of a few calls, send batches again, and die;
 * deliveries run out. After each batch, or each part of one that the server makes at once, the
 * replies, the state and the rings have to be the machine's, run with the server's time. The places
 * of items are numbers of the server's own, and may differ; their order may not.
 */

import assert from 'node:assert/strict';
import type { CallId } from '../../../src/cluster/machines/machine.ts';
import { sessionOf } from '../../../src/cluster/machines/machine.ts';
import type {
  Delivered,
  Item,
  QueueCall,
  QueueReply,
  QueueState,
} from '../../../src/cluster/machines/queue.ts';
import { callsInQueue, serve } from '../../../src/cluster/machines/queue.ts';
import type { Batch, Served } from '../../../src/cluster/store.ts';
import { Outdated, SessionGone } from '../../../src/cluster/store.ts';
import { Random } from '../../soak/random.ts';
import type { Heard, Tally } from './histories.ts';
import { sessionAt } from './histories.ts';
import type { Runs } from './run.ts';

/** A queue as it is at the server. */
export interface Standing extends Omit<QueueState, 'next' | 'putters'> {
  readonly kind: string;
  readonly putters: readonly (readonly [call: CallId, most: number])[];
  /** Sessions whose death the next call would notice. */
  readonly sessions: readonly string[];
}

/** Some of a batch's calls, which the server has made in one step. */
export interface Part {
  readonly now: number;
  /** To the calls that follow on those of the parts before. */
  readonly replies: readonly QueueReply[];
}

/** A server for histories of queues. */
export interface QueueGround extends Runs {
  begin(sessions: readonly string[]): Promise<void>;
  kill(session: string): Promise<void>;
  fence(session: string, epoch: number): Promise<unknown>;
  serve(batch: Batch): Promise<Served>;
  /** As `serve`, step by step. */
  parts(batch: Batch): AsyncIterable<Part>;
  /** Whether it has kept the replies to the batch. */
  kept(batch: Batch): Promise<boolean>;
  /** The queue; `undefined` if nothing is left of it. */
  standing(key: string, told: string): Promise<Standing | undefined>;
  clear(key: string, sessions: readonly string[]): Promise<void>;
}

const CLAIMS = [1, 250];
const TEXTS = ['j1', 'j"\\u0000ä\\"/|,:"', `j"${'x'.repeat(300)}"`, 'c//8='];

export class QueueHistory {
  private readonly ground: QueueGround;
  private readonly expected: Heard;
  private readonly random: Random;
  private readonly kind: string;
  private readonly counts: boolean;
  private readonly key: string;
  private readonly sessions: readonly string[];
  private readonly epochs = new Map<string, number>();
  private readonly dead = new Set<string>();
  private readonly calls: CallId[] = [];
  /** The last batch of each session, with its replies. */
  private readonly last = new Map<string, { batch: Batch; replies: readonly QueueReply[] }>();
  private readonly put: (readonly [call: CallId, order: number])[] = [];
  private readonly taken: Item[] = [];
  /** The machine's place of an item, by the script's. */
  private readonly places = new Map<number, number>();
  private state: QueueState | undefined;
  private numbers = 0;

  constructor({ ground, expected }: { ground: QueueGround; expected: Heard }, seed: number, place: number) {
    this.ground = ground;
    this.expected = expected;
    this.random = new Random(seed);
    this.counts = this.random.percent(50);
    this.kind = this.counts ? 'JoinableQueue' : 'Queue';
    this.key = `q${seed}|:`;
    this.sessions = Array.from({ length: 2 + this.random.below(3) }, (_, i) => sessionAt(place, i));
  }

  async run(tally: Tally): Promise<void> {
    const { ground } = this;
    await ground.begin(this.sessions);
    for (let steps = 6 + this.random.below(16); steps > 0; steps--) await this.step(tally);
    await ground.clear(this.key, this.sessions);
  }

  private async step(tally: Tally): Promise<void> {
    const { random, ground } = this;
    if (random.percent(5) && this.dead.size + 1 < this.sessions.length) {
      const victim = random.pick(this.sessions);
      this.dead.add(victim);
      await ground.kill(victim);
    }
    const session = random.pick(this.sessions);
    const known = this.last.get(session);
    if (known !== undefined && random.percent(12)) {
      await this.repeat(known);
      return;
    }
    const calls = Array.from({ length: random.percent(70) ? 1 : 2 + random.below(3) }, () =>
      this.anyCall(session),
    );
    const batch: Batch = {
      session,
      epoch: this.epochs.get(session) ?? 0,
      key: this.key,
      kind: this.kind,
      counts: this.counts,
      serial: (known?.batch.serial ?? 0) + 1 + random.below(2),
      calls,
      claim: random.pick(CLAIMS),
    };
    if (this.dead.has(session)) {
      await assert.rejects(ground.serve(batch), SessionGone);
      return;
    }
    await this.make(batch);
    tally.made += calls.length;
  }

  /** A batch arrives again, perhaps after the next one, or after its session raised its epoch. */
  private async repeat({ batch, replies }: { batch: Batch; replies: readonly QueueReply[] }): Promise<void> {
    const { ground } = this;
    const { session } = batch;
    if (this.dead.has(session)) return void (await assert.rejects(ground.serve(batch), SessionGone));
    const dice = this.random.below(3);
    if (dice === 0) {
      const earlier = { ...batch, serial: batch.serial - 1 };
      await assert.rejects(ground.serve(earlier), Outdated, `an earlier batch than ${story(batch)}`);
      return;
    }
    let again = batch;
    if (dice === 1) {
      const epoch = batch.epoch + 1;
      await ground.fence(session, epoch);
      this.epochs.set(session, epoch);
      await assert.rejects(ground.serve(batch), Outdated, `an earlier epoch of ${story(batch)}`);
      again = { ...batch, epoch };
      this.last.set(session, { batch: again, replies });
    }
    const served = await ground.serve(again);
    assert.ok(served.done);
    assert.deepEqual(served.replies, replies, `the second replies to ${story(batch)}`);
    await this.compare(`${story(batch)} again`);
  }

  private newCall(session: string): CallId {
    const call = `${session}/${++this.numbers}`;
    this.calls.push(call);
    return call;
  }

  private anyCall(session: string): QueueCall {
    const { random } = this;
    const mine = this.calls.filter((each) => sessionOf(each) === session).slice(-4);
    const call = mine.length > 0 && random.percent(25) ? random.pick(mine) : this.newCall(session);
    const of = this.calls.length > 0 ? random.pick(this.calls.slice(-8)) : call;
    const wait = random.percent(60);
    const dice = random.below(100);
    if (dice < 32) return { op: 'put', call, text: random.pick(TEXTS), most: random.below(4), wait };
    if (dice < 46) return { op: 'get', call, wait };
    if (dice < 64)
      return { op: 'receive', call, wait, visible: random.percent(40) ? 1 + random.below(4) : 60_000 };
    if (dice < 73) return { op: 'ack', call, of };
    if (dice < 80) return { op: 'nack', call, of };
    if (dice < 84 && this.put.length > 0) {
      const [put, order] = random.pick(this.put.slice(-4));
      return { op: 'unput', call, of: put, order };
    }
    if (dice < 88 && this.taken.length > 0) {
      const [item] = this.taken.splice(random.below(this.taken.length), 1);
      return { op: 'back', call, item: item! };
    }
    if (dice < 92) return { op: 'leave', call: of.startsWith(`${session}/`) ? of : call };
    if (dice < 95) return { op: 'done', call };
    if (dice < 98) return { op: 'join', call, joins: random.percent(80) };
    return { op: 'look' };
  }

  private async make(batch: Batch): Promise<void> {
    const replies: QueueReply[] = [];
    let changed = false;
    for await (const part of this.ground.parts(batch)) {
      const before = this.state;
      const from = replies.length;
      await this.makePart(batch, from, part);
      replies.push(...part.replies);
      changed ||= part.replies.length > 0 && this.state !== before;
    }
    assert.equal(replies.length, batch.calls.length, story(batch));
    // A batch that has changed nothing may be made again. So may one that only looks: what it
    // changes is the tidying up that every batch does first.
    const kept = await this.ground.kept(batch);
    const onlyLooks = batch.calls.every(({ op }) => op === 'look');
    assert.ok(kept || !changed || onlyLooks, `the replies to ${story(batch)} are not kept`);
    if (kept) this.last.set(batch.session, { batch, replies });
  }

  private async makePart(batch: Batch, from: number, part: Part): Promise<void> {
    const { expected, key } = this;
    const { session: caller, claim } = batch;
    const made = batch.calls.slice(from, from + part.replies.length);
    const facts = { now: part.now, dead: this.dead, version: 0, caller, seen: 0, claim };
    const calls = made.map((call) => this.asMachine(call));
    const rules = { counts: this.counts, room: Number.POSITIVE_INFINITY };
    const { state, replies, rings } = serve(this.state, calls, facts, rules);
    const told = `${story(batch)} from ${from} at ${part.now} on ${JSON.stringify(this.state)}, dead: ${[...this.dead]}`;
    for (const [index, reply] of replies.entries()) {
      const got: QueueReply = part.replies[index]!;
      if (reply.is === 'put' && got.is === 'put') this.notePut(made[index]!, got.order, reply.order);
      assert.deepEqual(this.asMachineReply(got), reply, `reply ${from + index} to ${told}`);
    }
    this.state = state;
    const there = new Set(
      [...(state?.items ?? []), ...(state?.out ?? []).map(([, , item]) => item)].map(([at]) => at),
    );
    for (const reply of part.replies)
      if (reply.is === 'got' && !there.has(this.placeOf(reply.item[0]))) this.taken.push(reply.item);
    await this.compare(told);
    const heard = expected.get(key) ?? [];
    expected.set(key, heard);
    heard.push(...new Set(rings.map(({ to, after }) => `${sessionOf(to)} ${after} `)));
  }

  private notePut(call: QueueCall, order: number, place: number): void {
    this.places.set(order, place);
    this.put.push([(call as { call: CallId }).call, order]);
  }

  private placeOf(order: number): number {
    const place = this.places.get(order);
    assert.notEqual(place, undefined, `no item has been put at ${order}`);
    return place!;
  }

  private asMachine(call: QueueCall): QueueCall {
    if (call.op === 'unput') return { ...call, order: this.placeOf(call.order) };
    if (call.op !== 'back') return call;
    return { ...call, item: this.placed(call.item) };
  }

  private asMachineReply(reply: QueueReply): QueueReply {
    if (reply.is === 'put') return { ...reply, order: this.placeOf(reply.order) };
    return reply.is === 'got' ? { ...reply, item: this.placed(reply.item) } : reply;
  }

  private placed([order, text, tries, put]: Item): Item {
    return [this.placeOf(order), text, tries, put];
  }

  /** The state at the server is the machine's. */
  private async compare(told: string): Promise<void> {
    const { state } = this;
    const standing = await this.ground.standing(this.key, told);
    if (state === undefined || standing === undefined) {
      assert.deepEqual(standing, state, `the state after ${told}`);
      return;
    }
    const { kind, sessions, items, out, ...rest } = standing;
    assert.equal(kind, this.kind);
    const { left, takers, putters, joins } = state;
    assert.deepEqual(
      {
        ...rest,
        items: items.map((item) => this.placed(item)),
        // The order of deliveries has no meaning.
        out: byCall(out.map(([call, until, item]) => [call, until, this.placed(item)])),
      },
      {
        left,
        items: state.items,
        out: byCall(state.out),
        takers,
        putters: putters.map(([call, most]) => [call, most]),
        joins,
      },
      `the state after ${told}`,
    );
    const named = new Set(callsInQueue(state).map(sessionOf));
    for (const session of named)
      assert.ok(sessions.includes(session), `${session} is not named after ${told}`);
  }
}

function byCall(out: readonly Delivered[]): readonly Delivered[] {
  return [...out].sort(([one], [other]) => (one < other ? -1 : 1));
}

function story({ session, serial, calls }: Batch): string {
  return `batch ${serial} of ${session}, ${JSON.stringify(calls)}`;
}
