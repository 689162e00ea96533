/**
 * Late reports: the reports of tasks that have found no room in the ring, so that a task may report
 * faster than the pool reads, and its worker's memory stays bounded.
 *
 * A report without room blocks the task until the pool has read enough; the task is synchronous at
 * that point anyway. It blocks for `LONGEST_WAIT` at most. The pool's thread may itself be waiting
 * for something that this very task has to do next, such as an item or a release, and reads nothing
 * until then. A report whose time is over stays in the list here. So the list grows by one report
 * in each `LONGEST_WAIT`, and only while the pool does not read.
 *
 * All that is put later goes behind the list: later reports, values of streams, and results. Two
 * callers empty it from its front, each when the ring has room for the first:
 *
 *   a later report    blocks in `put`, as above
 *   the event loop    awaits the same room, from the first report that stays here
 *
 * Both run in this thread, so never at the same time. The event loop's wait may find the list
 * empty, because a report has emptied it meanwhile. Whichever puts the last resolves `settled`.
 *
 * Only the ring and its gate are shared (putter.ts, gate.ts). The waiter sets WAITERS, and then
 * looks at the ring again; the pool takes, and then announces room. If the worker is killed, the
 * list is lost with its tasks, which are over. If the pool's process dies, its workers are killed.
 * A pool that has closed the ring gets no report, because nobody reads it.
 */

import { Deadline } from '../deadline.ts';
import { ClosedError } from '../errors.ts';
import type { Channel } from '../messaging/ring/channel.ts';
import { Outgoing } from '../messaging/ring/outgoing.ts';
import type { Taking } from '../waiting/taking.ts';
import { takeAwaiting, takeBlocking } from '../waiting/taking.ts';
import { withResolvers } from '../with-resolvers.ts';

/** Milliseconds for which a report waits for room. */
const LONGEST_WAIT = 50;
const NOW: Deadline = Deadline.from({ timeout: 0 });

export class LateReports {
  /** Resolves when the list is empty; `undefined`: it is. */
  settled: Promise<void> | undefined;
  private settle: () => void = () => {};
  private readonly list: Outgoing[] = [];
  private isAwaiting = false;
  private readonly channel: Channel;
  private readonly announce: () => void;
  private readonly makeRoom: (() => void) | undefined;

  /**
   * @param announce tells the pool that something was put
   * @param makeRoom given where the pool works in this thread: reads what was put
   */
  constructor(channel: Channel, announce: () => void, makeRoom: (() => void) | undefined) {
    this.channel = channel;
    this.announce = announce;
    this.makeRoom = makeRoom;
  }

  /**
   * Puts the report behind those of the list. *Blocks* until it has room, at most for
   * `LONGEST_WAIT`. Throws `NotSendableError`.
   */
  put(report: unknown, what: string): void {
    const out = new Outgoing(report, what);
    out.keep();
    this.list.push(out);
    // The ring may be full of replies that have rung no bell.
    this.announce();
    if (this.makeRoom !== undefined) this.makeRoom();
    else takeBlocking(this.channel.rooms.cell, this.wait(), Deadline.from({ timeout: LONGEST_WAIT }));
    if (this.flush()) return;
    // It stays here.
    if (this.settled === undefined) {
      const { promise, resolve } = withResolvers<void>();
      this.settled = promise;
      this.settle = resolve;
    }
    if (!this.isAwaiting) void this.await();
  }

  /** The wait for room for the whole list. */
  private wait(): Taking {
    const { rooms, putter } = this.channel;
    const ready = (): boolean => this.list.length === 0 || putter.hasRoomFor(this.list[0]!);
    return rooms.waitFor(() => this.flush(), ready);
  }

  /** Puts what has room; returns whether that was all. Throws for one that can't be put. */
  private flush(): boolean {
    const { list, channel } = this;
    let count = 0;
    try {
      while (count < list.length && channel.putter.putSync(list[count]!, NOW)) count++;
    } catch (error) {
      // No report goes into a closed ring. Otherwise leave out the one that can't be put.
      const isClosed = error instanceof ClosedError;
      count = isClosed ? list.length : count + 1;
      if (!isClosed) throw error;
    } finally {
      if (count > 0) this.announce();
      for (const out of list.splice(0, count)) out.letGo();
      if (list.length === 0) {
        this.settled = undefined;
        this.settle();
      }
    }
    return list.length === 0;
  }

  /** Puts the list while the event loop turns. */
  private async await(): Promise<void> {
    const { cell } = this.channel.rooms;
    this.isAwaiting = true;
    while (this.list.length > 0) {
      try {
        await takeAwaiting(cell, this.wait(), Deadline.NEVER, this);
      } catch (error) {
        // The task that made the report may be over: no call can reject.
        process.emitWarning(error as Error);
        if (!(error instanceof ClosedError)) continue;
        this.list.length = 0;
        this.settle();
      }
    }
    this.isAwaiting = false;
  }
}
