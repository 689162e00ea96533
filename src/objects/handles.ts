/**
 * Handles: strings that stand for shared objects,
 * `lockstep:<class>?in=<folder>&cell=…&generation=…`.
 *
 * A handle may come from anybody: it names an object and nothing else. Opening one loads no code,
 * and what it says is checked before anything is looked up by it: see docs/internals/trust.md.
 */

import { inspect } from 'node:util';
import type { Kind } from '../agents/kinds.ts';
import { kindNamed } from '../agents/kinds.ts';
import { agentInFolder } from '../agents/membership.ts';
import { HandleError, InvalidTypeError, StaleHandleError } from '../errors.ts';
import { cellsBelow, MAX_SEGMENTS } from '../memory/layout.ts';
import { checkName } from '../namespaces/names.ts';
import { Opened } from './opened.ts';
import type { SharedObject } from './shared-object.ts';

const HANDLE_FORM = /^lockstep:([A-Za-z]+)\?(.+)$/s;
/** The most characters of a handle: more than the longest schema needs. */
const LONGEST = 1 << 20;
const LONGEST_FOLDER = 4096;
const NUMBER_FORM = /^(0|[1-9]\d{0,9})$/;
/** The last part of a namespace's path: see folder.ts. */
const FOLDER_FORM = /^lockstep-\d+[.~][A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;
const PARTS = ['in', 'cell', 'generation', 'name'];
const MOST_CELLS: number = cellsBelow(MAX_SEGMENTS);
const MOST_GENERATIONS = 0x7fffffff;

/** Opens the object that the handle stands for, whatever its class. */
export function openShared(handle: string): SharedObject {
  if (typeof handle !== 'string') throw noHandle('object', handle);
  const name = (handle.length <= LONGEST && HANDLE_FORM.exec(handle)?.[1]) || '';
  const open = kindNamed(name)?.open;
  if (open === undefined) throw malformed('object', handle);
  return open(handle) as SharedObject;
}

/**
 * The cell that a handle stands for. `parts`: the parts of this class's handles beyond those of all
 * handles. Throws `HandleError` or `StaleHandleError`.
 */
export function openHandle(type: Kind, handle: string, parts: readonly string[] = []): Opened {
  if (typeof handle !== 'string') {
    throw noHandle(type.name, handle);
  }
  const [, className, query] = (handle.length <= LONGEST && HANDLE_FORM.exec(handle)) || [];
  if (className === undefined || query === undefined) throw malformed(type.name, handle);
  if (className !== type.name) {
    throw new HandleError(
      `${type.name}: can't open a handle of a ${className.slice(0, 60)}; use ${className.slice(0, 60)}.open(handle)`,
    );
  }
  const fields = new URLSearchParams(query);
  checkParts(type.name, fields, [...PARTS, ...parts]);
  const folder = fields.get('in') ?? '';
  const number = numberIn(fields.get('cell'), 1, MOST_CELLS);
  const generation = numberIn(fields.get('generation'), 0, MOST_GENERATIONS);
  if (!isFolder(folder) || number === undefined || generation === undefined)
    throw malformed(type.name, handle);
  const name = fields.get('name') ?? undefined;
  if (name !== undefined) checkName(name);
  const cell = agentInFolder(folder).open(type, number, generation);
  if (cell === undefined) {
    throw new StaleHandleError(
      `${type.name}: can't open the handle, its object no longer exists; keep the object open somewhere while handles are in use`,
    );
  }
  return new Opened(cell, name, fields);
}

/**
 * Throws `HandleError` where the handle says something that handles of the class do not say, or
 * says something twice.
 */
function checkParts(kind: string, fields: URLSearchParams, known: readonly string[]): void {
  const seen = new Set<string>();
  for (const part of fields.keys()) {
    if (known.includes(part) && !seen.has(part)) {
      seen.add(part);
      continue;
    }
    const what = `a part ${JSON.stringify(part.slice(0, 60))}${seen.has(part) ? ' twice' : ''}`;
    throw new HandleError(
      `${kind}: can't open the handle, it has ${what}, and a handle names an object and nothing else; ` +
        "pass another object's .handle as it is",
    );
  }
}

function numberIn(text: string | null, least: number, most: number): number | undefined {
  if (text === null || !NUMBER_FORM.test(text)) return undefined;
  const number = Number(text);
  return number >= least && number <= most ? number : undefined;
}

/** Whether the path can be that of a namespace. Its contents are checked on entering. */
function isFolder(path: string): boolean {
  if (!path.startsWith('/') || path.length > LONGEST_FOLDER || path.includes('\0')) return false;
  const steps = path.split('/');
  return FOLDER_FORM.test(steps.at(-1)!) && !steps.includes('..') && !steps.includes('.');
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
