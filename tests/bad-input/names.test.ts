/** Names that can't be used. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  type ObjectOptions,
  RLock,
  Semaphore,
  Value,
} from 'lockstep';
import { listing, sandbox } from '../support/sandbox.ts';

const MAKERS: Record<string, (options: ObjectOptions) => unknown> = {
  Lock: (options) => new Lock(options),
  RLock: (options) => new RLock(options),
  Semaphore: (options) => new Semaphore(1, options),
  BoundedSemaphore: (options) => new BoundedSemaphore(1, options),
  Condition: (options) => new Condition(undefined, options),
  Event: (options) => new Event(options),
  Barrier: (options) => new Barrier(2, options),
  Value: (options) => new Value('i32', 0, options),
};

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

for (const [kind, make] of Object.entries(MAKERS)) {
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
    it('that is no string is a TypeError', () => {
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
