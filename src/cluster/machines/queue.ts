/**
 * Queue: items from many to many, each taken by one. Queue and JoinableQueue are this machine.
 *
 * The items are in the document, oldest first. `get` takes one out in the same write that says so:
 * at most once, because the item is lost if its consumer dies then. `receive` moves it to `out`,
 * under the call that received it, until `ack`. It goes back to its old place on `nack`, at its
 * visibility deadline by the server's clock, or when its session dies: at least once.
 *
 * A waiting call is in the document, too, in order of arrival, and is rung when it should look.
 * Nothing is handed off: the first waiter that looks takes the item. So a suspended waiter keeps
 * nothing from others: the next one behind the rung waiters is rung a claim time later. Every
 * waiter looks anyway when a third of its lease has passed.
 *
 * A Redis server makes these calls by itself, over a stream: stores/redis-queue.ts. A PostgreSQL
 * server does, over rows: stores/postgres-queue.ts.
 *
 * If a session dies: its waiters go and its deliveries come back, whenever a step finds it dead.
 * Its items stay.
 */

import type { CallId, Facts, Machine, Ring, Step } from './machine.ts';
import { isDead, ringsTo, step } from './machine.ts';

/** An item: place in the order, text, how often it was delivered, and the call that put it. */
export type Item = readonly [order: number, text: string, tries: number, put: CallId];
/** A delivery: the call that received it, until when (server), the item. */
export type Delivered = readonly [call: CallId, until: number, item: Item];
/** A call that waits for room: call, its bound, and the length of its item. */
export type Putter = readonly [call: CallId, most: number, length: number];

export interface QueueState {
  /** The place of the next item. */
  readonly next: number;
  readonly items: readonly Item[];
  readonly out: readonly Delivered[];
  readonly takers: readonly CallId[];
  readonly putters: readonly Putter[];
  /** Items that were put and not reported done, where that is counted. */
  readonly left: number;
  readonly joins: readonly CallId[];
}

export type QueueCall =
  /** `most`: items that may wait in it; 0: as many as fit. `wait: false` tries once. */
  | {
      readonly op: 'put';
      readonly call: CallId;
      readonly text: string;
      readonly most: number;
      readonly wait: boolean;
    }
  | { readonly op: 'get'; readonly call: CallId; readonly wait: boolean }
  | { readonly op: 'receive'; readonly call: CallId; readonly wait: boolean; readonly visible: number }
  /** Ends a delivery: done, or back to its place. */
  | { readonly op: 'ack' | 'nack'; readonly call: CallId; readonly of: CallId }
  /** Takes out the item that the call `of` has put at that place, if it is still there. */
  | { readonly op: 'unput'; readonly call: CallId; readonly of: CallId; readonly order: number }
  /** Puts back an item that a `get` took for a call that had given up. */
  | { readonly op: 'back'; readonly call: CallId; readonly item: Item }
  /** Waits no more. */
  | { readonly op: 'leave'; readonly call: CallId }
  | { readonly op: 'done'; readonly call: CallId }
  | { readonly op: 'join'; readonly call: CallId; readonly joins: boolean }
  | { readonly op: 'look' };

export interface QueueView {
  readonly size: number;
  readonly received: number;
  readonly unfinished: number;
  readonly waiting: number;
}

export type QueueReply =
  | { readonly is: 'got'; readonly item: Item }
  /** An item was put, at that place. */
  | { readonly is: 'put'; readonly order: number }
  /** `look`: milliseconds after which to look again on one's own account; 0: only when rung. */
  | { readonly is: 'waiting'; readonly look: number }
  /** `busy`: empty or full, and the call does not wait. `gone`: the delivery has ended. */
  | { readonly is: 'done' | 'busy' | 'gone' | 'tooMany' }
  | { readonly is: 'view'; readonly view: QueueView };

/**
 * Most characters of an item. If the queue is a document, all its items together may have no more,
 * because each change writes the whole document.
 */
export const MOST_TEXT: number = 2 ** 18;

export interface QueueRules {
  /** Whether items have to be reported done. */
  readonly counts: boolean;
  /** Most characters of all items together. */
  readonly room: number;
}

const EMPTY: QueueState = { next: 1, items: [], out: [], takers: [], putters: [], left: 0, joins: [] };
const DONE: QueueReply = { is: 'done' };
const GONE: QueueReply = { is: 'gone' };

export function queueMachine(kind: string, counts: boolean): Machine<QueueState, QueueCall, QueueReply> {
  const rules = { counts, room: MOST_TEXT };
  return {
    kind,
    counts,
    callsIn: callsInQueue,
    apply: (given, call, facts): Step<QueueState, QueueReply> => {
      const { state, replies, rings } = serve(given, [call], facts, rules);
      return step(state, replies[0]!, rings);
    },
  };
}

export function callsInQueue({ out, takers, putters, joins }: QueueState): readonly CallId[] {
  return [...out.map(([call]) => call), ...takers, ...putters.map(([call]) => call), ...joins];
}

/** Makes the calls, one after another, and rings once. */
export function serve(
  given: QueueState | undefined,
  calls: readonly QueueCall[],
  facts: Facts,
  rules: QueueRules,
): { state: QueueState | undefined; replies: readonly QueueReply[]; rings: readonly Ring[] } {
  const flow = new Flow(given ?? EMPTY, facts, rules);
  const replies = calls.map((call) => flow.perform(call));
  if (flow.state === flow.before) return { state: given, replies, rings: [] };
  return { state: flow.isIdle ? undefined : flow.state, replies, rings: flow.rings() };
}

/** The state as it is being changed by one step. */
class Flow {
  readonly before: QueueState;
  state: QueueState;
  private readonly facts: Facts;
  private readonly rules: QueueRules;
  private freed: readonly CallId[] = [];

  constructor(state: QueueState, facts: Facts, rules: QueueRules) {
    this.before = state;
    this.state = state;
    this.facts = facts;
    this.rules = rules;
    this.bury();
    for (const [call, until] of state.out) if (until <= facts.now || isDead(call, facts)) this.takeBack(call);
  }

  /** Whether nothing is left that a document would have to keep. */
  get isIdle(): boolean {
    const { items, out, takers, putters, left, joins } = this.state;
    return items.length + out.length + takers.length + putters.length + left + joins.length === 0;
  }

  perform(call: QueueCall): QueueReply {
    switch (call.op) {
      case 'put':
        return this.put(call);
      case 'get':
      case 'receive':
        return this.take(call);
      case 'ack':
        if (!this.state.out.some(([id]) => id === call.of)) return GONE;
        this.change({ out: this.state.out.filter(([id]) => id !== call.of) });
        this.finish();
        return DONE;
      case 'nack':
        return this.takeBack(call.of) ? DONE : GONE;
      case 'unput': {
        const { of, order } = call;
        const items = this.state.items.filter(([at, , , put]) => at !== order || put !== of);
        if (items.length === this.state.items.length) return GONE;
        this.change({ items });
        this.finish();
        return DONE;
      }
      case 'back':
        this.insert(call.item);
        return DONE;
      case 'leave':
        this.forget((id) => id === call.call);
        return DONE;
      case 'done':
        if (this.state.left === 0) return { is: 'tooMany' };
        this.finish();
        return DONE;
      case 'join': {
        const { left, joins } = this.state;
        const waits = joins.includes(call.call);
        if (left === 0 || (!waits && !call.joins)) return DONE;
        if (!waits) this.change({ joins: [...joins, call.call] });
        return { is: 'waiting', look: 0 };
      }
      case 'look':
        return { is: 'view', view: this.view };
    }
  }

  /** Rings for the waiters that should look now, and, a claim time later, for the next one. */
  rings(): Ring[] {
    const { takers, items, putters } = this.state;
    const room = putters.filter(([, most, length], at) => this.fits(most, length, at)).length;
    return [
      ...ringsTo(this.freed),
      ...this.ringFirst(takers, items.length),
      ...this.ringFirst(
        putters.map(([call]) => call),
        room,
      ),
    ];
  }

  private ringFirst(calls: readonly CallId[], count: number): Ring[] {
    if (count === 0) return [];
    const behind = calls.slice(count, count + 1).map((to) => ({ to, after: this.facts.claim }));
    return [...ringsTo(calls.slice(0, count)), ...behind];
  }

  private get view(): QueueView {
    const { items, out, takers, putters, left, joins } = this.state;
    const waiting = takers.length + putters.length + joins.length;
    return { size: items.length, received: out.length, unfinished: left, waiting };
  }

  private put({ call, text, most, wait }: QueueCall & { op: 'put' }): QueueReply {
    const { putters, left } = this.state;
    if (!this.fits(most, text.length, 0)) {
      if (!wait) return { is: 'busy' };
      if (!putters.some(([id]) => id === call)) {
        this.change({ putters: [...putters, [call, most, text.length]] });
      }
      return { is: 'waiting', look: this.nextLook };
    }
    // Take a later place than all before. An empty queue forgets them, but the clock goes on.
    const order = Math.max(this.state.next, Math.floor(this.facts.now * 1000));
    this.change({ next: order + 1, left: left + (this.rules.counts ? 1 : 0) });
    this.forget((id) => id === call);
    this.insert([order, text, 0, call]);
    return { is: 'put', order };
  }

  private take(call: QueueCall & { op: 'get' | 'receive' }): QueueReply {
    const { out, takers } = this.state;
    const known = out.find(([id]) => id === call.call);
    if (known !== undefined) return { is: 'got', item: known[2] };
    const [oldest, ...items] = this.state.items;
    if (oldest === undefined) {
      if (!call.wait) return { is: 'busy' };
      if (!takers.includes(call.call)) this.change({ takers: [...takers, call.call] });
      return { is: 'waiting', look: this.nextLook };
    }
    const [order, text, tries, put] = oldest;
    const item: Item = [order, text, tries + 1, put];
    this.change({ items });
    this.forget((id) => id === call.call);
    if (call.op === 'receive')
      this.change({ out: [...out, [call.call, this.facts.now + call.visible, item]] });
    return { is: 'got', item };
  }

  /** Whether one more fits, with `ahead` others before it. */
  private fits(most: number, length: number, ahead: number): boolean {
    const { items, out } = this.state;
    if (most > 0 && items.length + ahead >= most) return false;
    const all = [...items, ...out.map(([, , item]) => item)];
    return all.reduce((sum, [, text]) => sum + text.length, length) <= this.rules.room;
  }

  /** Milliseconds until the first delivery comes back; 0 if there is none. */
  private get nextLook(): number {
    const { out } = this.state;
    if (out.length === 0) return 0;
    return Math.max(1, Math.min(...out.map(([, until]) => until)) - this.facts.now);
  }

  private insert(item: Item): void {
    const items = [...this.state.items, item].sort(([one], [other]) => one - other);
    this.change({ items, next: Math.max(this.state.next, item[0] + 1) });
  }

  /** Ends the delivery of that call, and puts its item back to its place. */
  private takeBack(call: CallId): boolean {
    const { out } = this.state;
    const found = out.find(([id]) => id === call);
    if (found === undefined) return false;
    this.change({ out: out.filter((other) => other !== found) });
    this.insert(found[2]);
    return true;
  }

  private finish(): void {
    const { left, joins } = this.state;
    if (!this.rules.counts) return;
    this.change({ left: Math.max(0, left - 1) });
    if (this.state.left > 0 || joins.length === 0) return;
    this.freed = [...this.freed, ...joins];
    this.change({ joins: [] });
  }

  private bury(): void {
    if (this.facts.dead.size > 0) this.forget((id) => isDead(id, this.facts));
  }

  /** Removes waiters for which `goes` holds. */
  private forget(goes: (call: CallId) => boolean): void {
    const { takers, putters, joins } = this.state;
    if (takers.some(goes)) this.change({ takers: takers.filter((id) => !goes(id)) });
    if (putters.some(([id]) => goes(id))) this.change({ putters: putters.filter(([id]) => !goes(id)) });
    if (joins.some(goes)) this.change({ joins: joins.filter((id) => !goes(id)) });
  }

  private change(part: Partial<QueueState>): void {
    this.state = { ...this.state, ...part };
  }
}
