/** Carries out Python's requests to an agent. */

import { threadId } from 'node:worker_threads';
import * as lockstep from 'lockstep';
import { barrierAction } from './action.ts';
import type { Json } from './codec.ts';
import { decode } from './codec.ts';

/** A request; which fields it has depends on the operation. */
export interface Request {
  readonly i: number;
  readonly o: string;
  /** Handle of the object that it is about. */
  readonly h?: string;
  /** Method, property; of `burst` several. */
  readonly m?: string | string[];
  readonly a?: Json[];
  /** Timeout in milliseconds. */
  readonly t?: number | null;
  /** The option `deadlock`. */
  readonly d?: 'error' | 'ignore';
  /** Whether the call gets a signal. */
  readonly s?: boolean;
  readonly block?: boolean;
  readonly k?: string;
  readonly calls?: string;
  readonly number?: string;
  readonly [field: string]: unknown;
}

/** Carries out a request. */
export interface Context {
  /** By blocking calls, instead of awaiting ones. */
  readonly sync: boolean;
  readonly signal: AbortSignal | undefined;
  /** Has Python run a predicate or an action. */
  readonly callback: (what: string) => boolean;
  readonly isUsedByOthers: (handle: string) => boolean;
  readonly forget: (handle: string) => void;
}

type Method = (...args: unknown[]) => unknown;
type Shared = { readonly handle: string; [Symbol.dispose](): void } & Record<string, Method>;

/** Every shared object that this agent has open, by its handle. */
const objects = new Map<string, Shared>();

export function carryOut(request: Request, context: Context): unknown {
  const operation = operations[request.o];
  if (operation === undefined) throw new Error(`no operation "${request.o}"`);
  return operation(request, context);
}

function object(handle: string): Shared {
  const found = objects.get(handle) ?? (lockstep.openShared(handle) as unknown as Shared);
  objects.set(handle, found);
  return found;
}

function keep(made: unknown): Shared {
  const shared = made as Shared;
  objects.set(shared.handle, shared);
  return shared;
}

/** The object that the request is about. */
const own = ({ h }: Request): Shared => object(h ?? '');
const argsOf = ({ a = [] }: Request): unknown[] => decode(a, object) as unknown[];

/** Applies `fn` to the value, or to what the promise resolves to. */
function after(value: unknown, fn: (value: unknown) => unknown): unknown {
  return value instanceof Promise ? value.then(fn) : fn(value);
}

function optionsOf({ t, d }: Request, { signal }: Context): Record<string, unknown> | undefined {
  const options = {
    ...(t === undefined || t === null ? {} : { timeout: t }),
    ...(d === undefined ? {} : { deadlock: d }),
    ...(signal === undefined ? {} : { signal }),
  };
  return Object.keys(options).length === 0 ? undefined : options;
}

function call(it: Shared, method: string, ...args: unknown[]): unknown {
  return Reflect.apply(Reflect.get(it, method) as Method, it, args);
}

/** Calls the blocking or the awaiting method. */
function callBy({ sync }: Context, it: Shared, method: string, ...args: unknown[]): unknown {
  return call(it, sync ? `${method}Sync` : method, ...args);
}

/**
 * Result of a taking: 0 not taken, 1 taken, 2 taken with `recovered`, because the last holder died
 * inside.
 */
function taken(hold: unknown): number {
  if (hold === null) return 0;
  return (hold as lockstep.Hold).recovered === true ? 2 : 1;
}

/** Makes an object of that class, whose arguments are in the request. */
function make(request: Request): unknown {
  const { k = '', options, value, lock, parties, timeout, action, type, fields, values } = request;
  const guard = typeof lock === 'string' ? object(lock) : lock;
  const construct = (Class: unknown, ...args: unknown[]): unknown =>
    Reflect.construct(Class as new () => object, args);
  const Class = Reflect.get(lockstep, k);
  switch (k) {
    case 'Condition':
      return construct(Class, ...(lock === null ? [] : [guard]));
    case 'Semaphore':
    case 'BoundedSemaphore':
      return construct(Class, value);
    case 'Barrier': {
      const limit = timeout === null ? {} : { timeout };
      return construct(Class, parties, { ...limit, ...(action ? { action: barrierAction } : {}) });
    }
    case 'Value':
    case 'SharedArray':
      return construct(Class, type, decode(value as Json), { lock: guard });
    case 'RawValue':
    case 'RawArray':
      return construct(Class, type, decode(value as Json));
    case 'Record': {
      const OfFields = lockstep.struct(fields as Parameters<typeof lockstep.struct>[0]);
      return construct(OfFields, decode(values as Json), { lock: guard });
    }
    default:
      return construct(Class, ...(options === undefined ? [] : [options]));
  }
}

/** A wait at a barrier; `null` if it was broken. */
async function waitUnlessBroken(it: Shared, context: Context): Promise<unknown> {
  try {
    return await callBy(context, it, 'wait');
  } catch (error) {
    return nullIfBroken(error);
  }
}

function waitUnlessBrokenNow(it: Shared, context: Context): unknown {
  try {
    return callBy(context, it, 'wait');
  } catch (error) {
    return nullIfBroken(error);
  }
}

function nullIfBroken(error: unknown): null {
  if (error instanceof lockstep.BrokenBarrierError) return null;
  throw error;
}

const operations: Record<string, (request: Request, context: Context) => unknown> = {
  hello: () => [process.pid, threadId],
  new(request) {
    const made = keep(make(request));
    if (request.k === 'Condition') keep(made.lock);
    return made;
  },
  pipe: ({ duplex }) => lockstep.Pipe({ duplex: duplex as boolean }).map(keep),
  open: (request) => void own(request),
  /** The lock beside a condition, a value or an array. */
  lock: (request) => keep(own(request).lock),
  get: (request) => Reflect.get(own(request), request.m as string),
  put: (request) => void Reflect.set(own(request), request.m as string, decode(request.a as Json, object)),
  /** Several calls in one go, with nothing between them. */
  burst(request) {
    for (const name of request.m as string[]) call(own(request), name);
  },
  do: (request) => call(own(request), request.m as string, ...argsOf(request)),
  acquire(request, context) {
    const it = own(request);
    if (request.block === false) return taken(call(it, 'tryAcquire'));
    return after(callBy(context, it, 'acquire', optionsOf(request, context)), taken);
  },
  /** A call that may wait, with its options last. */
  wait(request, context) {
    const args = [...argsOf(request), optionsOf(request, context)];
    return callBy(context, own(request), request.m as string, ...args);
  },
  /**
   * A wait at a barrier, and if that was broken, the next one at once: its result, or `null` and
   * that of the next.
   */
  waitAgain(request, context) {
    const it = own(request);
    if (context.sync) {
      const first = waitUnlessBrokenNow(it, context);
      return first === null ? [null, waitUnlessBrokenNow(it, context)] : [first];
    }
    return (async () => {
      const first = await waitUnlessBroken(it, context);
      return first === null ? [null, await waitUnlessBroken(it, context)] : [first];
    })();
  },
  waitFor(request, context) {
    const predicate = (): boolean => context.callback('predicate');
    return callBy(context, own(request), 'waitFor', predicate, optionsOf(request, context));
  },
  waitAny(request, context) {
    const all = (request.a as string[]).map(object);
    const waitAny = (context.sync ? lockstep.waitAnySync : lockstep.waitAny) as Method;
    const places = (ready: unknown): unknown => (ready as Shared[]).map((each) => all.indexOf(each));
    return after(waitAny(all, optionsOf(request, context)), places);
  },
  array: (request) => call(own(request), 'toArray'),
  /** The description of a condition, lock or semaphore. */
  describe: (request) =>
    JSON.stringify(call(own(request), 'describe'), (_, value) =>
      typeof value === 'bigint' ? String(value) : (value as unknown),
    ),
  /**
   * Ends the use of an object for the thread of this connection, and in this agent if no other has
   * it open.
   */
  close(request, { forget, isUsedByOthers }) {
    const { h = '' } = request;
    const it = own(request);
    forget(h);
    if (isUsedByOthers(h)) return;
    call(it, 'close');
    objects.delete(h);
  },
  /** Ends the use of all of them: between two tests. */
  reset() {
    for (const each of objects.values()) each[Symbol.dispose]();
    objects.clear();
  },
};
