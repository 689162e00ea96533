/**
 * The living, the dead, and those that only lost a file: seen at once, without a timer, and with
 * nothing thrown where nobody can catch it.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { FolderError, Lock } from 'lockstep';
import { Program, run } from '../support/programs.ts';
import { sandbox } from '../support/sandbox.ts';
import { HANG_MS, until, untilWaiting } from '../support/until.ts';

/** Milliseconds over which wake-ups are counted. */
const MEASURED = 2000;
/** Wake-ups a second are at most these; V8 may have a few of its own. */
const AWAITING = 2;
const BLOCKED = 4;
const MOST_LOOKS = 10;
/** Times that no file of this machine has. */
const LONG_AGO = 1_000_000;
const NAMED = new URL('../programs/named-lock.js', import.meta.url);

let namespaces = 0;

/** A namespace of its own, with the lock `held` in it. */
function place(): { namespace: string; folder: string; lock: Lock } {
  const namespace = `lives-${++namespaces}`;
  const lock = new Lock({ name: 'held', namespace });
  return { namespace, folder: `${sandbox}/lockstep-${process.geteuid?.()}.${namespace}`, lock };
}

/** A program that holds the lock `held` of that namespace, and does so until it is killed. */
async function holder(namespace: string, within: readonly string[] = []): Promise<Program> {
  const program = new Program('named-lock', { args: ['held', namespace, 'hold'], within });
  await until(() => program.stdout.includes('acquired'), 'a program to hold the lock');
  return program;
}

async function kill(program: Program): Promise<void> {
  program.kill('SIGKILL');
  await program.ended;
}

interface Lookout {
  readonly timer: unknown;
  readonly watches: ReadonlyMap<number, unknown>;
}

/** The lookout of this process in the lock's namespace: its waits by the clock and by watching. */
function lookoutOf(lock: Lock): Lookout {
  const { agent } = Reflect.get(lock, 'cell') as { agent: object };
  return Reflect.get(agent, 'lookout') as Lookout;
}

/**
 * Resolves once this process has no timer in that namespace, so that only the kernel can tell it of
 * a death.
 */
async function untilQuiet(lock: Lock): Promise<void> {
  await until(() => lookoutOf(lock).timer === undefined, 'the waiter to have no timer');
}

/**
 * Wake-ups a second of the program's main thread, over a while in which there are as few as that.
 * Whoever looks at intervals has no such while; V8 and a loaded machine have others.
 */
async function fewestWakeUps(pid: number, limit: number): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let look = 0; look < MOST_LOOKS && fewest > limit; look++) {
    const before = wakeUps(pid);
    await sleep(MEASURED);
    fewest = Math.min(fewest, ((wakeUps(pid) - before) * 1000) / MEASURED);
  }
  return fewest;
}

function wakeUps(pid: number): number {
  const status = readFileSync(`/proc/${pid}/task/${pid}/status`, 'utf8');
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
}

/** Removes a folder in which programs may just be making files, as a cleaner does: again. */
async function removeInUse(folder: string): Promise<void> {
  const isGone = (): boolean => {
    try {
      rmSync(folder, { recursive: true, force: true });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
      return false;
    }
  };
  await until(isGone, 'the folder to be gone');
}

function removeLives(folder: string): void {
  for (const file of readdirSync(folder)) if (file.startsWith('agent-')) rmSync(`${folder}/${file}`);
}

describe('lives', { concurrency: true, timeout: HANG_MS }, () => {
  it('the death of a stranger is seen by an awaiting call that has no timer', async () => {
    const { namespace, lock } = place();
    const first = await holder(namespace);
    const hold = lock.acquire();
    await untilQuiet(lock);
    await kill(first);
    assert.equal((await hold).recovered, true);
    lock.close();
  });

  it('the end of a thread is seen by an awaiting call that has no timer', async () => {
    const { namespace, lock } = place();
    const worker = new Worker(NAMED, { argv: ['held', namespace, 'hold'], stdout: true });
    await once(worker.stdout, 'data');
    const hold = lock.acquire();
    await untilQuiet(lock);
    await worker.terminate();
    assert.equal((await hold).recovered, true);
    lock.close();
  });

  it('who opens the object while another waits for it is watched, too', async () => {
    const { namespace, lock } = place();
    const first = await holder(namespace);
    const hold = lock.acquire();
    await untilQuiet(lock);
    assert.equal(lookoutOf(lock).watches.size, 1);
    const second = new Program('idles', { args: [namespace, 'awaits'] });
    await until(() => lookoutOf(lock).watches.size === 2, 'the waiter to watch the newcomer');
    await untilQuiet(lock);
    await kill(second);
    await kill(first);
    assert.equal((await hold).recovered, true);
    lock.close();
  });

  it('a holder that is stopped is not taken for dead', async () => {
    const { namespace, lock } = place();
    const first = await holder(namespace);
    first.kill('SIGSTOP');
    assert.equal(await lock.acquire({ timeout: 300 }), null);
    assert.equal(lock.locked, true);
    await kill(first);
    assert.equal((await lock.acquire()).recovered, true);
    lock.close();
  });

  it('who awaits is not woken while nothing happens, and who blocks twice a second', async () => {
    const { namespace, lock } = place();
    lock.acquireSync();
    const programs = ['awaits', 'blocks'].map((how) => {
      const own = how === 'awaits' ? namespace : `${namespace}-blocks`;
      return {
        how,
        own,
        held: new Lock({ name: 'held', namespace: own }),
        program: undefined as Program | undefined,
      };
    });
    programs[1]!.held.acquireSync();
    const rates = await Promise.all(
      programs.map(async (each) => {
        each.program = new Program('idles', { args: [each.own, each.how] });
        await untilWaiting(each.held, 1);
        const { pid } = each.program.child;
        // Past the first moments, in which it looks more often.
        await sleep(MEASURED / 2);
        return await fewestWakeUps(pid!, each.how === 'awaits' ? AWAITING : BLOCKED);
      }),
    );
    for (const { held } of programs) held.release();
    for (const { program } of programs) assert.equal((await program!.ended).stdout, 'waiting\ntaken\n');
    assert.ok(rates[0]! <= AWAITING, `${rates[0]} wake-ups a second while it awaits`);
    assert.ok(rates[1]! <= BLOCKED, `${rates[1]} wake-ups a second while it is blocked`);
    for (const { held } of programs) held.close();
  });

  it('a missing agent file makes nobody look dead, and the death of its owner is seen', async () => {
    const { namespace, folder, lock } = place();
    const first = await holder(namespace);
    removeLives(folder);
    const blocked = new Program('idles', { args: [namespace, 'blocks'] });
    await untilWaiting(lock, 1);
    assert.equal(await lock.acquire({ timeout: 1200 }), null);
    assert.equal(lock.owner?.pid, first.child.pid);
    await kill(first);
    assert.equal((await blocked.ended).stdout, 'waiting\nrecovered\n');
    lock.close();
  });

  it('a folder that is removed ends every wait in it with a code, and refuses what needs files', async () => {
    const { namespace, folder, lock } = place();
    const first = await holder(namespace);
    const waiters = ['awaits', 'blocks'].map((how) => new Program('idles', { args: [namespace, how] }));
    const own = lock.acquire();
    await untilWaiting(lock, 3);
    await removeInUse(folder);
    await assert.rejects(own, { code: 'ERR_LOCKSTEP_FOLDER' });
    for (const { ended } of waiters) assert.equal((await ended).stdout, 'waiting\nERR_LOCKSTEP_FOLDER\n');
    await assert.rejects(lock.acquire(), (error: Error) => {
      assert.match(error.message, /RemoveIPC.*LOCKSTEP_DIR/s);
      return error instanceof FolderError;
    });
    await assert.rejects(lock.acquire({ timeout: 1 }), FolderError);
    assert.throws(() => lock.acquireSync({ timeout: 1 }), FolderError);
    assert.throws(() => new Lock({ name: 'another', namespace }), FolderError);
    // The programs that were inside don't matter to those that have made the folder again.
    const newcomer = await holder(namespace);
    await kill(first);
    lock.close();
    assert.ok(readdirSync(folder).includes('name-held'));
    await kill(newcomer);
    // The next program would sweep what it has left.
    rmSync(folder, { recursive: true });
  });

  it('nothing is thrown from timers, and a release is heard, where no descriptor is left', async () => {
    const { stdout, stderr } = await run('no-descriptors', {
      within: ['sh', '-c', 'ulimit -n 128; exec "$@"', 'sh'],
    });
    assert.deepEqual(
      { ...JSON.parse(stdout || '{}'), stderr },
      { full: 'EMFILE', released: 'released', acquired: true, uncaught: [], stderr: '' },
    );
  });

  it('a queue of large items is closed where no descriptor is left', async () => {
    const { stdout, stderr } = await run('closes-without-descriptors', {
      within: ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh'],
    });
    assert.deepEqual([stdout, stderr], ['EMFILE closed\n', '']);
  });

  it('cleaners find files that are marked to be left alone, and that are young', () => {
    const { folder, lock } = place();
    const files = readdirSync(folder).map((file) => `${folder}/${file}`);
    assert.deepEqual(
      files.filter((file) => (statSync(file).mode & 0o1777) !== 0o1600),
      [],
    );
    for (const file of files) {
      utimesSync(file, LONG_AGO, LONG_AGO);
      // A mode that was changed by others is no reason to fail.
      chmodSync(file, 0o600);
    }
    const { agent } = Reflect.get(lock, 'cell') as { agent: { namespace: { keepYoung(): void } } };
    agent.namespace.keepYoung();
    assert.deepEqual(
      files.filter((file) => statSync(file).mtimeMs < LONG_AGO * 2000),
      [],
    );
    lock.close();
  });
});
