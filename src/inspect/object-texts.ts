/** ObjectTexts: the names and labels of objects, read from the files of their namespace. */

import { readdirSync } from 'node:fs';
import { LABEL_PREFIX, NAME_PREFIX } from '../namespaces/paths.ts';
import { readSmallFile } from './copy.ts';

interface ObjectText {
  readonly cell: number;
  readonly generation: number;
  readonly name: string | null;
  readonly label: string | null;
}

/**
 * The names and labels in the namespace. Each lies in a small file that was renamed into place, so
 * no lock is needed.
 */
export function readTexts(folder: string): ObjectText[] {
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch {
    // The namespace was removed meanwhile.
    return [];
  }
  const texts: ObjectText[] = [];
  for (const file of files) {
    if (file.startsWith(NAME_PREFIX)) {
      const [cell = Number.NaN, generation = Number.NaN] = read(folder, file).trim().split(' ').map(Number);
      texts.push({ cell, generation, name: file.slice(NAME_PREFIX.length), label: null });
    } else if (file.startsWith(LABEL_PREFIX)) {
      const [generation, ...lines] = read(folder, file).split('\n');
      const label = lines.join('\n').trim();
      const cell = Number(file.slice(LABEL_PREFIX.length));
      if (label !== '') texts.push({ cell, generation: Number(generation), name: null, label });
    }
  }
  return texts;
}

/** The beginning of a file; empty if there is none. */
function read(folder: string, file: string): string {
  return readSmallFile(`${folder}/${file}`, 1024) ?? '';
}
