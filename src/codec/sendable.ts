/**
 * Sendable: which values structured clone takes whole, which it would damage or refuse, and which
 * Lockstep refuses.
 */

import { types } from 'node:util';
import { describeForeign } from '../objects/copies.ts';

const forbidden = new WeakMap<object, string>();

/**
 * Refuses `object`, or all objects of which it is the prototype, in every parcel; `reason` follows
 * "it is …".
 */
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
  for (let at: object | null = value; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const reason = forbidden.get(at);
    if (reason !== undefined) return reason;
  }
  const foreign = describeForeign(value);
  if (foreign !== undefined) return foreign;
  if (value instanceof URL) return 'a URL (send its href)';
  if (types.isPromise(value)) return 'a Promise (await it first)';
  if (value instanceof AbortSignal)
    return 'an AbortSignal (pass it as an option; a task of a pool has currentTask().signal)';
  if (types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef)
    return describeInstance(value);
  if (types.isGeneratorObject(value)) return 'a generator';
  return undefined;
}

/**
 * Whether the object's state lies where no copy reaches it, as that of a Headers or an EventTarget:
 * it has no fields, and its class gives it a tag.
 */
export function isOpaque(value: object): boolean {
  return (
    Symbol.toStringTag in value && Object.keys(value).length === 0 && !types.isModuleNamespaceObject(value)
  );
}

/** The name of a function in messages. */
export function describeFunction(value: object): string {
  const { name } = value as { name?: unknown };
  return typeof name === 'string' && name !== '' ? `a function (${name})` : 'a function';
}

/** Name of the object's class. */
function className(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'object';
}

/** The object by its class, in messages: `an AbortSignal`. */
export function describeInstance(value: object): string {
  const name = className(value);
  return `${/^[AEIOUaeiou]/.test(name) ? 'an' : 'a'} ${name}`;
}
