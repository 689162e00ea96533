/** Pools and their tasks, as `why`, `ps`, `ls` and `show` have them. */

import assert from 'node:assert/strict';
import { closeSync, copyFileSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { Event, Lock, Pool, ThreadPool } from 'lockstep';
import type { Inspection, NamespaceSnapshot, PoolSnapshot } from 'lockstep/inspect';
import { explain, findStuck, inspectNamespace, takeSnapshot } from 'lockstep/inspect';
import { Random } from '../soak/random.ts';
import { rejection } from '../support/pools.ts';
import { sandbox } from '../support/sandbox.ts';
import { until } from '../support/until.ts';
import { lockstep, withoutTimes } from './commands.ts';
import { awaitInVain, blockTask, brief, die, neverSettle, spin, takeBriefly } from './members.ts';

const NOBODY = 'Nothing keeps anybody waiting.\n';

function inspect(): Inspection {
  return inspectNamespace(undefined, { least: 0 });
}

function why(): string {
  return withoutTimes(inspect().why);
}

function poolOf({ namespaces }: { namespaces: readonly NamespaceSnapshot[] }, name: string): PoolSnapshot {
  const found = namespaces.flatMap(({ pools }) => pools).find((pool) => pool.name === name);
  assert.ok(found !== undefined, `pool ${name} is seen`);
  return found;
}

/** What each worker of the pool runs. */
function tasksOf(name: string): string[] {
  return poolOf(inspect(), name)
    .workers.flatMap(({ tasks }) => tasks.map((task) => task.function))
    .sort();
}

async function untilTasks(name: string, ...functions: string[]): Promise<void> {
  await until(
    () => JSON.stringify(tasksOf(name)) === JSON.stringify(functions),
    `pool ${name} runs ${functions}`,
  );
}

for (const kind of ['Pool', 'ThreadPool'] as const) {
  const make = (name: string, count: number, concurrency = 1): Pool | ThreadPool =>
    kind === 'Pool'
      ? new Pool({ name, processes: count, concurrency })
      : new ThreadPool({ name, threads: count, concurrency });

  test(`${kind}: tasks that never end are told by pool, function and worker`, async () => {
    const name = `hung ${kind}`;
    const pool = make(name, 2);
    const title = `${kind} "${name}"`;
    try {
      const failed = rejection(pool.map(spin, [1, 2, 3]));
      await untilTasks(name, 'spin', 'spin');
      // The workers load the function's module before they run it.
      let text = '';
      const look = (): boolean => {
        text = why();
        return [...text.matchAll(/, which is busy\n/g)].length === 2;
      };
      await until(look, 'both are busy');
      assert.match(text, kind === 'Pool' ? /node inspect -p \d+, then pause and bt\./ : /chrome:\/\/inspect/);
      assert.ok(text.startsWith('No deadlock. These pools are at work:\n'), text);
      assert.ok(
        text.includes(`\n${title} of MainProcess (${process.pid}, pools.test.js): 2 tasks run, `),
        text,
      );
      assert.match(text, /: 2 tasks run, the longest for T; 1 waits\.\n/);
      assert.match(text, /\n \|- spin T in PoolWorker-\d \(\d+[^)]*\), which is /);
      assert.match(text, /\n Calls: map of spin, 0 of 3 items done\.\n/);
      assert.doesNotMatch(text, /Queue|items done:|task of/);
      const processes = lockstep('ps');
      assert.match(processes, new RegExp(` PoolWorker-1 ${title} private to pid \\d+ runs spin, \\w+ T\n`));
      assert.match(processes, new RegExp(` awaits: ${title} T\n`));
      assert.match(lockstep('ls'), new RegExp(` ${title} 2 tasks run, 1 waits, 2 workers T\n`));
      const shown = lockstep('show', name);
      assert.match(shown, /\n state 2 tasks run, 1 waits, 2 workers\n/);
      assert.match(shown, /\n calls map of spin, 0 of 3 items done\n/);
      assert.match(shown, /\n PoolWorker-\d \(\d+[^)]*\) spin T \w+\n/);
      assert.ok(lockstep('why', name).includes('\nNo deadlock. These pools are at work:\n'));
      assert.ok(lockstep('why', String(process.pid)).includes(` and awaits ${title}.\n`));
      await pool.terminate();
      assert.equal((await failed).name, 'ClosedError');
    } finally {
      await pool.terminate();
    }
    assert.equal(inspect().namespaces.flatMap(({ pools }) => pools).length, 0);
  });

  test(`${kind}: idle workers keep nobody waiting`, async () => {
    const name = `idle ${kind}`;
    const pool = make(name, 2);
    try {
      await pool.ready;
      assert.equal(await pool.apply(brief, [1]), 1);
      await until(() => why() === NOBODY, 'the pool is at rest');
      assert.equal(lockstep('why', '--all'), NOBODY);
      assert.equal([...lockstep('ps').matchAll(/ waits for a task\n/g)].length, 2);
      assert.match(lockstep('ls'), new RegExp(` ${kind} "${name}" idle, 2 workers\n`));
      assert.doesNotMatch(lockstep('ls'), /Queue/);
    } finally {
      await pool.terminate();
    }
  });

  test(`${kind}: a worker's awaiting tasks are told together`, async () => {
    const name = `many ${kind}`;
    const pool = make(name, 1, 3);
    try {
      const failed = [1, 2, 3, 4].map((item) => rejection(pool.apply(awaitInVain, [item])));
      await untilTasks(name, 'awaitInVain', 'awaitInVain', 'awaitInVain');
      await until(() => /, which is idle in its event loop\n/.test(why()), 'the worker is idle');
      assert.match(why(), /: 3 tasks run, the longest for T; 1 waits\.\n `- awaitInVain and 2 more T in /);
      assert.match(why(), /\n Where a worker is idle, its code awaits something: /);
      assert.match(lockstep('ps'), / runs awaitInVain and 2 more, idle T\n/);
      await pool.terminate();
      await Promise.all(failed);
    } finally {
      await pool.terminate();
    }
  });
}

test('a program that holds the lock that a task of its pool waits for may be in a deadlock', async () => {
  const pool = new Pool({ name: 'circle', processes: 1 });
  const lock = new Lock({ label: 'wanted' });
  const hold = lock.acquireSync();
  try {
    const done = pool.apply(takeBriefly, [lock]);
    await until(
      () => /They wait for each other: \d+ awaits Pool "circle", in which PoolWorker-1 /.test(why()),
      'the circle',
    );
    assert.match(why(), / runs takeBriefly\.\n It is a deadlock unless other code of the event loop of /);
    assert.doesNotMatch(why(), /If it awaits the end/);
    hold.release();
    await done;
    await until(() => why() === NOBODY, 'the pool is at rest');
  } finally {
    lock.close();
    await pool.terminate();
  }
});

test('a worker that is blocked in a task is shown with the function and what blocks it', async () => {
  const pool = new Pool({ name: 'blocked', processes: 1 });
  const event = new Event({ label: 'go' });
  try {
    const done = pool.apply(blockTask, [event]);
    await until(() => / in PoolWorker-1 \(\d+\), which is blocked for Event /.test(why()), 'it is blocked');
    assert.match(lockstep('ps'), / runs blockTask, blocked: Event #\d+ \(go\) T\n/);
    assert.match(lockstep('show', 'blocked'), / blockTask T blocked: Event #\d+ \(go\)\n/);
    assert.match(lockstep('why', '--stacks', '--all'), /at blockTask \(/);
    event.set();
    await done;
  } finally {
    event.close();
    await pool.terminate();
  }
});

test('a task that no worker can take is told with its stopped worker', async () => {
  const pool = new Pool({ name: 'stopped', processes: 1 });
  try {
    await pool.ready;
    const [{ pid = 0 } = {}] = poolOf(inspect(), 'stopped').workers;
    process.kill(pid, 'SIGSTOP');
    const done = pool.apply(brief, [1]);
    await until(() => /which is stopped/.test(why()), 'it is stopped');
    assert.match(
      why(),
      /: 1 task waits for a worker, for T\.\n `- no task T?in PoolWorker-1 \(\d+\), which is stopped \(SIGSTOP\)\n To let it go on: kill -CONT \d+\n/,
    );
    assert.match(lockstep('ps'), / stopped, waits for a task\n/);
    process.kill(pid, 'SIGCONT');
    assert.equal(await done, 1);
  } finally {
    await pool.terminate();
  }
});

test('an initializer that never ends is named', async () => {
  const pool = new Pool({ name: 'starting', processes: 1, initializer: awaitInVain });
  try {
    const failed = rejection(pool.apply(brief, [1]));
    const text =
      /: 1 task waits for a worker, for T; 1 worker starts\.\n `- initializer awaitInVain T in PoolW/;
    await until(() => text.test(why()), 'the initializer is named');
    assert.match(lockstep('ps'), / initializer awaitInVain, (idle|busy) T\n/);
    await pool.terminate();
    await failed;
  } finally {
    await pool.terminate();
  }
});

test('a pool in its own thread, and one without a name, are told', async () => {
  const here = new Pool({ processes: 0 });
  try {
    const failed = rejection(here.apply(neverSettle, []));
    await until(() => / neverSettle T in MainProcess \(\d+\)/.test(why()), 'its task runs');
    assert.match(why(), /\nPool #\d+ of MainProcess \(\d+, [^)]*\): 1 task runs, for T\.\n/);
    await here.terminate();
    await failed;
  } finally {
    await here.terminate();
  }
});

test('long names are cut, and names can neither move the cursor nor hide', async () => {
  const long = 'é'.repeat(300);
  const pools = [new Pool({ name: long, processes: 1 }), new Pool({ name: 'a\u001b[2J\n', processes: 1 })];
  try {
    const failed = pools.map((pool) => rejection(pool.apply(awaitInVain, [])));
    await until(() => [...why().matchAll(/awaitInVain T in/g)].length === 2, 'both run');
    assert.match(why(), /\nPool "é{20,100}" of MainProcess/);
    assert.match(why(), /\nPool "a\\u001b\[2J\\n" of MainProcess/);
    for (const pool of pools) await pool.terminate();
    await Promise.all(failed);
  } finally {
    for (const pool of pools) await pool.terminate();
  }
});

test('what is read while tasks run and workers die is never more than there is', async () => {
  const pool = new Pool({ name: 'stormy', processes: 2, statistics: false });
  const known = ['brief', 'die', 'spin'];
  let over = false;
  try {
    await pool.ready;
    const work = (async () => {
      for (let round = 0; round < 4; round++) {
        const deaths = rejection(pool.apply(die, []));
        await pool.map(
          brief,
          Array.from({ length: 2000 }, (_, item) => item),
        );
        assert.equal((await deaths).name, 'WorkerDiedError');
      }
      over = true;
    })();
    let looks = 0;
    while (!over) {
      const pool = poolOf(inspect(), 'stormy');
      looks++;
      assert.ok(pool.workers.length <= 2, 'no more workers than there are');
      const tasks = pool.workers.flatMap(({ tasks }) => tasks);
      assert.ok(tasks.length <= pool.workers.length, 'no more tasks than workers');
      for (const task of tasks) {
        assert.ok(known.includes(task.function), task.function);
        assert.ok(task.lasted < 600_000, `${task.lasted} ms`);
      }
      for (const { what, total, done } of pool.calls) {
        assert.deepEqual([what, total], ['map', 2000]);
        assert.ok(done >= 0 && done <= 2000, `${done} of 2000`);
      }
      await new Promise((resolve) => void setImmediate(resolve));
    }
    await work;
    assert.ok(looks > 1);
    await until(() => why() === NOBODY, 'the pool is at rest, and no task of a dead worker is left');
    assert.deepEqual(poolOf(inspect(), 'stormy').calls, []);
  } finally {
    await pool.terminate();
  }
});

test('a damaged task table is told, and is no more than that', async () => {
  const pool = new Pool({ name: 'damaged', processes: 1 });
  const copy = `${sandbox}/lockstep-${process.geteuid!()}.damaged-${process.pid}`;
  try {
    const failed = rejection(pool.apply(spin, []));
    await untilTasks('damaged', 'spin');
    const namespace = inspect().namespaces.find(({ pools }) => pools.length > 0)!;
    const { cell } = poolOf(inspect(), 'damaged');
    const { generation } = namespace.objects.find((object) => object.cell === cell)!;
    mkdirSync(copy, { mode: 0o700 });
    for (const file of readdirSync(namespace.folder).filter((each) => /^(control|cells|data)/.test(each)))
      copyFileSync(`${namespace.folder}/${file}`, `${copy}/${file}`);
    const table = `${copy}/data-${cell}-${generation}`;
    const look = (): NamespaceSnapshot => takeSnapshot({ folders: [copy] }).namespaces[0]!;
    assert.equal(poolOf({ namespaces: [look()] }, 'damaged').workers.length, 1);
    const fd = openSync(table, 'r+');
    const random = new Random(7, 0);
    for (let round = 0; round < 300; round++) {
      // The header, the workers, and the first slots; the magic number stays.
      const word = 1 + random.below(160 + 64 + 64);
      const value = random.below(2) === 0 ? random.below(2 ** 31) : -random.below(100);
      writeSync(fd, Int32Array.of(value), 0, 4, word * 4);
      const snapshot = takeSnapshot({ folders: [copy] });
      assert.equal(typeof explain(findStuck(snapshot, { least: 0 }), { least: 0, all: true }), 'string');
    }
    // More slots than a table has.
    writeSync(fd, Int32Array.of(0x7fff_ffff), 0, 4, 4);
    closeSync(fd);
    assert.deepEqual(look().problems, [`the task table of the pool in cell ${cell} is damaged`]);
    assert.deepEqual(look().pools, []);
    await pool.terminate();
    await failed;
  } finally {
    rmSync(copy, { recursive: true, force: true });
    await pool.terminate();
  }
});
