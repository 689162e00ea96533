/**
 * Stays: a lock that others wait for stays in its process for a few short sections in a row.
 *
 * A hand-over to another process takes several times as long as a short section's own bookkeeping,
 * and the lock is idle meanwhile. If a process has come back at once after its last release, its
 * next release is not sent at once. It waits until the present turn of the event loop is over. An
 * acquire in that turn goes in without asking the server, and before the calls that wait. The
 * server sees one long hold.
 *
 * Bounds: `MOST_SECTIONS` sections in a row, and none begins later than `MOST_MS` after the first.
 * So a waiter waits at most `MOST_SECTIONS` times as long as in the strict order. Sections of more
 * than `MOST_MS` are passed on in the strict order. A program that computes between its sections
 * has not come back at once, even if it does so in one turn: the others would wait meanwhile.
 *
 * Only a lock that other calls were waiting for stays: nobody can take such a lock without waiting,
 * so nobody can see that its release has not been sent yet. Any other call on the object makes this
 * process send the release first, and so does the end of the program: a store that could not send
 * it then keeps no lock here (`Store.sendsAtOnce`). A process that is killed in that moment was
 * killed inside.
 *
 * Tokens: the holder came in by the offer of version T, and its claim was written as version C. The
 * next holder gets a larger one than C. So T + 1 to C are free for the sections in between; if the
 * server's clock stands still there are none, and the lock does not stay.
 */

import { clearImmediate, now, setImmediate } from '#clock';
import type { Calls } from '../calls.ts';
import type { PlacesMachine } from '../machines/kinds.ts';
import { ignoreEnd } from '../pending.ts';
import type { Standing } from './cluster-hold.ts';

const MOST_SECTIONS = 3;
const MOST_MS = 10;
/** The longest time after which a process has come back at once. */
const AT_ONCE_MS = 2;
/** Locks of which a process remembers that it came back. */
const MOST_NOTED = 4096;

interface Kept {
  readonly standing: Standing;
  /** When its hold was released here. */
  readonly at: number;
  /** It stays no longer. */
  end(): void;
  /** Releases it at the server. */
  leave(): Promise<unknown>;
}

/** Releases to send before the program ends. */
const unsent = new Set<() => void>();
let listens = false;

export class Stays {
  private readonly calls: Calls;
  /** The locks that stay, by key. */
  private readonly staying = new Map<string, Kept>();
  /** Locks that this process took again at once after its last release. */
  private readonly returns = new Set<string>();
  /** When it has released locks, in this turn of the event loop. */
  private readonly justLeft = new Map<string, number>();

  constructor(calls: Calls) {
    this.calls = calls;
  }

  /** An acquire: the hold that stayed here for it, with a token of its own, or `undefined`. */
  take(key: string): Standing | undefined {
    if (isAtOnce(this.justLeft.get(key))) this.noteReturn(key);
    const kept = this.staying.get(key);
    if (kept === undefined) return undefined;
    const { standing, end } = kept;
    // The release comes before the call that now asks the server.
    if (!standing.lease.valid || !isAtOnce(kept.at)) return undefined;
    end();
    standing.stay!.sections++;
    return { ...standing, token: standing.token + 1, recovered: false };
  }

  /** The lock has been released at the server after a stay. */
  left(key: string): void {
    if (this.justLeft.size === 0) setImmediate(() => this.justLeft.clear());
    this.justLeft.set(key, now());
  }

  /** Whether this process has passed the lock on in this turn of the event loop. */
  hasJustLeft(key: string): boolean {
    return this.justLeft.has(key);
  }

  /** Releases the locks that stay here. */
  async giveUpAll(): Promise<void> {
    await Promise.all([...this.staying.values()].map(({ leave }) => leave()));
  }

  /** Keeps the lock here if its hold may be followed by another; returns whether it does. */
  keep(key: string, machine: PlacesMachine, standing: Standing): boolean {
    const { stay, call, token } = standing;
    if (stay === undefined || !this.returns.has(key)) return false;
    if (stay.sections >= MOST_SECTIONS || now() - stay.since > MOST_MS || token >= stay.claimed) return false;
    const lane = this.calls.lanes.at(key);
    if (lane.busy || lane.giveUp !== undefined || !this.calls.sendsAtOnce) return false;
    const end = (): void => {
      clearImmediate(immediate);
      unsent.delete(giveUp);
      lane.giveUp = undefined;
      this.staying.delete(key);
    };
    const leave = (): Promise<unknown> => {
      end();
      this.returns.delete(key);
      return this.calls.make(key, machine, call, { op: 'leave', call }, 'repeated').catch(ignoreEnd);
    };
    const giveUp = (): void => void leave();
    const immediate = setImmediate(giveUp);
    this.staying.set(key, { standing, at: now(), end, leave });
    lane.giveUp = giveUp;
    sendAtExit(giveUp);
    return true;
  }

  private noteReturn(key: string): void {
    if (this.returns.size >= MOST_NOTED) this.returns.clear();
    this.returns.add(key);
  }
}

function isAtOnce(left: number | undefined): boolean {
  return left !== undefined && now() - left <= AT_ONCE_MS;
}

function sendAtExit(giveUp: () => void): void {
  unsent.add(giveUp);
  if (listens) return;
  listens = true;
  process.on('exit', () => {
    for (const send of [...unsent]) send();
  });
}
