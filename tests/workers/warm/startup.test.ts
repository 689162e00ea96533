/** Differences between a process and one that is started now: the key, row by row. */

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { describe, it } from 'node:test';
import { startupNow, takeoverFor } from '../../../src/workers/process/startup.ts';

/** Whether a spare from before the change may take over after it. */
function canTakeOver(change: () => void, undo: () => void, preloads = false): boolean {
  const before = startupNow(preloads)!;
  change();
  try {
    const now = startupNow(preloads);
    return now !== undefined && takeoverFor(before, now) !== undefined;
  } finally {
    undo();
  }
}

function withVariable(name: string, value: string, preloads = false): boolean {
  return canTakeOver(
    () => {
      process.env[name] = value;
    },
    () => delete process.env[name],
    preloads,
  );
}

function withOption(option: string): boolean {
  return canTakeOver(
    () => process.execArgv.push(option),
    () => process.execArgv.pop(),
  );
}

describe('A spare can’t take over when', () => {
  for (const name of [
    'NODE_EXTRA_CA_CERTS',
    'UV_THREADPOOL_SIZE',
    'LD_LIBRARY_PATH',
    'MALLOC_ARENA_MAX',
    'GLIBC_TUNABLES',
    'SSL_CERT_DIR',
    'OPENSSL_MODULES',
    'ICU_TIMEZONE_FILES_DIR',
    'LANG',
    'LC_ALL',
    'TZDIR',
    'FORCE_COLOR',
    'NO_COLOR',
    'http_proxy',
    'HTTPS_PROXY',
    'LOCKSTEP_CHECK',
  ]) {
    it(`${name} has changed`, () => assert.equal(withVariable(name, 'other'), false));
  }

  it('options of Node have changed', () => assert.equal(withOption('--no-deprecation'), false));

  for (const option of ['--cpu-prof', '--heap_prof', '--inspect=0', '--inspect-brk']) {
    it(`this program runs with ${option}`, () => assert.equal(withOption(option), false));
  }

  it('coverage is taken', () => assert.equal(withVariable('NODE_V8_COVERAGE', '/tmp'), false));

  it('the executable has changed', () => {
    const { execPath } = process;
    const change = (path: string) => () => {
      process.execPath = path;
    };
    assert.equal(canTakeOver(change('/bin/true'), change(execPath)), false);
  });

  it('standard input is another file', () => {
    const change = (path: string) => () => {
      closeSync(0);
      assert.equal(openSync(path, 'r'), 0);
    };
    assert.equal(canTakeOver(change('/dev/zero'), change('/dev/null')), false);
  });

  const root = { skip: process.geteuid?.() !== 0 && 'takes root' };
  const nobody = 65_534;

  it('its user has changed', root, () => {
    const [change, undo] = [nobody, 0].map((id) => () => process.seteuid!(id));
    assert.equal(canTakeOver(change!, undo!), false);
  });

  it('its group has changed', root, () => {
    const before = process.getegid!();
    const [change, undo] = [nobody, before].map((id) => () => process.setegid!(id));
    assert.equal(canTakeOver(change!, undo!), false);
  });

  it('its further groups have changed', root, () => {
    const before = process.getgroups!();
    const [change, undo] = [[...before, nobody], before].map((ids) => () => process.setgroups!(ids));
    assert.equal(canTakeOver(change!, undo!), false);
  });

  it('any variable has changed, and modules were loaded that may have read it', () => {
    assert.equal(withVariable('ANY', 'other', true), false);
    process.execArgv.push('--import=data:text/javascript,');
    try {
      assert.equal(withVariable('ANY', 'other'), false);
    } finally {
      process.execArgv.pop();
    }
  });
});

describe('A spare can take over when', () => {
  it('nothing has changed', () => {
    const nothing = (): void => {};
    assert.equal(canTakeOver(nothing, nothing), true);
    assert.equal(canTakeOver(nothing, nothing, true), true);
  });

  for (const name of ['ANY', 'PATH_TO', 'TZ', 'NODENAME', 'XLANG', 'UVA']) {
    it(`${name} has changed`, () => assert.equal(withVariable(name, 'other'), true));
  }
});

/** Steps that can't be undone come last. */
describe('A spare can’t take over when, in the end,', () => {
  it('the nice value has changed', () => {
    const nothing = (): void => {};
    const before = getPriority();
    assert.equal(
      canTakeOver(() => setPriority(Math.min(before + 1, constants.priority.PRIORITY_LOW)), nothing),
      before === constants.priority.PRIORITY_LOW,
    );
  });
});
