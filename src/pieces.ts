/**
 * Pieces: parts of the library that a program loads when it first needs them. Only the bundles use
 * this file (scripts/bundle): unbundled, every module simply imports the others.
 *
 * The chunk that every program loads has a *shell* for each class, function and kind of a piece
 * that is used from outside of it. A shell of a class is the class that programs see, before and
 * after. Its constructor makes objects of the piece's class, and the piece gives it all its members
 * when it is loaded. Whatever asks the shell for a member before that loads the piece.
 *
 * A piece is a function of the chunk's names in a CommonJS file. So `require` loads it within a
 * constructor, where nothing can be awaited, and it imports nothing, so that no loader makes a
 * second copy of the library's state.
 */

import { readFileSync } from 'node:fs';
import { StateError } from './errors.ts';
import { CODE_ROOT, libraryRequire } from './package-root.ts';

type Names = Readonly<Record<string, unknown>>;
type Piece = (chunk: Names, get: (piece: string) => Names) => Names;
// biome-ignore lint/complexity/noBannedTypes: of any class.
type Class = Function & { prototype: object };
type Build = (args: unknown[], newTarget: Class) => object;

/** The pieces of one bundle. */
export class Pieces {
  /** Where each is, below the folder of the code. */
  readonly #files: Readonly<Record<string, string>>;
  #names: () => Names = () => ({});
  readonly #given = new Map<string, Piece>();
  readonly #loaded = new Map<string, Names>();

  constructor(files: Readonly<Record<string, string>>) {
    this.#files = files;
  }

  /** Sets the parts that the pieces take from the chunk. */
  offer(names: () => Names): void {
    this.#names = names;
  }

  /** The parts of the chunk that the pieces use. */
  get names(): Names {
    return this.#names();
  }

  /** Gives the functions of all pieces, in a program's own bundle: no file is to be looked for. */
  give(pieces: Readonly<Record<string, Piece>>): void {
    for (const [name, piece] of Object.entries(pieces)) this.#given.set(name, piece);
  }

  /** The exports of the piece. Loads it, if it is not loaded. */
  get(name: string): Names {
    const loaded = this.#loaded.get(name);
    if (loaded !== undefined) return loaded;
    const exports = this.#function(name)(this.#names(), (other) => this.get(other));
    this.#loaded.set(name, exports);
    return exports;
  }

  /** Whether the piece could be loaded. */
  tries(name: string): boolean {
    try {
      this.get(name);
      return true;
    } catch {
      return false;
    }
  }

  #function(name: string): Piece {
    const given = this.#given.get(name);
    if (given !== undefined) return given;
    const url = new URL(this.#files[name] as string, CODE_ROOT);
    try {
      const path = process.getBuiltinModule('node:url').fileURLToPath(url);
      const found = libraryRequire()(path) as Piece;
      if (found instanceof Function) return found;
      // A test runner gives its tests globals of their own. The piece must have the chunk's.
      return new Function('module', `${readFileSync(path, 'utf8')}\nreturn module.exports;`)({}) as Piece;
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      const remedy =
        code === 'EMFILE' || code === 'ENFILE'
          ? 'raise the limit of open files (ulimit -n), or start fewer processes and threads at a time'
          : 'start the program again if the package was reinstalled while it ran, and keep lockstep out of bundles';
      throw new StateError(`lockstep: can't load its own file ${url.href} (${message}); ${remedy}`, {
        cause,
      });
    }
  }
}

const implement = new WeakMap<Class, (implementation: Class) => void>();

/** The shell of a class: `declare` makes the class itself, so that it has its name. */
export function shellOf<Shell extends Class>(declare: (build: Build) => Shell, load: () => unknown): Shell {
  let implementation: Class | undefined;
  const shell = declare((args, newTarget) => {
    if (implementation === undefined) load();
    return Reflect.construct(implementation as unknown as Class, args, newTarget) as object;
  });
  Object.setPrototypeOf(shell, pending(shell, load, Function.prototype));
  Object.setPrototypeOf(shell.prototype, pending(shell.prototype, load));
  implement.set(shell, (given) => {
    implementation = given;
  });
  return shell;
}

/**
 * Stands above `object` until the piece is loaded, and loads it when a member is asked for that is
 * none of `known`.
 */
function pending(object: object, load: () => unknown, known?: object): object {
  return new Proxy(Object.create(null) as object, {
    get(_, key, receiver) {
      if (known !== undefined && key in known) return Reflect.get(known, key, receiver) as unknown;
      load();
      return Reflect.get(object, key, receiver) as unknown;
    },
    set(_, key, value, receiver) {
      load();
      return Reflect.set(object, key, value, receiver);
    },
    has(_, key) {
      if (known !== undefined && key in known) return true;
      load();
      return key in object;
    },
    getPrototypeOf() {
      load();
      return Object.getPrototypeOf(object) as object | null;
    },
  });
}

/** Gives the shell all that the piece's class has. Returns the shell. */
export function adoptClass<Shell extends Class>(shell: Shell, implementation: Class): Shell {
  move(implementation.prototype, shell.prototype, ['constructor']);
  move(implementation, shell, ['length', 'name', 'prototype']);
  implement.get(shell)?.(implementation);
  return shell;
}

function move(from: object, to: object, without: readonly PropertyKey[]): void {
  for (const key of Reflect.ownKeys(from)) {
    if (without.includes(key)) continue;
    Object.defineProperty(to, key, Object.getOwnPropertyDescriptor(from, key) as PropertyDescriptor);
  }
  Object.setPrototypeOf(to, Object.getPrototypeOf(from) as object | null);
}

/** Gives an object's shell the members of the piece's object. Returns the shell. */
export function adoptObject<Shell extends object>(shell: Shell, object: object): Shell {
  Reflect.deleteProperty(shell, 'ready');
  return Object.assign(shell, object);
}
