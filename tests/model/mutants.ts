/** Mutants: the library with one thing broken on purpose, which the model has to find. */

import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

export interface Mutant {
  /** The fault, as a sentence. */
  readonly name: string;
  /** File of the compiled source, and what is replaced in it: it has to be there just once. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The scenario that has to find it, and the text of its violation. */
  readonly primitive: string;
  readonly scenario: string;
  readonly preemptions: number;
  readonly finds: RegExp;
}

/** The model's text about actors that wait needlessly. */
export const FOR_EVER: RegExp = /wait\(s\) forever/;

const shipped = new URL('../../../build/src/', import.meta.url);
const mutants = new URL('../../mutants/', import.meta.url);

/** Makes another library with the mutation, beside the tests. Returns its folder. */
export function makeMutant({ file, from, to }: Mutant): URL {
  const path = new URL(file, shipped);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold just once: ${from}`);
  const copy = new URL(`${process.pid}-${copies++}/`, mutants);
  for (const entry of ['', ...readdirSync(shipped, { recursive: true, encoding: 'utf8' })]) {
    const [here, there] = [new URL(entry, shipped), new URL(entry, copy)];
    if (!entry.includes('.')) mkdirSync(there, { recursive: true });
    // A link is made ten times as fast as a copy.
    else if (entry.endsWith('.js') && entry !== file) linkSync(here, there);
  }
  writeFileSync(new URL(file, copy), source.replace(from, to), { flag: 'wx' });
  return copy;
}

export function removeMutant(copy: URL): void {
  rmSync(copy, { recursive: true, force: true });
}

let copies = 0;
