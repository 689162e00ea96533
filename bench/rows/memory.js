// @ts-check
/**
 * Makes a million Locks. Lockstep's folder grows by whole files. So the bytes of one Lock are
 * counted between the first growth and the last, when every byte so far was in use. Then all are
 * held at once, and one is let go, to see that they are a million different locks.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OURS } from '../figures.js';
import { c } from '../peers.js';

const LOCKS = 1_000_000;

/** The allocated blocks of a folder's files, in bytes. @param {string} folder */
function bytesIn(folder) {
  let bytes = 0;
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    bytes += statSync(join(folder, path)).blocks * 512;
  }
  return bytes;
}

export async function prepare() {
  const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lockstep-bench-'));
  process.env.LOCKSTEP_DIR = base; // before the import: nobody else's files are counted
  const { Lock } = await import('lockstep');

  function measure() {
    const locks = [new Lock()];
    const namespace = join(base, readdirSync(base)[0] ?? '');
    /**
     * How many locks there were when the folder got another file, and the bytes before and after.
     */
    const growths = [];
    let bytes = bytesIn(namespace);
    let changed = statSync(namespace).mtimeMs;
    while (locks.length < LOCKS) {
      locks.push(new Lock());
      const { mtimeMs } = statSync(namespace);
      if (mtimeMs === changed) continue;
      changed = mtimeMs;
      const before = bytes;
      bytes = bytesIn(namespace);
      growths.push({ locks: locks.length, before, after: bytes });
    }
    mustBeDistinct(locks);
    const [first, last] = [growths.at(0), growths.at(-1)];
    if (!first || !last || first === last)
      throw new Error(`a million locks grew the folder ${growths.length} times`);
    return Math.round((last.before - first.before) / (last.locks - first.locks));
  }

  const tidy = () => rmSync(base, { recursive: true, force: true });
  return [
    { name: OURS, cold: true, measure, close: () => process.once('exit', tidy) },
    c('C pthread_mutex_t', 'size'),
  ];
}

/** @param {import('lockstep').Lock[]} locks */
function mustBeDistinct(locks) {
  for (const lock of locks) lock.acquireSync();
  locks[LOCKS / 2]?.release();
  const free = locks.filter((lock) => !lock.locked).length;
  if (free !== 1) throw new Error(`of ${LOCKS} held locks one was released, and ${free} are free`);
}
