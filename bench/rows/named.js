// @ts-check
/**
 * A lock that unrelated programs find by its name, taken and let go while nobody else wants it: ns
 * a pair. Lockstep blocks (`acquireSync`); proper-lockfile is shown in its usual form
 * (`await lock`) and in its blocking one.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lock } from 'lockstep';
import lockfile from 'proper-lockfile';
import { nanosecondsEach, nanosecondsEachAsync, pairsOf } from '../clock.js';
import { OURS } from '../figures.js';

const PAIRS = 5_000_000;
const FILE_PAIRS = 200;

export function prepare() {
  const lock = new Lock({ name: 'bench', namespace: `bench-${process.pid}` });
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
  const file = join(folder, 'guarded');
  writeFileSync(file, '');
  return [
    {
      name: OURS,
      measure: () => pairsOf(lock, PAIRS),
      close: () => lock.close(),
    },
    {
      name: 'proper-lockfile lock',
      measure: () =>
        nanosecondsEachAsync(FILE_PAIRS, async () => {
          for (let i = 0; i < FILE_PAIRS; i++) {
            const release = await lockfile.lock(file);
            await release();
          }
        }),
    },
    {
      name: 'proper-lockfile lockSync',
      measure: () =>
        nanosecondsEach(FILE_PAIRS, () => {
          for (let i = 0; i < FILE_PAIRS; i++) lockfile.lockSync(file)();
        }),
      close: () => rmSync(folder, { recursive: true }),
    },
  ];
}
