/** The list of kinds: each number and each name stands for one kind, and all of them are found. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Lock, openShared, RawValue, Value } from 'lockstep';
import { forgetKind, KINDS, registry } from '../support/unknown-kinds.ts';

const { defineClassOf, defineKind, kindNamed, kindNumbered, listKinds } = registry;

describe('the list of kinds', () => {
  after(() => listKinds(KINDS));

  it('finds each kind by its number and each class by its name', () => {
    for (const kind of KINDS) {
      assert.equal(kindNamed(kind.name), kind);
      assert.equal(kindNumbered(kind.number), kind.classOf ?? kind);
    }
    assert.equal(kindNumbered(63), undefined);
  });

  it('refuses a number that another kind has, a name that another has, and a number out of range', () => {
    const first = defineKind({ number: 60, name: 'First' });
    assert.throws(
      () => listKinds([...KINDS, first, defineKind({ number: 60, name: 'Second' })]),
      /same number 60/,
    );
    assert.throws(
      () => listKinds([...KINDS, first, defineKind({ number: 61, name: 'First' })]),
      /same name First/,
    );
    for (const number of [0, 64, 1.5]) {
      assert.throws(() => defineKind({ number, name: 'Odd' }), /can be 1 to 63/);
    }
  });

  it('lets a second class stand for the objects of a kind', () => {
    const first = defineKind({ number: 60, name: 'First', serial: true });
    const second = defineClassOf(first, { name: 'Second' });
    listKinds([...KINDS, first, second]);
    assert.equal(kindNumbered(60), first);
    assert.deepEqual([second.number, second.serial, kindNamed('Second')], [60, true, second]);
    using raw = new RawValue('u8', 7);
    using opened = openShared(raw.handle);
    assert.ok(opened instanceof RawValue);
    assert.throws(() => Value.open(raw.handle), /handle of a RawValue/);
  });

  it('opens no handle of a class that is not listed', () => {
    using lock = new Lock();
    forgetKind('Lock');
    assert.throws(() => openShared(lock.handle), { code: 'ERR_LOCKSTEP_HANDLE' });
    listKinds(KINDS);
    openShared(lock.handle).close();
  });
});
