/** The inspector's list of kinds is that of the library. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { root } from '../docs/markdown.ts';

type Listed = { readonly number: number; readonly name: string; readonly classOf?: object };

async function load<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(join(root, 'build/src', path)).href)) as Module;
}

test('every kind of object has its number and its name', async () => {
  const library = await load<{ KINDS: readonly Listed[] }>('kinds/all.js');
  const inspector = await load<{ KINDS: ReadonlyMap<number, { name: string }> }>('inspect/kinds.js');
  // Cells that are no objects, and second classes of the same objects, are left out.
  const objects = library.KINDS.filter(({ number, classOf }) => number > 2 && classOf === undefined);
  assert.ok(objects.length > 0);
  assert.deepEqual(
    [...inspector.KINDS]
      .map(([number, { name }]) => [number, name])
      .sort(([a], [b]) => Number(a) - Number(b)),
    objects.map(({ number, name }) => [number, name]).sort(([a], [b]) => Number(a) - Number(b)),
  );
});
