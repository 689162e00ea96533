/**
 * Plain parcels: parcels of values without anything to pack, such as no arguments and no result. A
 * child need not load the rest of the codec for them.
 */

import { types } from 'node:util';
import type { Destination, Packed, Parcel } from './parcel.ts';
import { packWhole, unpack } from './parcel.ts';

/** Makes a parcel of any value: see `packWhole`. */
export function pack(value: unknown, to: Destination, what: string, name: string): Packed {
  if (isPlain(value)) return { parcel: { root: value, places: [], goods: [] }, shared: [] };
  return packWhole(value, to, what, name);
}

/** Makes the value again: see `unpack`. */
export function open(parcel: Parcel): unknown {
  return parcel.goods.length === 0 ? parcel.root : unpack(parcel);
}

function isPlain(value: unknown): boolean {
  if (value === null) return true;
  // An empty array of the program's own may have further fields, or a prototype of its own.
  if (Array.isArray(value)) {
    return (
      !types.isProxy(value) &&
      value.length === 0 &&
      Reflect.ownKeys(value).length === 1 &&
      Object.getPrototypeOf(value) === Array.prototype
    );
  }
  return typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol';
}
