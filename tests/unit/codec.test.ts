/** Codec: values as bytes, without a queue around it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load } from '../support/internals.ts';

const { Encoder, FOREIGN, OVERFLOW }: typeof import('../../src/codec/encoder.ts') =
  await load('codec/encoder.js');
const { Decoder, MalformedError }: typeof import('../../src/codec/decoder.ts') =
  await load('codec/decoder.js');
const { FORMAT }: typeof import('../../src/codec/format.ts') = await load('codec/format.js');

const ROOM = 1 << 16;
const START = 3;

function coder(): {
  encoder: InstanceType<typeof Encoder>;
  decoder: InstanceType<typeof Decoder>;
  buffer: Buffer;
} {
  const buffer = Buffer.alloc(ROOM);
  const [encoder, decoder] = [new Encoder(), new Decoder()];
  encoder.aim(buffer);
  decoder.aim(buffer);
  return { encoder, decoder, buffer };
}

const SAMPLES: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  127,
  128,
  -1,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  0.1,
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  0n,
  -(3n ** 60n),
  '',
  'a'.repeat(31),
  'b'.repeat(33),
  'ä日本\ud800',
  [],
  [1, [2, ['three']]],
  Array.from({ length: 40 }, (_, n) => n),
  { a: 1, b: { c: null } },
  Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, n])),
  new Date(7),
];

describe('the codec', () => {
  it('gives back what it was given, and reads exactly what it wrote', () => {
    const { encoder, decoder } = coder();
    for (const value of SAMPLES) {
      const end = encoder.encode(value, START, ROOM);
      assert.ok(end > START, String(value));
      assert.deepEqual(decoder.decode(START, end, encoder.format === FORMAT.REPEATING), value);
      assert.throws(() => decoder.decode(START, START, false), MalformedError);
    }
  });

  it('keeps one object one, and a cycle closed', () => {
    const { encoder, decoder } = coder();
    const twice = { n: 1 };
    const value: { one: object; two: object; self?: object } = { one: twice, two: twice };
    value.self = value;
    const end = encoder.encode(value, 0, ROOM);
    assert.equal(encoder.format, FORMAT.REPEATING);
    const again = decoder.decode(0, end, true) as typeof value;
    assert.equal(again.one, again.two);
    assert.equal(again.self, again);
  });

  it('says that there is no room, at every limit, and writes nothing beyond it', () => {
    const { encoder, buffer } = coder();
    for (const value of [300, 'a'.repeat(20), { x: 1, y: [2, 3] }, [1.5, 2.5], 12n]) {
      const end = encoder.encode(value, 0, ROOM);
      for (let limit = 0; limit < end; limit++) {
        buffer.fill(0xee);
        assert.equal(encoder.encode(value, 0, limit), OVERFLOW, `${String(value)} in ${limit}`);
        assert.ok(buffer.subarray(limit, limit + 16).every((byte) => byte === 0xee));
      }
      // It may ask for the room that the longest number takes.
      assert.equal(encoder.encode(value, 0, end + 9), end);
    }
  });

  it('leaves to structured clone what it has no bytes for', () => {
    const { encoder } = coder();
    for (const value of [new Map(), new Set([1]), /a/, [new Map()]]) {
      assert.equal(encoder.encode(value, 0, ROOM), FOREIGN);
    }
  });

  it('refuses bytes that make no sense, wherever they are cut or changed', () => {
    const { encoder, decoder, buffer } = coder();
    const value = { name: 'x'.repeat(10), list: [1, 2.5, 'three', { deep: true }], big: 5n };
    const end = encoder.encode(value, 0, ROOM);
    const bytes = Buffer.from(buffer.subarray(0, end));
    for (let cut = 0; cut < end; cut++)
      assert.throws(() => decoder.decode(0, cut, false), MalformedError, `cut at ${cut}`);
    for (let at = 0; at < end; at++) {
      for (const byte of [0, 0x7f, 0x80, 0xff]) {
        bytes.copy(buffer);
        buffer[at] = byte;
        try {
          decoder.decode(0, end, false);
        } catch (error) {
          assert.ok(error instanceof MalformedError, `${byte} at ${at}: ${String(error)}`);
        }
      }
    }
  });
});
