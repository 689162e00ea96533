/**
 * LockWait: one call that waits for a lock, and looks whether it would wait forever (wait-for.ts).
 *
 * A blocked thread keeps back all holdings of its agent. An awaiting flow keeps back the holdings
 * of its scope (scope.ts). If it is the only flow, and nothing else keeps the event loop running,
 * it also keeps back all holdings. That is known only when the running turn is over: the agent's
 * poll checks it, every 40 ms.
 */

import type { Pressure } from '../../agents/wait.ts';
import { MOMENT } from '../../agents/wait.ts';
import type { DeadlockError } from '../../errors.ts';
import { ELSEWHERE } from '../../memory/layout.ts';
import { isAlone } from '../../waiting/alone.ts';
import type { Taking } from '../../waiting/taking.ts';
import { resolveCycle } from '../../waiting/wait-for.ts';
import { deadlock } from './deadlock.ts';
import { isTolerant } from './lock-words.ts';
import { RawLock } from './raw-lock.ts';
import type { Scope, Want } from './scope.ts';
import { currentScope, TOP } from './scope.ts';

export interface LockWaitOptions {
  readonly blocks: boolean;
  /** Whether a deadlock is to be reported. */
  readonly reports: boolean;
  /** Whether the wait may time out. */
  readonly timed: boolean;
}

export class LockWait implements Taking {
  readonly backsOff: number = MOMENT;
  private readonly raw: RawLock;
  private readonly options: LockWaitOptions;
  private readonly scope: Scope;
  private want: Want | undefined;

  constructor(raw: RawLock, options: LockWaitOptions) {
    this.raw = raw;
    this.options = options;
    this.scope = options.blocks ? TOP : currentScope();
  }

  tryTake(): boolean {
    return this.raw.tryTake();
  }

  peek(): boolean {
    return this.raw.peek();
  }

  attempt(pressure: Pressure): boolean {
    return this.raw.attempt(pressure);
  }

  abandon(): void {
    if (this.want !== undefined) this.scope.end(this.want);
    this.raw.abandon();
  }

  taken(): void {
    if (this.want !== undefined) this.scope.end(this.want);
  }

  hurried(): void {
    this.raw.hurried();
  }

  suspect(): number {
    return this.raw.suspect();
  }

  check(ticket: number): DeadlockError | undefined {
    const { raw, options } = this;
    const { agent, number } = raw.cell;
    const { blocks, reports } = options;
    let wholly = blocks;
    // Publish what this wait holds back, before the search.
    if (!blocks && this.want === undefined) {
      this.want = { folder: agent.folder, cell: number, ticket };
      this.scope.begin(this.want);
    } else if (!blocks && isAlone(options.timed ? 1 : 0)) {
      wholly = true;
      agent.awaitsOnly = number;
    }
    // Search for a cycle through the locks that this wait certainly keeps.
    if (!reports || isTolerant(raw.cell)) return undefined;
    const covers = wholly ? (): boolean => true : (cell: number): boolean => this.keeps(cell);
    const cycle = resolveCycle(agent, number, blocks, covers, () => this.unsay());
    return cycle && deadlock(agent.namespace, cycle);
  }

  /** Removes this wait's record from shared memory. */
  private unsay(): void {
    const { agent } = this.raw.cell;
    if (this.options.blocks) agent.blockedOn = ELSEWHERE;
    else agent.awaitsOnly = 0;
    if (this.want !== undefined) this.scope.end(this.want);
  }

  /** Whether this agent's holding of the cell can't end before this wait. */
  private keeps(cell: number): boolean {
    const held = this.raw.cell.agent.cells.get(cell)?.extension;
    if (!(held instanceof RawLock)) return false;
    const { scope } = held;
    return scope !== TOP && scope.awaitsOne && this.scope.isWithin(scope);
  }
}
