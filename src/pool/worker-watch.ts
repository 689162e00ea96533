/** Worker watch: handles the messages of workers that are no results of calls, and their ends. */

import type { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { now } from '#park';
import { PoolBrokenError } from '../errors.ts';
import { causeOfDeath } from '../workers/child-state.ts';
import { callBack } from './callbacks.ts';
import { causeOfEnd, settleDead, takeBackUnread } from './deaths.ts';
import type { Member } from './member.ts';
import type { Reply } from './messages.ts';
import { REPLY } from './messages.ts';
import type { PoolCore } from './pool-core.ts';
import type { PoolState } from './pool-state.ts';
import type { WorkerEndMessage } from './tracing.ts';
import { tellOfWorker } from './tracing.ts';

/** Milliseconds between looks for dead workers where no event can report them. */
const LOOK_EVERY = 5;

export class WorkerWatch {
  private readonly core: PoolCore;
  private readonly state: PoolState;
  /** Gets the events `report` and `workerDied`. */
  private readonly emitter: EventEmitter;
  private looked = 0;

  constructor(core: PoolCore, state: PoolState, emitter: EventEmitter) {
    this.core = core;
    this.state = state;
    this.emitter = emitter;
  }

  /** A worker has put a message that is not the result of a call. */
  heard(member: Member, reply: Reply): void {
    const [kind, ticket, ...rest] = reply as [number, number, ...unknown[]];
    const { engine, crew, title } = this.core;
    if (kind === REPLY.VALUE) {
      member.hasResults = true;
      engine.settling.taskOf(ticket)?.more?.onValue?.(rest[0]);
    } else if (kind === REPLY.FETCH) {
      engine.settling.taskOf(ticket)?.more?.cargo?.send(member.moving!, ticket);
      member.wake();
    } else if (kind === REPLY.READY) {
      crew.isReady(member);
      const startTime = now() - member.born;
      tellOfWorker('start', () => ({ pool: title, worker: member.id, startTime }));
      if (crew.ready) this.state.workersAreReady();
    } else if (kind === REPLY.BROKEN) this.initializerFailed(ticket);
    else if (kind === REPLY.RETIRING) {
      this.core.statistics.causes.tasks++;
      crew.retires(member);
    } else if (kind === REPLY.ITEMS || kind === REPLY.ITEM_THREW) {
      engine.settling.hearItems(member, reply);
    } else if (kind === REPLY.REPORT) {
      callBack(() => engine.settling.taskOf(ticket)?.more?.onReport?.(rest[0]));
      callBack(() => this.emitter.emit('report', rest[0]));
    } else if (kind === REPLY.UNREADABLE) {
      takeBackUnread(engine, member, title, ticket);
    } else if (kind === REPLY.UNCAUGHT) member.uncaught = ticket;
  }

  /** A worker has ended. */
  ended(member: Member): void {
    if (!member.alive) return;
    const { engine, crew, settings, statistics, title } = this.core;
    // Settle its tasks. A wake-up may have ended with it.
    const cause = causeOfDeath(member.child);
    try {
      settleDead(engine, member, title, cause);
      engine.handOut.waking.lost(member);
    } catch (error) {
      this.state.damaged(error);
    }
    // Add its times to the statistics.
    statistics.busyBefore += member.busy;
    statistics.livedBefore += (now() - member.born) * settings.concurrency;
    // Report its end to the program, if it was unexpected, and to monitors.
    const { id, tasks } = member;
    const { exitCode } = member.child;
    const isRetiring = member.state === 'retiring';
    const expected = member.stopping || isRetiring || (member.killed && crew.ending);
    let why: WorkerEndMessage['cause'] = isRetiring ? 'recycled' : 'stopped';
    if (!expected) {
      const unexpected = causeOfEnd(member, engine.handOut.table, cause);
      why = unexpected;
      statistics.restarts++;
      statistics.causes[unexpected]++;
      callBack(() => this.emitter.emit('workerDied', { pid: id, exitCode }));
    }
    tellOfWorker('end', () => ({ pool: title, worker: id, exitCode, cause: why, tasks }));
    // Replace it, and hand out tasks to the others.
    crew.lose(member);
    engine.handOut.resize();
    engine.handOut.fill();
  }

  /** Looks for workers that have ended while no event can report it. */
  look(): void {
    if (now() - this.looked < LOOK_EVERY) return;
    this.looked = now();
    for (const member of this.core.crew.members) {
      if (member?.alive && !member.child.isAlive()) this.ended(member);
    }
  }

  private initializerFailed(cause: unknown): void {
    const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : inspect(cause);
    const message = `${this.core.title}: broken, its initializer has failed (${why}); see the cause`;
    this.state.break(new PoolBrokenError(message, { cause }));
  }
}
