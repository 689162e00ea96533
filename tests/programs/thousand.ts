/**
 * A thousand awaits on one object, with a thread pool of one thread (UV_THREADPOOL_SIZE=1) that has
 * to stay free.
 */

import { readFile } from 'node:fs/promises';
import { Lock, Semaphore } from 'lockstep';

const lock = new Lock();
const hold = await lock.acquire();
let passed = 0;
let inside = 0;
let most = 0;
const all = Array.from({ length: 1000 }, () =>
  lock.run(async () => {
    most = Math.max(most, ++inside);
    await null;
    inside--;
    passed++;
  }),
);
const semaphore = new Semaphore(0);
const others = Array.from({ length: 1000 }, () => semaphore.acquire());
const text = await readFile(new URL(import.meta.url), 'utf8');
const meanwhile = { waiting: lock.describe().waiting, passed, read: text.length > 0 };
hold.release();
semaphore.release(1000);
await Promise.all([...all, ...others]);
console.log(JSON.stringify({ meanwhile, passed, most, left: [lock.locked, semaphore.value] }));
