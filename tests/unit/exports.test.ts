/**
 * Exports: the names that each entry point of the package exports, values and types, so that none
 * comes or goes unseen. `exports.json` lists them.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

interface Entry {
  readonly types: string;
}
interface Names {
  readonly classes: readonly string[];
  readonly functions: readonly string[];
  readonly constants: readonly string[];
  readonly types: readonly string[];
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const entries = (JSON.parse(read('package.json')) as { exports: Record<string, Entry | string> }).exports;
const listed = JSON.parse(read('tests/unit/exports.json')) as Record<string, Names>;

const isClass = (value: unknown): boolean => typeof value === 'function' && /^class\b/.test(String(value));
const isError = (name: string): boolean => name.endsWith('Error');

/** The types that a declaration file exports: those that it says to be, interfaces and aliases. */
function typesIn(file: string): string[] {
  const text = read(file).replace(/\/\*[\s\S]*?\*\//g, '');
  const lists = [...text.matchAll(/^export (type )?\{([^}]*)\}(?: from '([^']+)')?;/gm)];
  return lists.flatMap(([, isType, list, from]) => {
    const names = list!.split(',').filter((name) => name !== '');
    const declaring = from === undefined ? text : read(join(dirname(file), from.replace(/\.js$/, '.d.ts')));
    return names.filter(
      (name) => isType !== undefined || new RegExp(`^(?:interface|type) ${name}\\b`, 'm').test(declaring),
    );
  });
}

describe('the package', () => {
  it('has the listed entry points', () => {
    const ofCode = Object.keys(entries).filter((path) => path !== './package.json');
    assert.deepEqual(
      ofCode.map((path) => path.replace(/^\./, 'lockstep')).sort(),
      Object.keys(listed).sort(),
    );
  });
});

for (const [name, names] of Object.entries(listed)) {
  describe(name, () => {
    it('exports the listed classes, functions and constants, and errors with a code', async () => {
      const found = Object.entries((await import(name)) as Record<string, unknown>);
      const others = found.filter(([each]) => !isError(each));
      const named = (wanted: (value: unknown) => boolean): string[] =>
        others.flatMap(([each, value]) => (wanted(value) ? [each] : [])).sort();
      assert.deepEqual(named(isClass), names.classes);
      assert.deepEqual(
        named((value) => typeof value === 'function' && !isClass(value)),
        names.functions,
      );
      assert.deepEqual(
        named((value) => typeof value !== 'function'),
        names.constants,
      );
      const errors = found.filter(([each]) => isError(each));
      // Every entry point but the one for observers exports all errors.
      assert.equal(errors.length > 10, name !== 'lockstep/inspect', `${errors.length} errors`);
      for (const [each, value] of errors) {
        assert.ok(isClass(value), each);
        assert.equal((value as { name: string }).name, each);
        assert.ok((value as { prototype: unknown }).prototype instanceof Error, each);
      }
    });

    it('exports the listed types', () => {
      const { types } = entries[name.replace(/^lockstep/, '.')] as Entry;
      assert.deepEqual([...new Set(typesIn(types))].sort(), names.types);
    });
  });
}
