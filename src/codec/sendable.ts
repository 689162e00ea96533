/**
 * Sendable: which values structured clone takes whole, which it would damage or refuse, and which
 * Lockstep refuses.
 */

import { types } from 'node:util';
import { describeForeign } from '../objects/copies.ts';

const forbidden = new WeakMap<object, string>();

/** Refuses `object` in every parcel; `reason` follows "it is …". */
export function forbidSending(object: object, reason: string): void {
  forbidden.set(object, reason);
}

/** Objects that structured clone takes whole, and in which nothing else can lie. */
export function isLeaf(value: object): boolean {
  return isPlainLeaf(value) || isHostObject(value);
}

/** JavaScript's own leaves, which no clone refuses (except memory that threads share). */
export function isPlainLeaf(value: object): boolean {
  return (
    ArrayBuffer.isView(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isBoxedPrimitive(value)
  );
}

/**
 * Node's own cloneable classes (Blob, KeyObject, MessagePort …) keep their identity under symbols.
 */
function isHostObject(value: object): boolean {
  if (Array.isArray(value) || types.isMap(value) || types.isSet(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return false;
  return Object.getOwnPropertySymbols(value).length > 0 && Object.keys(value).length === 0;
}

/** Whether the bytes are in memory that only threads of one process share. */
export function isSharedBytes(value: object): boolean {
  return types.isSharedArrayBuffer(ArrayBuffer.isView(value) ? value.buffer : value);
}

/** A description of the object, if it can never be sent. */
export function describeRefused(value: object): string | undefined {
  const reason = forbidden.get(value);
  if (reason !== undefined) return reason;
  const foreign = describeForeign(value);
  if (foreign !== undefined) return foreign;
  if (value instanceof URL) return 'a URL (send its href)';
  if (types.isPromise(value)) return 'a Promise (await it first)';
  if (types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef)
    return `a ${className(value)}`;
  if (types.isGeneratorObject(value)) return 'a generator';
  return undefined;
}

/** The name of a function in messages. */
export function describeFunction(value: object): string {
  const { name } = value as { name?: unknown };
  return typeof name === 'string' && name !== '' ? `a function (${name})` : 'a function';
}

/** Name of the object's class. */
export function className(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' ? name : 'object';
}
