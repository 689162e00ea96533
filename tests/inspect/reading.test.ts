/** Looking changes nothing, survives damage, and finds no deadlock where none is. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Latch,
  Lock,
  Process,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  SharedArray,
  Value,
} from 'lockstep';
import { explain, findStuck, takeSnapshot } from 'lockstep/inspect';
import { root } from '../docs/markdown.ts';
import { Random } from '../soak/random.ts';
import { sandbox } from '../support/sandbox.ts';
import { hammer } from './hammer.ts';

const DEEP = process.env.LOCKSTEP_MODEL === 'deep';
/** Processes that hammer. */
const CREW = DEEP ? 8 : 4;
const SEED = Number(process.env.LOCKSTEP_SEED ?? 1);
const USER = process.geteuid?.() ?? 0;
const COMMAND = join(root, 'dist/cli/lockstep.js');

/** One of each kind, some of them held. */
function oneOfEach(namespace: string): { close(): void }[] {
  const at = { namespace };
  const lock = new Lock({ ...at, name: 'a' });
  lock.acquireSync();
  const permits = new BoundedSemaphore(9, at);
  permits.acquireSync();
  const rwlock = new RWLock(at);
  rwlock.read.acquireSync();
  return [
    lock,
    permits,
    rwlock,
    new RLock(at),
    new Semaphore(2, at),
    new Condition(undefined, at),
    new Event(at),
    new Barrier(3, at),
    new Latch(2, at),
    new Value('i32', 1, at),
    new SharedArray('u8', 10, at),
    new Queue(at),
  ];
}

test('every kind of object is reported, by its name', () => {
  const objects = oneOfEach('each');
  const [namespace] = takeSnapshot({ folders: [`${sandbox}/lockstep-${USER}.each`] }).namespaces;
  assert.ok(namespace !== undefined);
  assert.deepEqual(namespace.problems, []);
  const [agent] = namespace.agents;
  assert.equal(agent?.pid, process.pid);
  assert.equal(agent?.life, 'alive');
  assert.equal(agent?.script, process.argv[1]);
  assert.equal(agent?.tid, process.pid);
  const kinds = new Set(namespace.objects.map(({ kind }) => kind));
  for (const kind of [
    'Lock',
    'RLock',
    'Semaphore',
    'BoundedSemaphore',
    'Condition',
    'Event',
    'Barrier',
    'Latch',
    'RWLock',
    'Value',
    'SharedArray',
    'Queue',
  ])
    assert.ok(kinds.has(kind), kind);
  const held = namespace.objects.filter(({ holders }) => holders.length > 0);
  assert.deepEqual(
    held.map(({ kind, name, holders }) => [kind, name, holders]),
    [
      ['Lock', 'a', [{ slot: 1, as: 'owner', count: 1 }]],
      ['BoundedSemaphore', null, [{ slot: 1, as: 'permit', count: 1 }]],
      ['RWLock', null, [{ slot: 1, as: 'reader', count: 1 }]],
    ],
  );
  for (const object of objects) object.close();
});

test('why, ls, ps and show open everything to read, and lock and map nothing', (t) => {
  if (spawnSync('strace', ['-V']).error !== undefined) {
    t.skip('strace is not installed');
    return;
  }
  const objects = oneOfEach('traced');
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-strace-'));
  for (const args of [['why', '-a'], ['ls', '-a'], ['ps'], ['show', 'a'], ['why', String(process.pid)]]) {
    const log = join(folder, 'log');
    const traced = spawnSync(
      'strace',
      ['-f', '-o', log, '-e', 'trace=%file,%desc', process.execPath, COMMAND, ...args],
      {
        env: { ...process.env, LOCKSTEP_DIR: sandbox, NODE_OPTIONS: undefined },
        encoding: 'utf8',
      },
    );
    assert.ok(traced.status === 0 || traced.status === 1, traced.stderr);
    const lines = readFileSync(log, 'utf8').split('\n');
    const inside = lines.filter((line) => line.includes(sandbox));
    assert.ok(
      inside.some((line) => line.includes('/control"')),
      `${args[0]} reads the namespace`,
    );
    const READS =
      /(open|openat)\(.*O_RDONLY|statx?\(|lstat\(|newfstatat\(|access\(|faccessat2?\(|readlink\(|readlinkat\(|execve\(/;
    assert.deepEqual(
      inside.filter((line) => !READS.test(line)),
      [],
      args[0],
    );
    const locks = lines.filter((line) => /flock\(|F_SETLK|F_OFD_SETLK/.test(line));
    assert.deepEqual(locks, [], args[0]);
    const descriptors = new Set(inside.flatMap((line) => /open(?:at)?\(.*= (\d+)$/.exec(line)?.[1] ?? []));
    const mapped = lines.filter(
      (line) =>
        /mmap\(.*MAP_SHARED/.test(line) && descriptors.has(/MAP_SHARED[^,]*, (\d+)/.exec(line)?.[1] ?? ''),
    );
    assert.deepEqual(mapped, [], args[0]);
  }
  rmSync(folder, { recursive: true });
  for (const object of objects) object.close();
});

test('a namespace with random words is read to its end', () => {
  const objects = oneOfEach('fuzzed');
  const folder = `${sandbox}/lockstep-${USER}.damaged`;
  cpSync(`${sandbox}/lockstep-${USER}.fuzzed`, folder, {
    recursive: true,
    filter: (path) => !/(agent|bell|rouse)-/.test(path),
  });
  const sound = readFileSync(`${folder}/control`);
  const random = new Random(SEED);
  const count = DEEP ? 10_000 : 150;
  for (let number = 0; number < count; number++) {
    const words = new Int32Array(sound.buffer.slice(sound.byteOffset, sound.byteOffset + sound.length));
    const changes = 1 + random.below(number % 3 === 0 ? 20_000 : 40);
    for (let change = 0; change < changes; change++) {
      // Mostly where something is: the header, the first slots, the first cells.
      const at = random.percent(50)
        ? 2 + random.below(1500)
        : random.percent(60)
          ? 50_176 + random.below(900)
          : 2 + random.below(words.length - 2);
      words[at] = random.percent(40)
        ? random.below(40)
        : random.percent(50)
          ? words[at]! ^ (1 << random.below(32))
          : random.below(2 ** 32) | 0;
    }
    const cut = random.percent(10) ? random.below(words.byteLength) : words.byteLength;
    writeFileSync(`${folder}/control`, new Uint8Array(words.buffer, 0, cut));
    const snapshot = takeSnapshot({ folders: [folder] });
    assert.equal(snapshot.namespaces.length, 1);
    assert.equal(typeof explain(findStuck(snapshot)), 'string');
    JSON.stringify(snapshot);
  }
  rmSync(folder, { recursive: true });
  for (const object of objects) object.close();
});

test('another layout is reported with its number and the processes that have it open', () => {
  const lock = new Lock({ name: 'x', namespace: 'other' });
  const folder = `${sandbox}/lockstep-${USER}.other`;
  const control = readFileSync(`${folder}/control`);
  control.writeInt32LE(3, 4);
  const copy = `${sandbox}/lockstep-${USER}.older`;
  cpSync(folder, copy, { recursive: true, filter: (path) => !/(agent|bell|rouse)-/.test(path) });
  writeFileSync(`${copy}/control`, control);
  const [seen] = takeSnapshot({ folders: [copy] }).namespaces;
  assert.equal(seen?.layout, 3);
  assert.equal(seen?.readable, false);
  assert.match(seen?.problems[0] ?? '', /its layout is 3/);
  rmSync(copy, { recursive: true });
  lock.close();
});

test(`where ${CREW} processes hammer their objects, nothing is ever stuck`, async () => {
  const namespace = 'hammered';
  const at = { namespace };
  const stop = new Value('i32', 0, at);
  const begun = new Latch(CREW + 1, at);
  const tools = {
    a: new Lock(at),
    b: new Lock(at),
    rw: new RWLock(at),
    queue: new Queue<number>(at),
    event: new Event(at),
    stop,
    begun,
  };
  const crew = Array.from({ length: CREW }, () => new Process({ target: hammer, args: [tools] }));
  for (const each of crew) each.start();
  begun.countDown();
  await begun.wait();
  for (let number = 0; number < (DEEP ? 10_000 : 300); number++) {
    const { findings } = findStuck(takeSnapshot({ folders: [`${sandbox}/lockstep-${USER}.${namespace}`] }));
    assert.deepEqual(
      findings.filter(({ kind }) => kind !== 'keeper'),
      [],
    );
  }
  stop.value = 1;
  for (const each of crew) assert.equal(await each.join(), true);
  assert.deepEqual(
    crew.map(({ exitCode }) => exitCode),
    crew.map(() => 0),
  );
});
