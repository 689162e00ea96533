// @ts-check
/**
 * Makes a million Locks and looks how much the files in Lockstep's folder have grown by: bytes of a Lock. Every one of
 * them is then held at once, and one is let go, to see that they are a million different locks.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OURS } from '../figures.js';
import { c } from '../peers.js';

const LOCKS = 1_000_000;

/** What the files of a folder take, in allocated blocks: sparse parts cost nothing. @param {string} folder */
function bytesIn(folder) {
  let bytes = 0;
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const { blocks } = statSync(join(folder, path));
    bytes += blocks * 512;
  }
  return bytes;
}

export async function prepare() {
  const folder = mkdtempSync(
    join(readdirSync('/dev').includes('shm') ? '/dev/shm' : tmpdir(), 'lockstep-bench-'),
  );
  process.env.LOCKSTEP_DIR = folder; // before the import: nobody else's files are counted
  const { Lock } = await import('lockstep');
  const first = new Lock();
  return [
    {
      name: OURS,
      cold: true,
      measure() {
        const before = bytesIn(folder);
        const locks = Array.from({ length: LOCKS }, () => new Lock());
        const bytes = bytesIn(folder) - before;
        for (const lock of locks) lock.acquireSync();
        locks[LOCKS / 2]?.release();
        const free = locks.filter((lock) => !lock.locked).length;
        if (free !== 1 || first.locked)
          throw new Error(`one of ${LOCKS} held locks was released, ${free} are free`);
        return bytes / LOCKS;
      },
    },
    {
      ...c('C pthread_mutex_t', 'size'),
      close: () => process.once('exit', () => rmSync(folder, { recursive: true, force: true })),
    },
  ];
}
