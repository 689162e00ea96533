/** Names that can't be used, or not for that. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Lock,
  type ObjectOptions,
  RawArray,
  RawValue,
  ShareableList,
  SharedArray,
  Value,
} from 'lockstep';
import { listing, sandbox } from '../support/sandbox.ts';
import { MAKERS, type Maker } from './makers.ts';

const { SharedMemory: _, ...makers } = MAKERS;

const NAMES: Record<string, unknown> = {
  'is empty': '',
  'contains a slash': 'orders/invoices',
  'leads out of the folder': '../../etc/passwd',
  'is absolute': '/etc/passwd',
  'contains a NUL': 'in\0voices',
  'has 300 characters': 'n'.repeat(300),
  'has 150 characters of two bytes': 'é'.repeat(150),
};
const NAMESPACES: Record<string, unknown> = {
  ...NAMES,
  'is a dot': '.',
  'is two dots': '..',
  'contains a blank': 'my orders',
};
const NO_STRINGS: unknown[] = [5, null, true, {}, Object.create(null), ['a'], Symbol('a'), () => 'a'];

for (const [kind, make] of Object.entries<Maker>(makers)) {
  describe(`${kind}: a name`, () => {
    const refuses = (options: unknown, code: string): void => {
      const before = listing(sandbox).sort();
      assert.throws(
        () => make(options as ObjectOptions),
        (error: Error & { code?: unknown }) => {
          assert.equal(error.code, code, String(error));
          return error instanceof (code === 'ERR_LOCKSTEP_INVALID_TYPE' ? TypeError : Error);
        },
      );
      assert.deepEqual(listing(sandbox).sort(), before);
    };

    for (const [what, name] of Object.entries(NAMES)) {
      it(`that ${what} is refused`, () => refuses({ name }, 'ERR_LOCKSTEP_NAME'));
    }
    for (const [what, namespace] of Object.entries(NAMESPACES)) {
      it(`in a namespace that ${what} is refused`, () =>
        refuses({ name: 'a', namespace }, 'ERR_LOCKSTEP_NAME'));
    }
    it('that is not a string is a TypeError', () => {
      for (const value of NO_STRINGS) {
        refuses({ name: value }, 'ERR_LOCKSTEP_INVALID_TYPE');
        refuses({ name: 'a', namespace: value }, 'ERR_LOCKSTEP_INVALID_TYPE');
      }
    });
    it('given as options that are no object is a TypeError', () => {
      for (const options of ['invoices', 5, true, null, () => {}])
        refuses(options, 'ERR_LOCKSTEP_INVALID_TYPE');
    });
  });
}

const [lock, otherLock] = [new Lock(), new Lock()];
/** Objects of one name that are not the same: one and another. */
const UNLIKE: Record<string, (() => { close(): void })[]> = {
  BoundedSemaphore: [2, 3].map((limit) => () => new BoundedSemaphore(limit, { name: 'unlike' })),
  Barrier: [2, 3].map((parties) => () => new Barrier(parties, { name: 'unlike' })),
  Condition: [lock, otherLock].map((guard) => () => new Condition(guard, { name: 'unlike' })),
  RawArray: [2, 3].map((length) => () => new RawArray('u8', length, { name: 'unlike' })),
  RawValue: (['u8', 'u16'] as const).map((type) => () => new RawValue(type, 0, { name: 'unlike' })),
  ShareableList: [[1], [1, 2]].map((values) => () => new ShareableList(values, { name: 'unlike' })),
  SharedArray: [2, 3].map((length) => () => new SharedArray('u8', length, { name: 'unlike' })),
  Value: [lock, otherLock].map((guard) => () => new Value('u8', 0, { name: 'unlike', lock: guard })),
};

for (const [kind, [make, makeOther]] of Object.entries(UNLIKE)) {
  it(`a ${kind} that is not the one of its name is refused, and does not keep that one open`, () => {
    const object = make!();
    const code = /^ERR_LOCKSTEP_(NAME_TAKEN|INVALID_TYPE)$/;
    assert.throws(makeOther!, (error: { code?: string }) => code.test(error.code ?? ''));
    object.close();
    makeOther!().close();
  });
}
