/** Imports: which file of the source imports which, of types, too. */

import { readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

/** Files of a folder, as paths relative to it, with what each imports of them. */
export type Imports = ReadonlyMap<string, readonly string[]>;

const COMMENT = /\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*$/gm;
/** `import`, `export … from`, dynamic imports, and types written as `import('…')`. */
const SPECIFIER = /\b(?:from|import)\s*\(?\s*(['"])(\.{1,2}\/[^'"\n]+)\1/g;

/** The relative paths that the text of a file imports. */
export function specifiersIn(text: string): string[] {
  return [...text.replace(COMMENT, '').matchAll(SPECIFIER)].map(([, , specifier]) => specifier!);
}

/**
 * The imports between `files`, which are full paths below `folder`. Throws where one leads to no
 * file of them.
 */
export function importsBetween(folder: string, files: readonly string[]): Imports {
  const names = files.map((file) => relative(folder, file));
  return new Map(
    names.map((name) => {
      const found = specifiersIn(readFileSync(join(folder, name), 'utf8')).map((specifier) =>
        normalize(join(dirname(name), specifier)),
      );
      const missing = found.find((each) => !names.includes(each));
      if (missing !== undefined) throw new Error(`${name} imports ${missing}, which is not there`);
      return [name, [...new Set(found)]];
    }),
  );
}

/** A circle of imports, from a file back to it; none: `undefined`. */
export function circleIn(imports: Imports): string[] | undefined {
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): string[] | undefined => {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    if (done.has(file)) return undefined;
    for (const next of imports.get(file) ?? []) {
      const circle = walk(next, [...path, file]);
      if (circle !== undefined) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const circle = walk(file, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
