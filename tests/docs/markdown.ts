/** The repository's pages, as the tests of this folder read them. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root: string = fileURLToPath(new URL('../../../', import.meta.url));

const NOT_OURS = new Set(['node_modules', 'dist', 'build', 'coverage', '.git']);

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/**
 * Paths of all files below `folder` (by default the repository) for which `wanted` holds, relative
 * to the repository.
 */
export function filesBelow(folder: string, wanted: (path: string) => boolean): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : filesBelow(path, wanted);
    return wanted(path) ? [path] : [];
  });
}

/** Names of the folders directly in `folder`, but for hidden and made ones. */
export function foldersIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !NOT_OURS.has(entry.name) && !entry.name.startsWith('.'))
    .map(({ name }) => name);
}

export interface Table {
  /** The heading above. */
  readonly heading: string;
  readonly columns: readonly string[];
  /** Cells as they are written, without the blanks around them. */
  readonly rows: readonly (readonly string[])[];
}

export interface Block {
  readonly language: string;
  readonly text: string;
}

const FENCE = /^```(\w*)$/;

/** The fenced code blocks of a page. */
export function blocksOf(page: string): Block[] {
  const parts = page.split(/^```/m);
  // Outside, inside, outside, …: every second part is a block, beginning with its language.
  return parts
    .filter((_, index) => index % 2 === 1)
    .map((part) => {
      const end = part.indexOf('\n');
      return { language: part.slice(0, end), text: part.slice(end + 1) };
    });
}

/** The page's lines without those of code blocks. */
export function proseOf(page: string): string[] {
  let inside = false;
  return page.split('\n').filter((line) => {
    if (!FENCE.test(line)) return !inside;
    inside = !inside;
    return false;
  });
}

export function tablesOf(page: string): Table[] {
  const tables: { heading: string; columns: string[]; rows: string[][] }[] = [];
  let heading = '';
  let open = false;
  for (const line of proseOf(page)) {
    if (line.startsWith('#')) heading = line.replace(/^#+\s*/, '');
    if (!line.startsWith('|')) {
      open = false;
      continue;
    }
    const cells = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    if (!open) tables.push({ heading, columns: cells, rows: [] });
    else if (!/^-+$/.test(cells[0]!)) tables.at(-1)!.rows.push(cells);
    open = true;
  }
  return tables;
}

/** Texts between backticks. */
export function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}
