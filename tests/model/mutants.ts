/** Mutants: the library with one thing broken on purpose, which the checker has to find. */

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

export interface Mutant {
  readonly name: string;
  /** File of the compiled source, and what is replaced in it. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The scenario that has to find it. */
  readonly primitive: string;
  readonly scenario: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a lock’s waiter does not look again when its mark was not set',
    file: 'sync/raw-lock.js',
    from: 'if (marked === state || cas(words, at + CELL_STATE, state, marked) === state)\n                return false;\n        }\n    }\n    abandon()',
    to: 'cas(words, at + CELL_STATE, state, marked);\n            return false;\n        }\n    }\n    abandon()',
    primitive: 'Lock',
    scenario: 'two block',
  },
  {
    name: 'a release clears the waiters mark before it has looked for waiters',
    file: 'sync/raw-lock.js',
    from: 'const next = quiet ? open : open | WOKEN_BIT;',
    to: 'const next = quiet ? open : 0;',
    primitive: 'Lock',
    scenario: 'three block',
  },
  {
    name: 'the reaper wakes nobody',
    file: 'agents/reaper.js',
    from: '    wakeEverybody(waker);\n    return true;',
    to: '    return true;',
    primitive: 'Lock',
    scenario: 'two block, one dies',
  },
];

const shipped = new URL('../../../dist/', import.meta.url);
const folder = new URL('../../mutants/', import.meta.url);

/** Makes a copy of the library with the mutation. Returns its folder. */
export function makeMutant({ file, from, to }: Mutant): URL {
  const copy = new URL(`${process.pid}-${Date.now()}/`, folder);
  cpSync(shipped, copy, { recursive: true });
  const path = new URL(file, copy);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold just once: ${from}`);
  writeFileSync(path, source.replace(from, to));
  return copy;
}

export function removeMutant(copy: URL): void {
  rmSync(copy, { recursive: true, force: true });
}
