/**
 * What a member does: it calls methods of shared objects. If an order names a point, it dies there.
 * The same for victims and survivors.
 */

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Event, Lock, Queue, SharedMemory } from 'lockstep';
import * as lockstep from 'lockstep';
import { countRound } from '../support/actions.ts';
import { contend } from '../support/internals.ts';
import type { Address } from '../support/members/run.ts';
import { outcomeOf, serve } from '../support/members/serving.ts';
import { Sample } from '../support/points.ts';
import { forgetKind } from '../support/unknown-kinds.ts';
import {
  fromReferences,
  isSharedObject,
  type Order,
  type Outcome,
  type Report,
  type SharedObject,
} from '../support/wire.ts';
import { arm, disarm } from './countdown.ts';
import './crashing-files.ts';
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
export interface LastOrder extends Order {
  /** At which point to die. */
  readonly dieAt: number;
}

export interface LastReport extends Report {
  /** Of an order with `dieAt` that was completed, well or by an error. */
  readonly farewell: Farewell;
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

/** Target of every member. */
export async function serves(address: Address): Promise<void> {
  const opened = new Map<string, SharedObject>();
  const kept: unknown[] = [];
  await serve(address, obey);

  async function obey(order: Order): Promise<Outcome & Partial<LastReport>> {
    const { operation, args, dieAt } = order as Order & Partial<LastOrder>;
    const values = args.map((arg) => STAND_INS[String(arg)]?.() ?? fromReferences(arg, opened));
    const act = async (): Promise<unknown> => summary(await perform(operation, values));
    if (dieAt === undefined) return await outcomeOf(act);
    const farewell = (point: string, passed: number): Farewell => {
      return { point, passed, at: clock(), state: stateOf(values[0]) };
    };
    const file = farewellFile(dirname(address.path), address.serial);
    arm(dieAt, (point) => writeFileSync(file, JSON.stringify(farewell(point, dieAt - 1))));
    const outcome = await outcomeOf(act);
    return { ...outcome, farewell: farewell('completion', disarm()) };
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
