/**
 * Names: which cell a name stands for. One small file a name in the namespace's folder, written and read under the kernel's
 * lock on the file `names`, so a program that dies in between leaves either the old file or the new one.
 */

import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { inspect } from 'node:util';
import { load } from '#atomics';
import { FolderError, InvalidTypeError, NameError } from '../errors.ts';
import { CELL_GENERATION, CELL_HEADER, kindOf, PHASE_LIVE, phaseOf } from '../memory/layout.ts';
import { platform } from '../platform/current.ts';
import { FILE_MODE, withRoom } from '../platform/room.ts';
import type { Namespace } from './namespace.ts';

const PREFIX = 'name-';
const MAX_NAME_BYTES = 200;
/** Milliseconds to wait for another program that is opening a name. */
const PATIENCE = 10_000;

export interface NamedCell {
  readonly cell: number;
  readonly generation: number;
  readonly kind: number;
}

/** Throws `InvalidTypeError` or `NameError` unless the value can be an object's name. */
export function checkName(name: unknown): asserts name is string {
  if (typeof name !== 'string') {
    throw new InvalidTypeError(
      `name: refused, ${inspect(name)} is not a string; pass e.g. { name: "invoices" }`,
    );
  }
  const bytes = Buffer.byteLength(name);
  const shown = JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
  if (bytes === 0 || bytes > MAX_NAME_BYTES) {
    throw new NameError(`name ${shown}: refused, it has ${bytes} bytes; a name has 1 to ${MAX_NAME_BYTES}`);
  }
  if (name.includes('/') || name.includes('\0')) {
    throw new NameError(
      `name ${shown}: refused, it contains a slash or a NUL; use another separator, such as "." or ":"`,
    );
  }
}

/** Runs `critical` while no other agent of the namespace reads or writes names. *Blocks* while one does. */
export function withNames<Result>(namespace: Namespace, critical: () => Result): Result {
  return namespace.whileThere(() => withNamesLocked(namespace, critical));
}

function withNamesLocked<Result>(namespace: Namespace, critical: () => Result): Result {
  const path = `${namespace.folder}/names`;
  const fd = withRoom(path, () => openSync(path, 'a', FILE_MODE));
  try {
    const patience = performance.now() + PATIENCE;
    while (!platform.tryLockFile(fd, 'exclusive')) {
      if (performance.now() > patience) {
        throw new FolderError(
          `names "${path}": can't be locked, another program has held it for ${PATIENCE} ms; end or resume that program`,
        );
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
    return critical();
  } finally {
    closeSync(fd);
  }
}

/** The live cell that the name stands for. Call within `withNames`. */
export function lookUp(namespace: Namespace, name: string): NamedCell | undefined {
  let text: string;
  try {
    text = readFileSync(`${namespace.folder}/${PREFIX}${name}`, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const [cell = 0, generation = 0] = text.split(' ').map(Number);
  if (!(cell >= 1 && cell <= namespace.arena.bump)) return undefined;
  const { words, at } = namespace.arena.place(cell);
  const header = load(words, at + CELL_HEADER);
  if (phaseOf(header) !== PHASE_LIVE || load(words, at + CELL_GENERATION) !== generation) return undefined;
  return { cell, generation, kind: kindOf(header) };
}

/** The name that stands for the cell, if there is one. */
export function nameOf(namespace: Namespace, cell: number, generation: number): string | undefined {
  return withNames(namespace, () =>
    namesIn(namespace).find((name) => {
      const found = lookUp(namespace, name);
      return found?.cell === cell && found.generation === generation;
    }),
  );
}

/** Makes the name stand for the cell. Call within `withNames`. */
export function register(namespace: Namespace, name: string, cell: number, generation: number): void {
  const path = `${namespace.folder}/${PREFIX}${name}`;
  const temporary = `${namespace.folder}/names.new`;
  withRoom(path, () => writeFileSync(temporary, `${cell} ${generation}`, { mode: FILE_MODE }));
  renameSync(temporary, path);
}

/**
 * Takes the name and the pin away from the object, as `slot`; returns whether the name stood for it. The pin goes first: whoever dies in
 * between leaves an object that goes with its last user, and its name with it.
 */
export function unlinkName(
  namespace: Namespace,
  name: string,
  { cell, generation }: Omit<NamedCell, 'kind'>,
  slot: number,
): boolean {
  return withNames(namespace, () => {
    const found = lookUp(namespace, name);
    if (found?.cell !== cell || found.generation !== generation) return false;
    const { arena } = namespace;
    arena.unpin(arena.place(cell), slot);
    removeName(namespace, name);
    return true;
  });
}

/** Removes the names whose objects are gone, unless somebody is just working with names: they are harmless. Never waits. */
export function pruneNames(namespace: Namespace): void {
  const names = namesIn(namespace);
  if (names.length === 0) return;
  const fd = withRoom(namespace.folder, () => openSync(`${namespace.folder}/names`, 'a', FILE_MODE));
  try {
    if (!platform.tryLockFile(fd, 'exclusive')) return;
    for (const name of names) {
      if (lookUp(namespace, name) === undefined) removeName(namespace, name);
    }
  } finally {
    closeSync(fd);
  }
}

/** Removes one name if its object is gone. */
export function pruneName(namespace: Namespace, name: string): void {
  if (namespace.isRemoved) return;
  withNames(namespace, () => {
    if (lookUp(namespace, name) === undefined) removeName(namespace, name);
  });
}

/** The names in the namespace; none if somebody has removed its folder, where there may be another one by now. */
function namesIn({ folder, isRemoved }: Namespace): string[] {
  if (isRemoved || !existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.startsWith(PREFIX))
    .map((file) => file.slice(PREFIX.length));
}

function removeName(namespace: Namespace, name: string): void {
  try {
    unlinkSync(`${namespace.folder}/${PREFIX}${name}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
