/** Handles: strings that stand for shared objects, `lockstep:<class>?in=<folder>&cell=…&generation=…`. */

import { inspect } from 'node:util';
import { agentInFolder } from '../agents/agent.ts';
import type { Cell, ObjectType } from '../agents/cell.ts';
import { HandleError, InvalidTypeError, StaleHandleError } from '../errors.ts';
import { Opened } from './opened.ts';
import type { SharedObject } from './shared-object.ts';

const HANDLE_FORM = /^lockstep:([A-Za-z]+)\?(.+)$/s;
const openers = new Map<string, (handle: string) => SharedObject>();

/** What a handle says of every object. */
export function handleFields(cell: Cell, name: string | undefined): URLSearchParams {
  const fields = new URLSearchParams({
    in: cell.agent.folder,
    cell: String(cell.number),
    generation: String(cell.generation),
  });
  if (name !== undefined) fields.set('name', name);
  return fields;
}

export function formatHandle(className: string, fields: URLSearchParams): string {
  return `lockstep:${className}?${fields}`;
}

/** Registers how a class opens a handle, for `openShared`. */
export function registerClass(name: string, open: (handle: string) => SharedObject): void {
  openers.set(name, open);
}

/** Opens the object of any class that the handle stands for. */
export function openShared(handle: string): SharedObject {
  if (typeof handle !== 'string') throw noHandle('object', handle);
  const name = HANDLE_FORM.exec(handle)?.[1] ?? '';
  const open = openers.get(name);
  if (open === undefined) throw malformed('object', handle);
  return open(handle);
}

/** The cell that a handle stands for. Throws `HandleError` or `StaleHandleError`. */
export function openHandle(type: ObjectType, handle: string): Opened {
  if (typeof handle !== 'string') {
    throw noHandle(type.name, handle);
  }
  const [, className, query] = HANDLE_FORM.exec(handle) ?? [];
  if (className === undefined || query === undefined) throw malformed(type.name, handle);
  if (className !== type.name) {
    throw new HandleError(
      `${type.name}: can't open a handle of a ${className}; use ${className}.open(handle)`,
    );
  }
  const fields = new URLSearchParams(query);
  const folder = fields.get('in');
  const number = Number(fields.get('cell'));
  const generation = Number(fields.get('generation'));
  if (folder === null || !Number.isInteger(number) || !Number.isInteger(generation))
    throw malformed(type.name, handle);
  const cell = agentInFolder(folder).open(type, number, generation);
  if (cell === undefined) {
    throw new StaleHandleError(
      `${type.name}: can't open the handle, its object does not exist any more; keep the object open somewhere while handles are in use`,
    );
  }
  return new Opened(cell, fields.get('name') ?? undefined, fields);
}

function noHandle(kind: string, handle: unknown): InvalidTypeError {
  return new InvalidTypeError(
    `${kind}: can't open ${inspect(handle)}, a handle is a string; pass another object's .handle`,
  );
}

function malformed(kind: string, handle: string): HandleError {
  const shown = handle.length > 60 ? `${handle.slice(0, 60)}…` : handle;
  return new HandleError(
    `${kind}: can't open ${JSON.stringify(shown)}, it is not a handle of Lockstep's; pass another object's .handle`,
  );
}
