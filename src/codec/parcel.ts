/**
 * Parcel: arguments and results on their way to another process or thread.
 *
 * Structured clone can't carry a shared object, or an error with its class, code and cause. Each of
 * these leaves an empty *place* in the copy that travels, and is listed beside it as *goods*.
 * Structured clone keeps identity within one message, so the other side recognises the places. That
 * also holds for an object that is nested in several places or in a cycle.
 */

import { types } from 'node:util';
import { NotSendableError } from '../errors.ts';
import { openShared } from '../objects/handles.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { type ErrorClass, errorClassOf, isError, rebuildError } from './error-class.ts';
import {
  describeFunction,
  describeInstance,
  describeRefused,
  isLeaf,
  isOpaque,
  isPlainLeaf,
  isSharedBytes,
} from './sendable.ts';
import { v8 } from './v8.ts';

/** Plain data for structured clone. */
export interface Parcel {
  readonly root: unknown;
  /** The same objects as occur in `root`. */
  readonly places: object[];
  /** The value that belongs in each place. */
  readonly goods: Goods[];
}

/** A parcel, and the shared objects in it: they have to live until it is opened. */
export interface Packed {
  readonly parcel: Parcel;
  readonly shared: readonly SharedObject[];
}

/** A shared object by its handle, or an error by its class (its fields travel in its place). */
export type Goods =
  | { readonly kind: 'shared'; readonly handle: string }
  | {
      readonly kind: 'error';
      readonly errorClass: ErrorClass;
      /** Fields that `Object.keys` lists. */
      readonly shown: string[];
    };

/** Where a parcel goes: only threads can share a SharedArrayBuffer. */
export type Destination = 'process' | 'thread';

/** A value and its path from the root: `args[1].callback`. */
interface Spot {
  readonly value: unknown;
  readonly key: string;
  readonly parent?: Spot | undefined;
}

type Fields = Record<string, unknown>;

const UNREADABLE: unique symbol = Symbol('unreadable');

/**
 * Makes a parcel of `value`; also returns the shared objects in it.
 *
 * @param what begins the message, e.g. `Process "Process-1":`
 * @param name the value's name in the message, e.g. `args`
 * @param moved objects that move, and are not cloned
 * @throws {NotSendableError} naming the path of what can't be sent
 */
export function packWhole(
  value: unknown,
  to: Destination,
  what: string,
  name: string,
  moved?: readonly unknown[],
): Packed {
  const packer = new Packer(to, what, moved);
  const root = packer.copy({ value, key: name });
  const { places, goods, shared } = packer;
  return { parcel: { root: goods.length === 0 ? value : root, places, goods }, shared };
}

/**
 * Whether the value that was read is a parcel. Other programs may have written or damaged it.
 */
export function isParcel(found: unknown): found is Parcel {
  if (typeof found !== 'object' || found === null) return false;
  const { places, goods } = found as Partial<Parcel>;
  return (
    Array.isArray(places) &&
    Array.isArray(goods) &&
    places.length === goods.length &&
    Object.keys(places).length === places.length &&
    places.every((place: unknown) => typeof place === 'object' && place !== null) &&
    Object.keys(goods).length === goods.length &&
    goods.every(isGoods)
  );
}

function isGoods(found: unknown): found is Goods {
  if (typeof found !== 'object' || found === null) return false;
  const { kind, handle, errorClass, shown } = found as Record<string, unknown>;
  if (kind === 'shared') return typeof handle === 'string';
  return kind === 'error' && typeof errorClass === 'string' && Array.isArray(shown);
}

/**
 * Makes the value again. Opens the shared objects in it, and adds them to `opened`. Throws
 * `StaleHandleError` if one no longer exists.
 */
export function unpack({ root, places, goods }: Parcel, opened: SharedObject[] = []): unknown {
  if (goods.length === 0) return root;
  const delivered = new Map<unknown, unknown>();
  places.forEach((place, index) => {
    const item = goods[index]!;
    if (item.kind === 'shared') {
      const object = openShared(item.handle);
      opened.push(object);
      delivered.set(place, object);
    } else delivered.set(place, rebuildError(item.errorClass));
  });
  const exchange = (found: unknown): unknown => (delivered.has(found) ? delivered.get(found) : found);
  const seen = new Set<object>();
  const open: unknown[] = [root, ...places];
  while (open.length > 0) {
    const next = open.pop();
    if (next === null || typeof next !== 'object' || seen.has(next) || isLeaf(next)) continue;
    seen.add(next);
    // One by one: there may be more than a call can have arguments.
    for (const inner of exchangeWithin(next, exchange)) open.push(inner);
  }
  places.forEach((place, index) => {
    const item = goods[index]!;
    if (item.kind === 'error') fillError(delivered.get(place) as Error, place as Fields, item.shown);
  });
  return exchange(root);
}

/** Replaces the direct contents of a container; returns the previous contents. */
function exchangeWithin(container: object, exchange: (found: unknown) => unknown): unknown[] {
  if (types.isMap(container)) {
    const entries = [...container];
    container.clear();
    for (const [key, value] of entries) container.set(exchange(key), exchange(value));
    return entries.flat();
  }
  if (types.isSet(container)) {
    const values = [...container];
    container.clear();
    for (const value of values) container.add(exchange(value));
    return values;
  }
  const values: unknown[] = [];
  for (const key of Object.keys(container)) {
    const value = (container as Fields)[key];
    values.push(value);
    const exchanged = exchange(value);
    if (exchanged !== value) (container as Fields)[key] = exchanged;
  }
  return values;
}

function fillError(error: Error, fields: Fields, shown: string[]): void {
  for (const [key, value] of Object.entries(fields)) {
    if (key === 'name' && error.name === value && !shown.includes(key)) continue;
    Object.defineProperty(error, key, {
      value,
      enumerable: shown.includes(key),
      writable: true,
      configurable: true,
    });
  }
}

class Packer {
  readonly places: object[] = [];
  readonly goods: Goods[] = [];
  readonly shared: SharedObject[] = [];
  private readonly to: Destination;
  private readonly what: string;
  private readonly copies = new Map<object, object>();
  /** Containers whose copies are still empty. A list instead of recursion: nesting may be deep. */
  private readonly unfilled: Spot[] = [];

  /** Objects that are taken as they are. */
  private readonly moved: readonly unknown[];

  constructor(to: Destination, what: string, moved: readonly unknown[] = []) {
    this.to = to;
    this.what = what;
    this.moved = moved;
  }

  copy(root: Spot): unknown {
    const copied = this.stub(root);
    for (let spot = this.unfilled.pop(); spot !== undefined; spot = this.unfilled.pop()) this.fill(spot);
    return copied;
  }

  /** The copy of a value; of a container: still empty. */
  private stub(spot: Spot): unknown {
    const { value } = spot;
    if (typeof value === 'function') throw this.refusal(spot, describeFunction(value));
    if (typeof value === 'symbol') throw this.refusal(spot, `${String(value)}, a symbol`);
    if (value === null || typeof value !== 'object') return value;
    const known = this.copies.get(value);
    if (known !== undefined) return known;
    const copied = this.stubOf(value, spot);
    this.copies.set(value, copied);
    return copied;
  }

  private stubOf(value: object, spot: Spot): object {
    // Check this first, because a Proxy of a shared object would pass for one. A Proxy of an error
    // may pass, because errors must get through.
    if (types.isProxy(value) && !isError(value)) throw this.refusal(spot, 'a Proxy');
    if (value instanceof SharedObject) {
      this.shared.push(value);
      return this.place({ kind: 'shared', handle: value.handle });
    }
    if (isError(value)) {
      this.unfilled.push(spot);
      return this.place({ kind: 'error', errorClass: errorClassOf(value), shown: listedKeys(value) });
    }
    if (this.moved.includes(value)) return value;
    const refused = describeRefused(value);
    if (refused !== undefined) throw this.refusal(spot, refused);
    if (isLeaf(value)) {
      this.checkLeaf(value, spot);
      return value;
    }
    this.unfilled.push(spot);
    if (Array.isArray(value)) return new Array(value.length);
    if (types.isMap(value)) return new Map();
    if (types.isSet(value)) return new Set();
    // A copy would be empty.
    if (isOpaque(value)) throw this.refusal(spot, describeInstance(value));
    return {};
  }

  private place(item: Goods): object {
    const place = {};
    this.places.push(place);
    this.goods.push(item);
    return place;
  }

  private fill(parent: Spot): void {
    const value = parent.value as object;
    const copied = this.copies.get(value)!;
    const child = (inner: unknown, key: string): unknown => this.stub({ value: inner, key, parent });
    if (isError(value)) this.fillErrorPlace(value, copied as Fields, parent);
    else if (types.isMap(value)) {
      let n = 0;
      for (const [key, inner] of value) {
        const at = typeof key === 'string' ? JSON.stringify(key) : String(n);
        (copied as Map<unknown, unknown>).set(child(key, `.keys()[${n++}]`), child(inner, `.get(${at})`));
      }
    } else if (types.isSet(value)) {
      let n = 0;
      for (const inner of value) (copied as Set<unknown>).add(child(inner, `.values()[${n++}]`));
    } else {
      const isArray = Array.isArray(value);
      for (const key of Object.keys(value)) {
        define(copied, key, child((value as Fields)[key], isArray ? `[${key}]` : keyOf(key)));
      }
    }
  }

  /** An error must get through: fields that can't be sent are left out. */
  private fillErrorPlace(error: Error, place: Fields, parent: Spot): void {
    for (const key of ['name', 'message', 'stack'] as const) {
      const text = textOf(error, key);
      if (text !== undefined) place[key] = text;
    }
    // Otherwise it would have the stack of the place where the error is made again.
    place.stack ??= '';
    for (const key of ['cause', 'errors', 'cycle', ...listedKeys(error)]) {
      if (Object.hasOwn(place, key)) continue;
      const inner = fieldOf(error, key);
      if (inner === UNREADABLE) continue;
      const spot = { value: inner, key: keyOf(key), parent };
      if (isError(inner) || canPack(spot, this.to)) define(place, key, this.stub(spot));
    }
  }

  private checkLeaf(value: object, spot: Spot): void {
    if (this.to === 'process' && isSharedBytes(value)) {
      throw new NotSendableError(
        `${this.what} ${pathOf(spot)} can't be sent here, it is a SharedArrayBuffer, which only a Thread can get and return; send a SharedArray, which processes and threads can share`,
      );
    }
    if (isPlainLeaf(value)) return;
    let isLost: boolean;
    try {
      if (this.to === 'thread') isLost = isPlain(structuredClone(value));
      else isLost = v8().serialize(value).length === v8().serialize({}).length;
    } catch (cause) {
      throw this.refusal(spot, describeInstance(value), cause);
    }
    // Its copy would be an empty object.
    if (isLost && isOpaque(value)) throw this.refusal(spot, describeInstance(value));
  }

  private refusal(spot: Spot, found: string, cause?: unknown): NotSendableError {
    return new NotSendableError(
      `${this.what} ${pathOf(spot)} can't be sent to another ${this.to}, it is ${found}; send plain data or shared objects instead`,
      cause === undefined ? undefined : { cause },
    );
  }
}

/** The path to the value, such as `args[0].bytes`. */
function pathOf(spot: Spot): string {
  let path = '';
  for (let at: Spot | undefined = spot; at !== undefined; at = at.parent) path = at.key + path;
  return path;
}

function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}

/** An own field of the error; `UNREADABLE` if there is none, or its getter throws. */
function fieldOf(error: Error, key: string): unknown {
  try {
    return Object.hasOwn(error, key) ? (error as unknown as Fields)[key] : UNREADABLE;
  } catch {
    return UNREADABLE;
  }
}

/**
 * A text of the error. `undefined` if it is missing (as a stack behind a Proxy), its getter throws,
 * or it can't be written.
 */
function textOf(error: Error, key: 'name' | 'message' | 'stack'): string | undefined {
  try {
    const text: unknown = error[key];
    return text === undefined ? undefined : String(text);
  } catch {
    return undefined;
  }
}

/** Keys of an error; none if a Proxy hides them. */
function listedKeys(error: Error): string[] {
  try {
    return Object.keys(error);
  } catch {
    return [];
  }
}

function canPack(spot: Spot, to: Destination): boolean {
  try {
    new Packer(to, '').copy(spot);
    return true;
  } catch {
    return false;
  }
}

/** Defines an own key of any name (`__proto__` too). */
function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function keyOf(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
