/**
 * A member of the crew: a process that calls methods of shared objects at requests over a socket.
 * If a request names a point, it dies there. The same for victims and survivors.
 */

import { writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { Event, Lock, Queue, SharedMemory } from 'lockstep';
import * as lockstep from 'lockstep';
import { countRound } from '../support/actions.ts';
import { Sample } from '../support/points.ts';
import { forgetKind } from '../support/unknown-kinds.ts';
import {
  type Command,
  encode,
  fromReferences,
  type Hello,
  isSharedObject,
  onMessage,
  type Reply,
  type SharedObject,
} from '../support/wire.ts';
import { arm, disarm } from './countdown.ts';
import './crashing-files.ts';
import { contend } from '../support/internals.ts';
import { NAMESPACE } from './operation.ts';

/**
 * Something to do: a method of the object that comes first, or of a part of it (`read.acquire`).
 * `new` of the class that comes first. `open` of a handle. `closeKept`, `disposeKept` and
 * `unlinkKept` of what was made or opened last. `closeOpened` of what came last as an argument.
 * `putKept`: puts what was made last into a queue, and closes it. `expectOthers`: of a queue.
 * `forgetKind`: does not know the kind of that name from then on.
 * `waitAndAbort`: blocks until an event is set, and aborts what has `@signal`. `exit`. `forget` of
 * everything.
 */
export interface Order extends Command {
  /** At which point to die; 0: not at all. */
  dieAt: number;
}

export interface Answer extends Reply {
  /** Of an order with `dieAt` that was completed, well or by an error. */
  farewell?: Farewell;
}

/** How things stood when a victim died, or had completed what it was to die in. */
export interface Farewell {
  /** The point before which it died, or `completion`. */
  point: string;
  /** How many points it had passed. */
  passed: number;
  /** Milliseconds of the machine's monotonic clock. */
  at: number;
  /** `describe()` of the object of its last method. */
  state: Record<string, unknown>;
}

const aborter = new AbortController();
const CLASSES: Record<string, unknown> = { ...lockstep, Sample };
/** For arguments that can't be sent. */
const STAND_INS: Record<string, () => unknown> = {
  '@function': () => () => 'returned',
  '@signal': () => ({ signal: aborter.signal }),
  '@withAction': () => ({ action: countRound }),
  '@namedWithAction': () => ({ action: countRound, name: 'with an action', namespace: NAMESPACE }),
};

/** Milliseconds of a clock that all processes share. */
export function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Where a victim leaves its farewell. */
export function farewellFile(folder: string, serial: number): string {
  return join(folder, `farewell-${serial}`);
}

/** Carries out its orders until the other side hangs up. `folder` has the socket. */
export async function serve(folder: string, serial: number): Promise<void> {
  const opened = new Map<string, SharedObject>();
  const kept: unknown[] = [];
  const socket = createConnection(join(folder, 'socket'));
  socket.write(encode({ serial, pid: process.pid, threadId: 0, name: '' } satisfies Hello));
  onMessage(socket, (message) => {
    // Each in a turn of its own, so that a blocking one does not hold up the answer to the one
    // before.
    setImmediate(() => {
      void obey(message as Order).then((answer) => socket.writable && socket.write(encode(answer)));
    });
  });
  socket.on('error', () => socket.destroy());
  await new Promise((resolve) => socket.on('close', resolve));

  async function obey({ id, operation, args, dieAt }: Order): Promise<Answer> {
    const values = args.map((arg) => STAND_INS[String(arg)]?.() ?? fromReferences(arg, opened));
    const farewell = (point: string, passed: number): Farewell => ({
      point,
      passed,
      at: clock(),
      state: stateOf(values[0]),
    });
    const file = farewellFile(folder, serial);
    const answer: Answer = { id, milliseconds: 0 };
    try {
      if (dieAt > 0) arm(dieAt, (point) => writeFileSync(file, JSON.stringify(farewell(point, dieAt - 1))));
      answer.value = summary(await perform(operation, values));
    } catch (thrown) {
      const { name, message, code, stack = '', cause } = thrown as Error & { code?: unknown };
      answer.error = { name, message, code, stack, cause: String(cause) };
    }
    if (dieAt > 0) {
      answer.farewell = farewell('completion', disarm());
    }
    return answer;
  }

  /** Not async: the operation begins as soon as the countdown. */
  function perform(operation: string, [first, ...rest]: unknown[]): unknown {
    switch (operation) {
      case 'exit':
        return process.exit();
      case 'forget':
        for (const object of [...kept, ...opened.values()]) if (isSharedObject(object)) closeWhole(object);
        opened.clear();
        kept.length = 0;
        return undefined;
      case 'closeKept':
        return (kept.at(-1) as SharedObject).close();
      case 'unlinkKept':
        return (kept.at(-1) as SharedMemory).unlink();
      case 'disposeKept':
        return (kept.at(-1) as SharedObject)[Symbol.dispose]();
      case 'closeOpened':
        return [...opened.values()].at(-1)!.close();
      case 'open':
        return lockstep.openShared(String(first));
      case 'new':
        return Reflect.construct(CLASSES[String(first)] as new () => unknown, rest);
      case 'waitAndAbort':
        (first as Event).waitSync();
        return aborter.abort();
      case 'putKept':
        (first as Queue).putSync([kept.at(-1), rest[0]]);
        return (kept.at(-1) as SharedObject).close();
      case 'forgetKind':
        return forgetKind(String(first));
      case 'expectOthers':
        return contend(first as SharedObject);
      default:
        return callMethod(first as object, operation, rest);
    }
  }

  /** The part of a result that can be sent; the result itself is kept. */
  function summary(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    kept.push(value);
    if (isSharedObject(value)) return value.handle;
    return 'recovered' in value ? { recovered: value.recovered } : undefined;
  }
}

function callMethod(object: object, path: string, args: unknown[]): unknown {
  const [part = '', method] = path.split('.');
  if (method === undefined) return Reflect.apply(Reflect.get(object, part), object, args);
  return callMethod(Reflect.get(object, part), method, args);
}

/** Ends the use of the object, and of the lock that belongs to it, by this thread. */
export function closeWhole(object: SharedObject): void {
  const { closed } = object as SharedObject & { closed: boolean };
  // Some have none, and say so by throwing.
  const guarded = !closed && 'lock' in object && Reflect.get(object.describe(), 'lock') !== null;
  if (guarded) (object.lock as Lock).close();
  object[Symbol.dispose]();
}

function stateOf(object: unknown): Record<string, unknown> {
  try {
    return isSharedObject(object) ? { ...object.describe() } : {};
  } catch {
    return {}; // It was just being closed.
  }
}
