/** The text of handles: each written handle can be read, and no other text can. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Lock, openShared } from 'lockstep';
import { load } from '../support/internals.ts';

const { formatHandle }: typeof import('../../src/objects/handle-text.ts') =
  await load('objects/handle-text.js');

describe('a handle', () => {
  const lock = new Lock({ name: 'a name' });
  after(() => lock.close());
  const [, form = '', query = ''] = /^lockstep:(\w+)\?(.*)$/.exec(lock.handle) ?? [];
  const fields = (): URLSearchParams => new URLSearchParams(query);

  it('says the class, the folder, the cell and its generation, and the name', () => {
    assert.equal(form, 'Lock');
    assert.deepEqual([...fields().keys()], ['in', 'cell', 'generation', 'name']);
    assert.equal(fields().get('name'), 'a name');
    assert.equal(formatHandle(form, fields()), lock.handle);
    assert.ok(openShared(formatHandle(form, fields())) instanceof Lock);
  });

  it('is refused with a part that is wrong, missing, there twice or unknown', () => {
    const refused = (change: (text: URLSearchParams) => void, name = form): void => {
      const text = fields();
      change(text);
      assert.throws(() => openShared(formatHandle(name, text)), { code: 'ERR_LOCKSTEP_HANDLE' }, `${text}`);
    };
    for (const part of ['in', 'cell', 'generation']) {
      refused((text) => text.delete(part));
      refused((text) => text.append(part, text.get(part)!));
      for (const wrong of ['', '-1', '1.5', '01', '0x1', '1e3', ' 1', '99999999999999999999'])
        refused((text) => text.set(part, wrong));
    }
    for (const folder of ['tmp', '/tmp', '/dev/shm/../lockstep-0.default', '/dev/shm/lockstep-0.default\0'])
      refused((text) => text.set('in', folder));
    refused((text) => text.set('action', '{}'));
    refused(() => {}, 'Look');
  });
});
