/**
 * World: sessions that make calls on objects of one server, with everything that a network does to
 * them, one step at a time, as a seed decides.
 *
 * A player is a generator: it yields what it wants (a call, or to wait for a ring) and is sent the
 * reply. The world makes the call as `Calls` does: it runs the machine on the last document known,
 * sends the commit, and on a conflict starts from the fresh document. On the way there may be
 * faults:
 *
 *   - a request waits while others overtake it, or is lost before it arrives
 *   - it is done, and the reply is lost: the player reads the document and runs the machine again
 *   - it arrives twice
 *   - rings come late or never; every waiter is rung now and then, as at each renewal of a lease
 *   - a session dies, in the middle of anything; its player stops, or goes on until it notices
 *   - the server's clock jumps forward, or back, by milliseconds or by half a minute
 *   - the server crashes: lazy commits since the last one that waited for the disk are undone, the
 *     latest first. Players learn of it immediately or later, and make their releases again
 */

import assert from 'node:assert/strict';
import type { Made } from '../../../src/cluster/document.ts';
import { runCalls } from '../../../src/cluster/document.ts';
import type { Commit, Snapshot } from '../../../src/cluster/store.ts';
import { Outdated, SessionGone } from '../../../src/cluster/store.ts';
import { MemoryServer } from '../../../src/cluster/stores/memory.ts';
import { Random } from '../../soak/random.ts';

/** A player's next step. */
export type Want =
  | { readonly do: 'call'; readonly key: string; readonly id: string; readonly made: Made }
  /** Until it is rung, or `look` milliseconds have passed if that is not 0, or anything happens. */
  | { readonly do: 'wait'; readonly look: number };

/** The answer that it is sent: a reply with the version of the write; nothing for a wait. */
export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: each machine has replies of its own
  readonly reply: any;
  readonly version: number;
}

export type Play = Generator<Want, void, Answer>;

export interface Chances {
  /**
   * In 1,000 steps: how often a session dies, the clock jumps, the server crashes; of 100 requests
   * how many are lost.
   */
  readonly deaths: number;
  readonly jumps: number;
  readonly crashes: number;
  readonly losses: number;
  readonly repeats: number;
  readonly lostRings: number;
}

/** What the processes and the server do against faults; a mutant leaves one of them out. */
export interface Rules {
  /** Commits of unknown outcome are fenced off. */
  readonly fences: boolean;
  /** A commit that grants or offers places waits for the disk. */
  readonly flushes: boolean;
  /** Releases are made again after a crash. */
  readonly repeats: boolean;
  /** Documents that were read before a crash are forgotten. */
  readonly forgets: boolean;
  /** The server lets only living sessions read. */
  readonly checks: boolean;
  /** A version is larger than the last one, also where the clock has gone back. */
  readonly rises: boolean;
}

export const ALL_RULES: Rules = {
  fences: true,
  flushes: true,
  repeats: true,
  forgets: true,
  checks: true,
  rises: true,
};

const LEASE_MS = 1_000_000_000;
/** A step of the clock: less than replies are kept for (machines/once.ts). */
const BIG_JUMP_MS = 30_000;
const MOST_RELEASES = 8;
export const CLAIM_MS = 50;
const KEY = 'object';

export class Player {
  readonly session: string;
  readonly key: string = KEY;
  alive = true;
  /** Its session is dead, and it does not know yet. */
  orphaned = false;
  epoch = 0;
  done = false;
  private calls = 0;
  play: Play | undefined;
  want: Want | undefined;
  rung = false;
  lookAt = Number.POSITIVE_INFINITY;
  last: Snapshot = { version: 0, body: null, dead: [], now: 0 };
  /** Its last releases, and those to be made again. */
  readonly released: (Want & { do: 'call' })[] = [];
  readonly repeats: (Want & { do: 'call' })[] = [];
  /** The server has crashed, and the player does not know yet. */
  missed = false;
  /** The message under way to the server, or back. */
  flight: Flight | undefined;
  fresh = false;

  constructor(session: string) {
    this.session = session;
  }

  nextId(): string {
    return `${this.session}/${++this.calls}`;
  }
}

interface Flight {
  readonly commit: Commit | undefined;
  readonly made: Made;
  readonly seen: number;
  readonly want: Want & { do: 'call' };
  /** Replies that the machine gave, if the commit holds. */
  readonly answer: { reply: unknown; version: number | undefined };
}

type Kept = MemoryServer['documents'] extends Map<string, infer Document> ? Document | undefined : never;

/** As `Calls` decides: of places, releases, and calls that wait or give up. */
function isLazy({ machine, call }: Made, reply: unknown): boolean {
  if (machine.places === undefined) return false;
  const { op } = call as { op: string };
  return op === 'leave' || (op === 'take' && (reply as { is: string }).is === 'waiting');
}

function isRelease({ machine, call }: Made): boolean {
  return machine.places !== undefined && (call as { op: string }).op === 'leave';
}

export class World {
  readonly random: Random;
  readonly server = new MemoryServer();
  readonly players: Player[] = [];
  steps = 0;
  /** How often nobody could move, and all had to be rung. */
  renewals = 0;
  faults = true;
  /** Players no longer give up: each waiting player has to be served. */
  calm = false;
  private readonly rules: Rules;
  private readonly chances: Chances;
  /** The documents before the lazy commits that a crash would undo, in their order. */
  private undoable: { document: Kept; stamp: number }[] = [];
  /** Commits that the player has given up, and that may still arrive. */
  private readonly limbo: Commit[] = [];
  private readonly rings: { to: string; after: number }[] = [];
  private clock = 1_000;
  private sessions = 0;
  /** Called after each write, with the document, and after a crash, with what was left. */
  onWrite: (body: string | null, version: number) => void = () => {};
  onCrash: (body: string | null, version: number) => void = () => {};

  constructor(seed: number, chances: Chances, rules: Rules) {
    this.random = new Random(seed);
    this.chances = chances;
    this.rules = rules;
    this.server.time = () => this.clock;
    if (!rules.rises) this.server.nextVersion = () => Math.ceil(this.clock * 1000);
  }

  /** A session, and the player that plays in it. */
  enter(play: (player: Player) => Play): Player {
    const player = new Player(`s${++this.sessions}`);
    this.server.guests.set(player.session, {
      until: this.clock + LEASE_MS,
      epoch: 0,
      listener: {
        missed: () => {},
        rung: (_key, after) => this.rings.push({ to: player.session, after }),
        up: () => {},
        down: () => {},
      },
    });
    player.play = play(player);
    this.players.push(player);
    this.advance(player, undefined);
    return player;
  }

  kill(player: Player): void {
    player.alive = false;
    player.flight = undefined;
    this.server.guests.delete(player.session);
  }

  private orphan(player: Player): void {
    player.orphaned = true;
    this.server.guests.delete(player.session);
  }

  /** One thing happens. */
  step(): void {
    this.steps++;
    this.clock += this.random.below(3);
    if (this.faults) this.misfortune();
    if (this.limbo.length > 0 && this.random.below(100) < 3) {
      const [late] = this.limbo.splice(this.random.below(this.limbo.length), 1);
      this.commit(late!);
      return;
    }
    if (this.rings.length > 0 && this.random.percent(50)) {
      this.deliverRing();
      return;
    }
    const able = this.players.filter((player) => player.alive && this.canMove(player));
    if (able.length > 0) this.move(this.random.pick(able));
    else this.passTime();
  }

  /** No player can move: advance to the next look of a player, or to the renewal of the leases. */
  private passTime(): void {
    if (this.rings.length > 0) return;
    const waiting = this.players.filter(({ alive, done }) => alive && !done);
    const next = Math.min(...waiting.map(({ lookAt }) => lookAt));
    if (Number.isFinite(next)) this.clock = Math.max(this.clock, next);
    else this.renewAll();
  }

  /** Every waiter looks, as it does when it renews its lease. */
  renewAll(): void {
    this.renewals++;
    this.clock += CLAIM_MS + 1;
    for (const player of this.players) {
      player.rung = true;
      if (player.missed) this.notice(player);
    }
  }

  private misfortune(): void {
    const { deaths, jumps, crashes } = this.chances;
    const alive = this.players.filter((player) => player.alive && !player.done);
    if (alive.length > 1 && this.random.below(1000) < deaths) {
      const player = this.random.pick(alive);
      if (this.random.percent(50)) this.kill(player);
      else this.orphan(player);
    }
    if (this.random.below(1000) < jumps) this.jump(this.random.percent(20) ? BIG_JUMP_MS : 2 * CLAIM_MS);
    if (this.random.below(1000) < crashes) this.crash();
    const late = alive.filter(({ missed }) => missed);
    if (late.length > 0 && this.random.percent(5)) this.notice(this.random.pick(late));
  }

  private jump(most: number): void {
    this.clock = Math.max(1, this.clock + this.random.below(2 * most) - most);
  }

  /** The server comes back without its latest lazy commits. What was under way is lost. */
  private crash(): void {
    const { server, undoable } = this;
    const undone = undoable[this.random.below(undoable.length + 1)];
    if (undone !== undefined) {
      const { document, stamp } = undone;
      if (document === undefined) server.documents.delete(KEY);
      else server.documents.set(KEY, document);
      server.stamp = stamp;
      this.onCrash(document?.body ?? null, document?.version ?? 0);
    }
    this.undoable = [];
    this.rings.length = 0;
    this.clock += 1;
    for (const player of this.players) {
      if (!player.alive) continue;
      player.missed = true;
      // What it has read from the server before is no reply of the one that came back. Versions
      // that the crash has undone come again where the clock is behind: documents have to be
      // forgotten.
      player.fresh = false;
      if (this.rules.forgets) player.last = { version: 0, body: null, dead: [], now: 0 };
      if (player.flight !== undefined) {
        player.flight = undefined;
        this.fence(player);
      }
      if (this.random.percent(50)) this.notice(player);
    }
  }

  /** Every player learns of the last crash. */
  noticeAll(): void {
    for (const player of this.players) if (player.missed) this.notice(player);
  }

  /** The player learns of the crash: it looks, and makes its releases again. */
  private notice(player: Player): void {
    player.missed = false;
    player.rung = true;
    if (this.rules.repeats) player.repeats.push(...player.released);
  }

  private deliverRing(): void {
    const [ring] = this.rings.splice(this.random.below(this.rings.length), 1);
    if (ring === undefined || (this.faults && this.random.percent(this.chances.lostRings))) return;
    const player = this.players.find(({ session }) => session === ring.to);
    if (player === undefined) return;
    if (ring.after === 0) player.rung = true;
    else player.lookAt = Math.min(player.lookAt, this.clock + ring.after);
  }

  private canMove(player: Player): boolean {
    if (player.flight !== undefined || player.repeats.length > 0) return true;
    if (player.done) return false;
    if (player.want?.do !== 'wait') return true;
    return player.rung || player.lookAt <= this.clock || (this.faults && this.random.below(200) === 0);
  }

  private move(player: Player): void {
    const want = player.repeats[0] ?? player.want;
    if (player.flight !== undefined) this.arrive(player, player.flight);
    else if (want?.do === 'wait') {
      player.rung = false;
      player.lookAt = Number.POSITIVE_INFINITY;
      this.advance(player, { reply: undefined, version: 0 });
    } else if (want !== undefined) this.send(player, want);
  }

  /** Runs the machine on what the player knows, and sends what it wants to write. */
  private send(player: Player, want: Want & { do: 'call' }): void {
    const { key, id, made } = want;
    const seen = Number(id.slice(id.indexOf('/') + 1));
    const caller = { caller: player.session, seen, claim: CLAIM_MS };
    const { changed, body, sessions, rings, keep, results } = runCalls(key, player.last, [made], caller);
    const { session } = player;
    const expect = player.last.body === null ? 0 : player.last.version;
    const { epoch } = player;
    const answer = results[0] as Flight['answer'];
    // A release that is made again waits for the disk: it is noted nowhere.
    const isFirst = want !== player.repeats[0];
    const mayBeLost = isLazy(made, answer.reply) && rings.length === 0;
    const lazy = isFirst && (this.rules.flushes ? mayBeLost : made.machine.places !== undefined);
    const commit = changed ? { session, epoch, key, expect, body, sessions, rings, keep, lazy } : undefined;
    player.flight = { commit, made, seen, want, answer };
  }

  /** The request arrives, or is lost; the reply comes back, or is lost. */
  private arrive(player: Player, flight: Flight): void {
    const lost = this.faults && this.random.percent(this.chances.losses);
    player.flight = undefined;
    if (lost && this.random.percent(50)) {
      if (flight.commit !== undefined) this.limbo.push(flight.commit);
      this.fence(player);
      return;
    }
    if (flight.commit === undefined) {
      if (!player.fresh) {
        this.read(player);
        return;
      }
      player.fresh = false;
      this.complete(player, flight, { ...flight.answer, version: player.last.version });
      return;
    }
    const result = this.commit(flight.commit);
    if (result === undefined) {
      this.kill(player);
      return;
    }
    if (this.faults && this.random.percent(this.chances.repeats)) this.commit(flight.commit);
    if (lost) this.fence(player);
    else if (result.done) {
      const { version, now } = result;
      player.last = { version, body: flight.commit.body, dead: [], now };
      player.fresh = false;
      const answer = { reply: flight.answer.reply, version: flight.answer.version ?? version };
      this.complete(player, flight, answer);
    } else {
      player.last = result.fresh;
      player.fresh = true;
    }
  }

  private commit(commit: Commit): ReturnType<MemoryServer['commit']> | undefined {
    let result: ReturnType<MemoryServer['commit']>;
    const before = { document: this.server.documents.get(KEY), stamp: this.server.stamp };
    try {
      result = this.server.commit(commit);
    } catch (error) {
      assert.ok(error instanceof SessionGone || error instanceof Outdated);
      return undefined;
    }
    if (result.done) {
      if (commit.lazy) this.undoable.push(before);
      else this.undoable = [];
      this.onWrite(commit.body, result.version);
    }
    return result;
  }

  /**
   * After an unknown outcome: drops the player's requests that are still under way; then it reads.
   */
  private fence(player: Player): void {
    if (this.rules.fences) this.server.fence(player.session, ++player.epoch);
    this.read(player);
  }

  private read(player: Player): void {
    if (player.orphaned && this.rules.checks) {
      this.kill(player);
      return;
    }
    player.last = this.server.snapshot(player.key);
    player.fresh = true;
  }

  private complete(player: Player, { want }: Flight, answer: Answer): void {
    if (player.repeats[0] === want) {
      player.repeats.shift();
      return;
    }
    if (isRelease(want.made)) player.released.push(want);
    if (player.released.length > MOST_RELEASES) player.released.shift();
    this.advance(player, answer);
  }

  private advance(player: Player, answer: Answer | undefined): void {
    const { value, done } = player.play!.next(answer as Answer);
    player.want = done === true ? undefined : value;
    player.done = done === true;
    if (player.want?.do === 'wait' && player.want.look > 0)
      player.lookAt = Math.min(player.lookAt, this.clock + player.want.look);
  }
}
