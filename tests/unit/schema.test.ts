/** Schema: where the fields of a struct lie, and how its text tells two structs apart. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load } from '../support/internals.ts';

const { hashOf, layoutOf, schemaOfText }: typeof import('../../src/shared/schema.ts') =
  await load('shared/schema.js');
const free = (): boolean => false;
const placesOf = (schema: unknown): Record<string, number> =>
  Object.fromEntries(layoutOf(schema, free).fields.map(({ name, offset }) => [name, offset]));

describe('the layout of a record', () => {
  it('aligns each field to its size, and the record to its widest field', () => {
    const schema = { flag: 'u8', number: 'f64', short: 'i16', word: 'i32' };
    assert.deepEqual(placesOf(schema), { flag: 0, number: 8, short: 16, word: 20 });
    const { size, alignment } = layoutOf(schema, free);
    assert.deepEqual([size, alignment], [24, 8]);
  });

  it('puts rows of numbers and text without gaps', () => {
    const schema = { tag: 'char[5]', bytes: 'u8[3]', row: 'i32[2]', last: 'u8' };
    assert.deepEqual(placesOf(schema), { tag: 0, bytes: 5, row: 8, last: 16 });
    assert.equal(layoutOf(schema, free).size, 20);
  });

  it('can be read back from its text, which tells structs apart', () => {
    const schema = { id: 'u32', name: 'char[20]', at: { schema: { x: 'f64', y: 'f64' } } };
    const { text, size } = layoutOf(schema, free);
    const again = layoutOf(schemaOfText(text), free);
    assert.deepEqual([again.text, again.size], [text, size]);
    const other = layoutOf({ ...schema, id: 'i32' }, free);
    assert.notEqual(other.text, text);
    assert.notEqual(hashOf(other.text), hashOf(text));
  });

  it('has a hash of 31 bits that is the same in each program', () => {
    assert.equal(hashOf(''), 0x811c9dc5 & 0x7fffffff);
    assert.equal(hashOf('a'), 0xe40c292c & 0x7fffffff);
  });

  it('refuses what is no schema, unknown types, and names that records have already', () => {
    const INVALID = { code: 'ERR_LOCKSTEP_INVALID_TYPE' };
    for (const schema of [null, [], 'i32', { x: 'i33' }, { x: 5 }, { 'not a name': 'i32' }])
      assert.throws(() => layoutOf(schema, free), INVALID);
    assert.throws(() => layoutOf({ close: 'i32' }, (name) => name === 'close'), INVALID);
  });
});
