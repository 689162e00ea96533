/**
 * Names: which cell a name stands for. There is one small file for each name in the namespace's
 * folder. It is written and read under the kernel's lock on the file `names`, so a program that
 * dies in between leaves either the old file or the new one.
 */

import { closeSync } from 'node:fs';
import { inspect } from 'node:util';
import { load } from '#atomics';
import { now } from '#clock';
import { FolderError, InvalidTypeError, NameError } from '../errors.ts';
import { CELL_GENERATION, CELL_HEADER, kindOf, PHASE_LIVE, phaseOf } from '../memory/layout.ts';
import { platform } from '../platform/current.ts';
import { sleep } from '../sleep.ts';
import type { Namespace } from './namespace.ts';
import { NAME_PREFIX } from './paths.ts';

const LOCK = 'names';
const TEMPORARY = 'names.new';
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

/**
 * Runs `critical` while no other agent of the namespace reads or writes names. *Blocks* while one
 * does.
 */
export function withNames<Result>(namespace: Namespace, critical: () => Result): Result {
  return namespace.whileThere(() => withNamesLocked(namespace, critical));
}

function withNamesLocked<Result>(namespace: Namespace, critical: () => Result): Result {
  const { directory } = namespace;
  const fd = directory.openOrMake(LOCK);
  try {
    const patience = now() + PATIENCE;
    while (!platform.tryLockFile(fd, 'exclusive')) {
      if (now() > patience) {
        throw new FolderError(
          `names "${directory.nameOf(LOCK)}": can't be locked, another program has held it for ${PATIENCE} ms; end or resume that program`,
        );
      }
      sleep(1);
    }
    return critical();
  } finally {
    closeSync(fd);
  }
}

/** The live cell that the name stands for. Call within `withNames`. */
export function lookUp(namespace: Namespace, name: string): NamedCell | undefined {
  const text = namespace.directory.read(NAME_PREFIX + name)?.toString('utf8');
  if (text === undefined) return undefined;
  const [cell = 0, generation = 0] = text.split(' ').map(Number);
  const place = Number.isInteger(cell) ? namespace.arena.find(cell) : undefined;
  if (place === undefined) return undefined;
  const { words, at } = place;
  const header = load(words, at + CELL_HEADER);
  if (phaseOf(header) !== PHASE_LIVE || load(words, at + CELL_GENERATION) !== generation) return undefined;
  return { cell, generation, kind: kindOf(header) };
}

/** The name that stands for the cell, if there is one. */
export function nameOf(namespace: Namespace, cell: number, generation: number): string | undefined {
  if (namespace.directory.isForeign) return undefined;
  return withNames(namespace, () =>
    namesIn(namespace).find((name) => {
      const found = lookUp(namespace, name);
      return found?.cell === cell && found.generation === generation;
    }),
  );
}

/** Makes the name stand for the cell. Call within `withNames`. */
export function register(namespace: Namespace, name: string, cell: number, generation: number): void {
  const { directory } = namespace;
  directory.write(TEMPORARY, `${cell} ${generation}`);
  directory.rename(TEMPORARY, NAME_PREFIX + name);
}

/**
 * Takes the name and the pin away from the object, as `slot`; returns whether the name stood for
 * it. The pin goes first: an agent that dies in between leaves an object that ends with its last
 * user, together with its name.
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

/**
 * Removes the names whose objects are gone, unless an agent is just working with names: they are
 * harmless. Never waits.
 */
export function pruneNames(namespace: Namespace): void {
  // If the program has changed its user, leave them to programs that may reach them.
  const names = namespace.directory.isForeign || namespace.isRemoved ? [] : namesIn(namespace);
  if (names.length === 0) return;
  let fd: number | undefined;
  try {
    fd = namespace.directory.openOrMake(LOCK);
    if (!platform.tryLockFile(fd, 'exclusive')) return;
    for (const name of names) {
      if (lookUp(namespace, name) === undefined) removeName(namespace, name);
    }
  } catch (error) {
    // A program has replaced one of the files: the next look-up of a name reports it. The reaper,
    // which also runs this, has more to do.
    if (!(error instanceof FolderError)) throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Removes one name if its object is gone. */
export function pruneName(namespace: Namespace, name: string): void {
  if (namespace.isRemoved || namespace.directory.isForeign) return;
  withNames(namespace, () => {
    if (lookUp(namespace, name) === undefined) removeName(namespace, name);
  });
}

/** The names in the namespace; none if its folder was removed. */
function namesIn({ directory }: Namespace): string[] {
  return directory.list(NAME_PREFIX).map((file) => file.slice(NAME_PREFIX.length));
}

function removeName(namespace: Namespace, name: string): void {
  namespace.directory.remove(NAME_PREFIX + name);
}
