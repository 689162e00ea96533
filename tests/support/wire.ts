/** How the test and its actors talk: one line a message, shared objects by their handles. */

import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';
import { openShared } from 'lockstep';

/** Told by an actor when it has started. */
export interface Hello {
  serial: number;
  pid: number;
  threadId: number;
  name: string;
}

export interface Command {
  id: number;
  operation: string;
  args: unknown[];
}

export interface Reply {
  id: number;
  /** How long the operation took in the actor. */
  milliseconds: number;
  value?: unknown;
  error?: { name: string; message: string; code: unknown; stack: string; cause: string };
}

/** What all shared objects have. */
export interface SharedObject {
  readonly handle: string;
  close(): void;
  [Symbol.dispose](): void;
  describe(): object;
}

interface Reference {
  sharedHandle: string;
}

export function encode(message: Hello | Command | Reply): string {
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

/** Replaces shared objects, also within arrays, by references. */
export function toReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toReferences);
  return isSharedObject(value) ? { sharedHandle: value.handle } : value;
}

/** Replaces references by the objects, opened once each and kept in `open`. */
export function fromReferences(value: unknown, open: Map<string, SharedObject>): unknown {
  if (Array.isArray(value)) return value.map((element) => fromReferences(element, open));
  if (!isReference(value)) return value;
  const object = open.get(value.sharedHandle) ?? openShared(value.sharedHandle);
  open.set(value.sharedHandle, object);
  return object;
}

function isReference(value: unknown): value is Reference {
  return typeof value === 'object' && value !== null && 'sharedHandle' in value;
}

export function isSharedObject(value: unknown): value is SharedObject {
  return typeof value === 'object' && value !== null && 'handle' in value && 'describe' in value;
}
