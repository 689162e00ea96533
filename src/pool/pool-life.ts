/** Pool life: how a pool begins, and the ways in which it ends. */

import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import { StateError } from '../errors.ts';
import type { Alarm } from './alarms.ts';
import { ofCaller } from './callers.ts';
import { killOnExit } from './exit.ts';
import { inTime } from './in-time.ts';
import type { PoolCore } from './pool-core.ts';
import type { PoolState } from './pool-state.ts';
import { giveUp } from './task-control.ts';
import type { WorkerWatch } from './worker-watch.ts';

export class PoolLife {
  private readonly core: PoolCore;
  private readonly state: PoolState;
  private readonly watch: WorkerWatch;
  private ending: Promise<void> | undefined;
  /** Whether its scope was left: then its workers end in time, or by force. */
  private left = false;
  /** Kills the workers that do not end. */
  private force: Alarm | undefined;
  private readonly idleWaits = new Set<() => void>();

  constructor(core: PoolCore, state: PoolState, watch: WorkerWatch) {
    this.core = core;
    this.state = state;
    this.watch = watch;
  }

  /** Starts the workers. Throws the errors of a child's `start()`; then nothing is left. */
  begin(): void {
    const { core, state } = this;
    killOnExit(this, () => {
      state.phase = 'closed';
      core.crew.endReplacing();
      // Kill those that run a task. The others are asked to end, as all daemons, and write out what
      // they have printed.
      const { tasks, slots } = core.engine.handOut;
      for (const task of tasks) if (task !== undefined) core.crew.members[slots.runnerOf(task)]?.kill();
    });
    try {
      core.crew.fill();
    } catch (error) {
      core.crew.killAll();
      for (const member of core.crew.members) {
        if (member === undefined) continue;
        member.child.joinSync();
        this.watch.ended(member);
      }
      this.letGo();
      throw error;
    }
  }

  /** See `AbstractPool.close`. */
  close(cancelQueued: boolean): Promise<void> {
    const { state } = this;
    if (cancelQueued) state.rejectAll('waiting', (what) => state.unfinished(what, 'was closed'));
    this.ending ??= this.endInOrder();
    return this.ending;
  }

  /** See `AbstractPool.terminate`. */
  terminate(): Promise<void> {
    const { state, core } = this;
    // Start no more replacements, reject all tasks, then kill.
    state.close();
    core.crew.endReplacing();
    state.rejectAll('all', (what) => state.unfinished(what, 'was terminated'));
    core.crew.killAll();
    // Replace an orderly end that is under way.
    const before = this.ending;
    this.ending = this.untilGone();
    void before?.catch(() => {});
    return this.ending;
  }

  /**
   * Ends the pool because its scope is left: running tasks are asked to stop, too. Workers that
   * have not ended `grace` milliseconds after the last task are killed.
   */
  async leave(): Promise<void> {
    const { state, core } = this;
    this.left = true;
    if (core.crew.ending) this.limitEnd();
    if (state.phase === 'open') {
      state.close();
      const error = (what: string): Error => state.unfinished(what, 'was left by its scope');
      state.rejectAll('waiting', error);
      for (const task of [...core.engine.handOut.tasks])
        if (task !== undefined) giveUp(core.control, task, () => ofCaller(task, error(task.fn.name), false));
    }
    await this.close(false);
  }

  /** See `AbstractPool.join`. */
  async join(options?: WaitOptions): Promise<boolean> {
    this.checkClosing();
    const deadline = Deadline.begin(options);
    return await inTime(this.ending!, deadline);
  }

  /** See `AbstractPool.joinSync`. */
  joinSync(options?: WaitOptions): boolean {
    this.checkClosing();
    const { crew, engine, settings, title } = this.core;
    const deadline = Deadline.begin(options);
    if (settings.isHere && crew.size > 0) {
      throw new StateError(
        `${title}: can't block until it has ended, with processes: 0 it works in this thread; await join() instead`,
      );
    }
    // Wait until no task is left, end streams that nobody reads, and tell the workers to stop.
    const { state } = this;
    if (!engine.reading.block(() => state.isIdleBlocking() || deadline.expired, deadline)) return false;
    state.endRuns((name) => state.unfinished(name, 'was closed'));
    crew.stopAll();
    // Wait for the end of each worker.
    for (const member of crew.members) {
      if (member === undefined) continue;
      if (!member.child.joinSync(deadline.timed ? deadline.remaining : undefined)) return false;
      this.watch.ended(member);
    }
    this.letGo();
    return true;
  }

  /** The last pending task has ended. */
  rested(): void {
    for (const wake of [...this.idleWaits]) wake();
  }

  private async endInOrder(): Promise<void> {
    const { state } = this;
    const { engine, crew } = this.core;
    state.close();
    // Wait until no task is left.
    if (!engine.idle) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          if (!engine.idle) return;
          this.idleWaits.delete(wake);
          resolve();
        };
        this.idleWaits.add(wake);
      });
    }
    // End an imap or a stream that nobody reads.
    state.endRuns((name) => state.unfinished(name, 'was closed'));
    // Stop the workers, and wait for their ends.
    crew.stopAll();
    if (this.left) this.limitEnd();
    await this.untilGone();
  }

  /** Kills the workers that have not ended `grace` milliseconds from now. */
  private limitEnd(): void {
    if (this.state.phase === 'closed') return;
    const { alarms, crew, settings } = this.core;
    this.force ??= alarms.set(settings.grace, () => crew.killAll());
  }

  private async untilGone(): Promise<void> {
    for (const member of [...this.core.crew.members]) {
      if (member === undefined) continue;
      await member.child.join();
      this.watch.ended(member);
    }
    this.letGo();
  }

  private letGo(): void {
    if (this.state.phase === 'closed') return;
    this.state.phase = 'closed';
    this.core.alarms.clear(this.force);
    killOnExit(this, undefined);
    this.core.release();
  }

  private checkClosing(): void {
    if (this.ending !== undefined) return;
    throw new StateError(
      `${this.core.title}: can't join, it is open and takes tasks; call close() or terminate() first`,
    );
  }
}
