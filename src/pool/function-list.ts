/**
 * Function list: the functions that a pool was asked to run, in memory that its workers read. The
 * pool only appends.
 *
 *   list   for each function: u32 bytes, then its reference as JSON
 *
 * A task names its function by the number in the list. A function for which there is no room
 * travels with each task, as JSON.
 */

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { clearTimeout, setTimeout } from '#clock';
import { inPhase } from '../agents/child-context.ts';
import { InvalidTypeError, LayoutError, TargetError } from '../errors.ts';
import type { FunctionReference } from '../functions/resolving.ts';
import { resolveReference } from '../functions/resolving.ts';
import type { Origin } from '../stacks.ts';
import { checkTarget, referenceToTarget } from '../workers/target.ts';
import type { TaskTable } from './task-table.ts';

const LENGTH_BYTES = 4;
/** Milliseconds in which the main module has to be loaded that a pool of this thread imports. */
const MAIN_LOADS = 1000;

/** A function as the pool knows it. */
export interface PoolFunction {
  readonly name: string;
  /** Its number in the list, or its reference as JSON. */
  readonly key: number | string;
  /** The function itself, if the pool was given it. */
  readonly fn: WorkFunction | undefined;
  /** Where it was called, at the latest call of which that is recorded. */
  called: Origin | undefined;
}

/** A function that can be called in a worker. */
export type WorkFunction = (...args: unknown[]) => unknown;

/** The pool's side. */
export class FunctionList {
  private readonly table: TaskTable;
  private readonly memory: Buffer;
  private readonly byFunction = new WeakMap<object, PoolFunction>();
  private readonly byReference = new Map<string, PoolFunction>();
  private readonly byKey = new Map<number | string, PoolFunction>();
  private count = 0;
  /** Bytes in use. The shared word that says so is for the workers: it may be damaged. */
  private used = 0;
  private last: { target: unknown; found: PoolFunction } | undefined;

  constructor(table: TaskTable) {
    this.table = table;
    this.memory = table.functionList();
  }

  /** Throws `InvalidTypeError`, `TargetError`. */
  find(target: unknown, title: string): PoolFunction {
    const { last } = this;
    if (last !== undefined && last.target === target) return last.found;
    const known = typeof target === 'function' ? this.byFunction.get(target) : undefined;
    const found = known ?? this.add(target, title);
    if (typeof target === 'function') this.last = { target, found };
    return found;
  }

  nameOfKey(key: number | string): string | undefined {
    return this.byKey.get(key)?.name;
  }

  /** The function with that key itself, if it was given. */
  ofKey(key: number | string): WorkFunction | undefined {
    return this.byKey.get(key)?.fn;
  }

  private add(target: unknown, title: string): PoolFunction {
    if (target === undefined) {
      throw new InvalidTypeError(`${title}: refused, there is no function; pass one that its module exports`);
    }
    checkTarget(title, target);
    const reference = referenceToTarget(target, title, false);
    const json = JSON.stringify(reference);
    let found = this.byReference.get(json);
    if (found === undefined) {
      const fn = typeof target === 'function' ? (target as WorkFunction) : undefined;
      found = { name: reference.export, key: this.append(json), fn, called: undefined };
      this.byReference.set(json, found);
      this.byKey.set(found.key, found);
    }
    if (typeof target === 'function') this.byFunction.set(target, found);
    return found;
  }

  private append(json: string): number | string {
    const { memory, table, used: at } = this;
    const bytes = Buffer.byteLength(json);
    if (at + LENGTH_BYTES + bytes > memory.length) return json;
    memory.writeUInt32LE(bytes, at);
    memory.write(json, at + LENGTH_BYTES);
    this.used = at + LENGTH_BYTES + bytes;
    table.functionBytes = this.used;
    return this.count++;
  }
}

/** The worker's side. */
export class FunctionReader {
  private readonly table: TaskTable;
  private readonly memory: Buffer;
  private readonly references: string[] = [];
  private readonly loaded = new Map<number | string, WorkFunction>();
  private read = 0;
  private readonly local: FunctionList | undefined;

  /** @param local the pool of this same thread: its functions need no import */
  constructor(table: TaskTable, local?: FunctionList) {
    this.table = table;
    this.local = local;
    this.memory = table.functionList();
  }

  /** The function, if it was called before, or needs no import. */
  known(key: number | string): WorkFunction | undefined {
    return this.loaded.get(key) ?? this.local?.ofKey(key);
  }

  /** Imports the function's module. Throws `TargetError`, `LayoutError`. */
  async load(key: number | string): Promise<WorkFunction> {
    const reference = JSON.parse(typeof key === 'string' ? key : this.referenceAt(key)) as FunctionReference;
    const found = await inPhase('importing', () =>
      this.local === undefined ? resolveReference(reference) : resolveHere(reference),
    );
    this.loaded.set(key, found);
    return found;
  }

  nameOf(key: number | string): string {
    const name = this.local?.nameOfKey(key);
    if (name !== undefined) return name;
    const json = typeof key === 'string' ? key : (this.references[key] ?? '{}');
    return (JSON.parse(json) as Partial<FunctionReference>).export ?? '';
  }

  private referenceAt(number: number): string {
    const { memory, references } = this;
    // OBSERVE function -> list
    const end = Math.min(this.table.functionBytes, memory.length);
    while (this.read + LENGTH_BYTES <= end) {
      const bytes = memory.readUInt32LE(this.read);
      if (this.read + LENGTH_BYTES + bytes > end) break;
      references.push(memory.toString('utf8', this.read + LENGTH_BYTES, this.read + LENGTH_BYTES + bytes));
      this.read += LENGTH_BYTES + bytes;
    }
    const found = references[number];
    if (found !== undefined) return found;
    throw new LayoutError(
      `Pool: a task names function ${number}, and its list has ${references.length}; its memory is damaged, make the pool again`,
    );
  }
}

/**
 * Imports a module in the pool's own thread. The program's main module may be awaiting this task at
 * its top level; then its import would never end.
 */
async function resolveHere(reference: FunctionReference): Promise<WorkFunction> {
  const [, main] = process.argv;
  const loading = resolveReference(reference) as Promise<WorkFunction>;
  if (main === undefined || !isModule(reference.module, main)) return await loading;
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(stillLoading(reference)), MAIN_LOADS);
  });
  try {
    return await Promise.race([loading, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

function isModule(module: string, path: string): boolean {
  try {
    return module.startsWith('file:') && realpathSync(fileURLToPath(module)) === realpathSync(path);
  } catch {
    // The import reports a module that is not a file.
    return false;
  }
}

function stillLoading({ module, export: name }: FunctionReference): TargetError {
  return new TargetError(
    `target "${name}" of ${module}: can't be imported, it is the main module, which has not been loaded for ${MAIN_LOADS} ms; ` +
      'it may be awaiting this very call at its top level: pass the function itself, or make the call in a function that it does not await',
  );
}
