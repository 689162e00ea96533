/**
 * Tries one thing in a fresh process and prints how it went: `tries <attempt> [name]`.
 * The outcome is `{ "done": … }` or the error's name, code, message and cause's code.
 */

import fs, { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Lock, Semaphore, SharedArray, SharedMemory, Value } from 'lockstep';

const [, , attempt = '', name = 'tried'] = process.argv;

const ATTEMPTS: Record<string, () => unknown> = {
  anonymous: () => {
    const lock = new Lock();
    lock.acquireSync().release();
    return lock.locked;
  },
  /** As a user without rights. */
  'as-nobody': () => {
    process.setuid?.(65_534);
    return new Lock().locked;
  },
  named: () => {
    const lock = new Lock({ name });
    lock.acquireSync().release();
    return lock.locked;
  },
  /**
   * Between Lockstep's look at the folder `name` and what follows, somebody puts one there that is
   * open to everybody.
   */
  swapped: () => {
    const { lstatSync } = fs;
    const planted = `${name}-planted`;
    mkdirSync(planted);
    chmodSync(planted, 0o777);
    Object.assign(fs, {
      lstatSync: (path: string, options: fs.StatSyncOptions) => {
        const stats = lstatSync(path, options);
        if (path !== name) return stats;
        Object.assign(fs, { lstatSync });
        syncBuiltinESMExports();
        rmSync(name, { recursive: true });
        renameSync(planted, name);
        return stats;
      },
    });
    syncBuiltinESMExports();
    return new Lock({ name: 'tried' }).locked;
  },
  awaiting: async () => {
    const semaphore = new Semaphore(0, { name });
    setTimeout(() => semaphore.release(), 10);
    await semaphore.acquire();
    return semaphore.value;
  },
  /** The same in each of several namespaces, separated by commas. */
  'awaiting-in': () => {
    return Promise.all(
      name.split(',').map(async (namespace) => {
        try {
          const semaphore = new Semaphore(0, { name: 'tried', namespace });
          setTimeout(() => semaphore.release(), 10);
          await semaphore.acquire();
          return { done: semaphore.value };
        } catch (error) {
          return told(error);
        }
      }),
    );
  },
  /** Uses a named lock in each of several folders, separated by colons. */
  'named-below': () => {
    return name.split(':').map((folder) => {
      process.env.LOCKSTEP_DIR = folder;
      return refusalOf(() => new Lock({ name: 'tried' }).acquireSync().release()) ?? 'done';
    });
  },
  /**
   * Makes locks until it is refused; then those there are still work, and after closing some there
   * is room again.
   */
  fill: () => {
    const locks: Lock[] = [];
    const refusal = refusalOf(() => {
      for (;;) locks.push(new Lock());
    });
    for (const lock of locks.slice(0, 100)) lock.runSync(() => {});
    for (const lock of locks.splice(0, 100)) lock.close();
    const more = Array.from({ length: 100 }, () => new Lock());
    more[99]?.acquireSync();
    return { made: locks.length > 1000, again: more[99]?.locked, refusal };
  },
  value: () => new Value('f64', 1.5).value,
  /** Makes a block of as many bytes as `name` says; then a small array, which must still be had. */
  block: () => {
    const refusal = refusalOf(() => {
      const block = new SharedMemory({ create: true, size: Number(name) });
      new Uint8Array(block.buffer).fill(1);
    });
    return { refusal, sum: [...new SharedArray('u8', [1, 2, 3])].reduce((sum, each) => sum + each) };
  },
};

function refusalOf(body: () => void): unknown {
  try {
    body();
    return undefined;
  } catch (error) {
    return told(error);
  }
}

function told(thrown: unknown): object {
  const error = thrown as Error & { code?: unknown; cause?: { code?: unknown } };
  return { name: error.name, code: error.code, message: error.message, cause: error.cause?.code };
}

try {
  console.log(JSON.stringify({ done: await ATTEMPTS[attempt]?.() }));
} catch (error) {
  console.log(JSON.stringify(told(error)));
}
