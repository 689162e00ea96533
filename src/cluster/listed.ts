/** Listed: a document at a server, in words: its holders, and the number of calls that wait. */

import type { BarrierState } from './machines/barrier.ts';
import type { Gate } from './machines/gate.ts';
import type { CallId } from './machines/machine.ts';
import { sessionOf } from './machines/machine.ts';
import type { QueueState } from './machines/queue.ts';
import type { Turnstile } from './machines/turnstile.ts';
import { programOf } from './session-id.ts';

/** The state of an object, as far as it is listed. */
export interface Stand {
  /** In words. */
  readonly state: string;
  /** Living calls that wait for it. */
  readonly waiting: number;
  /** Sessions that hold it or wait for it although their lease has ended. */
  readonly dead: readonly string[];
}

/** Most holders that are named. */
const MOST_NAMED = 3;

/** Reads the machine's state. `dead`: sessions of the document whose lease is over. */
export function standOf(kind: string, given: unknown, dead: readonly string[], items?: number): Stand {
  const gone = new Set(dead);
  switch (kind) {
    case 'Event':
    case 'Latch': {
      const { left, waiting } = given as Gate;
      const open = left === 0 ? 'open' : `${left} to count down`;
      return stand(kind === 'Event' ? (left === 0 ? 'set' : 'not set') : open, [], waiting, gone);
    }
    case 'Barrier': {
      const { parties, arrived, broken } = given as BarrierState;
      const state = broken === '' ? `${arrived.length} of ${parties} have come` : `broken: ${broken}`;
      return stand(state, [], arrived, gone);
    }
    case 'Queue':
    case 'JoinableQueue': {
      const { items: kept, out, takers, putters, joins } = given as QueueState;
      const waits = [...takers, ...putters.map(([call]) => call), ...joins];
      const state = inQueue(items ?? kept.length, out.length);
      return stand(
        state,
        out.map(([call]) => call),
        waits,
        gone,
      );
    }
    case 'Value':
      return stand(String((given as { value: number }).value), [], [], gone);
    default:
      return turnstile(kind, given as Turnstile, gone);
  }
}

export function inQueue(items: number, received: number): string {
  return `${items} ${items === 1 ? 'item' : 'items'}${received === 0 ? '' : `, ${received} received`}`;
}

function turnstile(kind: string, state: Turnstile, gone: ReadonlySet<string>): Stand {
  const { of, free, holders, offers, queue, waits } = state;
  const calls = holders.map(([call]) => call);
  const waiting = [...[...queue, ...offers].map(([call]) => call), ...Object.values(waits).flat()];
  return stand(inWords(kind, of, free, named(calls, gone)), calls, waiting, gone);
}

function inWords(kind: string, of: number, free: number, by: string): string {
  if (kind === 'Semaphore') return `${free} free`;
  if (kind === 'BoundedSemaphore') return `${free} of ${of} free${by === '' ? '' : `, held by ${by}`}`;
  if (by === '') return 'free';
  if (kind !== 'RWLock') return `held by ${by}`;
  return `${free === 0 ? 'written' : 'read'} by ${by}`;
}

/** The programs that hold it, as `host (pid)`. */
function named(calls: readonly CallId[], gone: ReadonlySet<string>): string {
  const all = calls.slice(0, MOST_NAMED).map((call) => {
    const session = sessionOf(call);
    const { host, pid } = programOf(session) ?? {};
    const over = gone.has(session) ? 'lease over' : '';
    if (host === undefined) return over === '' ? session : `${session} (${over})`;
    return `${host} (${pid}${over === '' ? '' : `, ${over}`})`;
  });
  const more = calls.length - all.length;
  return all.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function stand(
  state: string,
  holders: readonly CallId[],
  waiting: readonly CallId[],
  gone: ReadonlySet<string>,
): Stand {
  const sessions = [...holders, ...waiting].map(sessionOf);
  return {
    state,
    waiting: waiting.filter((call) => !gone.has(sessionOf(call))).length,
    dead: [...new Set(sessions.filter((session) => gone.has(session)))],
  };
}
