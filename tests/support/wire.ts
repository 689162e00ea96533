/** How a test and its members talk: one line a message, shared objects by their handles. */

import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';
import { openShared } from 'lockstep';

/** Sent by a member when it has started. */
export interface Hello {
  readonly serial: number;
  readonly pid: number;
  readonly threadId: number;
  readonly name: string;
  /** What objects name as their owner while the member holds them. */
  readonly identity?: unknown;
}

export interface Order {
  readonly id: number;
  readonly operation: string;
  readonly args: readonly unknown[];
}

/** What came of an order. */
export interface Outcome {
  /** How long it took the member. */
  readonly milliseconds: number;
  readonly value?: unknown;
  readonly error?: {
    readonly name: string;
    readonly message: string;
    readonly code: unknown;
    readonly stack: string;
    readonly cause: string;
  };
}

export interface Report extends Outcome {
  readonly id: number;
}

/** Members of all shared objects. */
export interface SharedObject {
  readonly handle: string;
  close(): void;
  [Symbol.dispose](): void;
  describe(): object;
}

interface Reference {
  sharedHandle: string;
}

export function encode(message: Hello | Order | Report): string {
  return `${serialize(message).toString('base64')}\n`;
}

/** Calls `receive` with each message that comes in. */
export function onMessage(socket: Socket, receive: (message: unknown) => void): void {
  let begun = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    const lines = (begun + chunk).split('\n');
    begun = lines.pop() ?? '';
    for (const line of lines) receive(deserialize(Buffer.from(line, 'base64')));
  });
}

/** Replaces shared objects, also within arrays, by references. `refer` knows further ones. */
export function toReferences(
  value: unknown,
  refer: (value: unknown) => string | undefined = () => undefined,
): unknown {
  if (Array.isArray(value)) return value.map((element) => toReferences(element, refer));
  const sharedHandle = refer(value) ?? (isSharedObject(value) ? value.handle : undefined);
  return sharedHandle === undefined ? value : { sharedHandle };
}

/** Replaces references by the objects, opened once each and kept in `open`. */
export function fromReferences(value: unknown, open: Map<string, SharedObject>): unknown {
  for (const handle of handlesIn(value)) if (!open.has(handle)) open.set(handle, openShared(handle));
  return dereference(value, open);
}

/** The same, where another backend may have to open them. */
export async function fromReferencesOf(
  value: unknown,
  open: Map<string, object>,
  openOther: (reference: string) => object | Promise<object>,
): Promise<unknown> {
  for (const handle of handlesIn(value)) {
    if (open.has(handle)) continue;
    open.set(handle, isHandle(handle) ? openShared(handle) : await openOther(handle));
  }
  return dereference(value, open);
}

function handlesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(handlesIn);
  return isReference(value) ? [value.sharedHandle] : [];
}

function dereference(value: unknown, open: ReadonlyMap<string, object>): unknown {
  if (Array.isArray(value)) return value.map((element) => dereference(element, open));
  return isReference(value) ? open.get(value.sharedHandle) : value;
}

/** Whether the reference is the handle of an object in shared memory. */
export function isHandle(reference: string): boolean {
  return reference.startsWith('lockstep:');
}

function isReference(value: unknown): value is Reference {
  return typeof value === 'object' && value !== null && 'sharedHandle' in value;
}

export function isSharedObject(value: unknown): value is SharedObject {
  return typeof value === 'object' && value !== null && 'handle' in value && 'describe' in value;
}
