/** The files behind shared objects, to be damaged. */

import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The data of the object. */
export function fileOf({ handle }: { handle: string }): string {
  const fields = new URLSearchParams(handle.slice(handle.indexOf('?') + 1));
  return join(String(fields.get('in')), `data-${fields.get('cell')}-${fields.get('generation')}`);
}

/** Writes words from byte `at` on. */
export function overwrite(file: string, at: number, ...words: number[]): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, new Uint8Array(Int32Array.from(words).buffer), 0, words.length * 4, at);
  closeSync(fd);
}
