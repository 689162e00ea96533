/**
 * Pieces: which parts of the package a program loads, depending on its calls. A class whose piece
 * is not loaded yet is a class like any other.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { usersEnvironment } from '../support/environment.ts';
import { sandbox } from '../support/sandbox.ts';
import { PackedPackage } from './package.ts';

let installed: PackedPackage;
before(() => {
  installed = new PackedPackage();
});
after(() => installed.remove());

const LOADED = `
const loaded = () => Object.keys(process.getBuiltinModule('node:module')._cache)
  .map((file) => /lockstep-([a-z]+)-[0-9A-F]+\\.cjs$/.exec(file)?.[1]).filter((piece) => piece !== undefined).sort();
`;

/** Runs the program in the package's folder; returns the JSON that it printed. */
function run(text: string): unknown {
  const file = join(installed.folder, 'program.mjs');
  writeFileSync(file, text);
  const { stdout, stderr, status } = spawnSync(process.execPath, [file], {
    env: { ...usersEnvironment(), LOCKSTEP_DIR: sandbox },
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** The pieces that are loaded when the statement has run. */
function loadedBy(statement: string): unknown {
  return run(
    `import * as lockstep from 'lockstep';\n${LOADED}\n${statement}\nconsole.log(JSON.stringify(loaded()));`,
  );
}

const NEEDED: readonly [statement: string, pieces: readonly string[]][] = [
  ['', []],
  ['const lock = new lockstep.Lock(); lock.acquireSync(); lock.release();', []],
  ['await new lockstep.RLock({ name: "pieces" }).acquire();', []],
  ['const lock = new lockstep.Lock(); await lock.run(() => {}); lockstep.Lock.open(lock.handle);', []],
  ['new lockstep.Lock() instanceof lockstep.Queue; class Jobs extends lockstep.Pool {}', []],
  ['new lockstep.Semaphore(1).acquireSync();', ['turns']],
  ['new lockstep.Value("i32", 0).value++;', ['shared']],
  ['new lockstep.Queue().putSync(1);', ['codec', 'messages']],
];

for (const [statement, pieces] of NEEDED) {
  test(`"${statement}" loads ${pieces.length === 0 ? 'no piece' : pieces.join(', ')}`, () => {
    assert.deepEqual(loadedBy(statement), pieces);
  });
}

test('the parent and the child of a process or thread load no piece that its target does not use', () => {
  writeFileSync(
    join(installed.folder, 'target.mjs'),
    `import 'lockstep';\n${LOADED}\nexport const pieces = () => loaded().join();`,
  );
  for (const Child of ['Process', 'Thread']) {
    const [child, parent] = run(`
      import { ${Child} } from 'lockstep';
      import { pieces } from './target.mjs';
      ${LOADED}
      const child = new ${Child}({ target: pieces });
      child.start();
      const there = await child.result;
      console.log(JSON.stringify([there.split(',').filter((piece) => piece !== ''), loaded()]));
    `) as [string[], string[]];
    assert.deepEqual(child, [], `in the child of a ${Child}`);
    assert.deepEqual(parent, ['children'], `in the parent of a ${Child}`);
  }
});

test('the chunk that every program loads has no module of a piece', () => {
  const dist = join(installed.folder, 'node_modules/lockstep/dist');
  const modulesIn = (pattern: RegExp): string[] => {
    const [map] = readdirSync(dist).filter((file) => pattern.test(file));
    const { sources } = JSON.parse(readFileSync(join(dist, map!), 'utf8')) as { sources: string[] };
    return sources.map((source) => source.replace(/^\.\.\/src\//, ''));
  };
  const chunk = modulesIn(/^lockstep-[0-9A-F]{8}\.cjs\.map$/);
  assert.ok(chunk.includes('sync/lock/lock.ts'));
  const pieces =
    /^(?:codec\/(?!plain|read-clone|sendable|v8)|messaging|pool|shared)\/|^sync\/(?:barrier|condition|rwlock|semaphore)\/|^workers\/(?:process\/(?:process|spares?)|thread\/thread)\.ts/;
  assert.deepEqual(
    chunk.filter((source) => pieces.test(source)),
    [],
  );
  assert.ok(modulesIn(/^lockstep-pool-[0-9A-F]+\.cjs\.map$/).includes('pool/pool.ts'));
});

test('a class is whole before its piece is loaded', () => {
  const seen = run(`
    import { inspect } from 'node:util';
    import { Barrier, Lock, Queue, Semaphore } from 'lockstep';
    class Jobs extends Queue {
      #puts = 0;
      put(...args) { this.#puts++; return super.put(...args); }
      get puts() { return this.#puts; }
    }
    const before = {
      text: inspect(Queue), length: Barrier.length, foreign: new Lock() instanceof Queue,
      member: typeof Semaphore.prototype.acquireSync, static: typeof Barrier.open, has: 'run' in Semaphore.prototype,
      none: Queue.nothing === undefined,
    };
    const jobs = new Jobs();
    await jobs.put({ id: 1 });
    const opened = Queue.open(jobs.handle);
    console.log(JSON.stringify({
      before, got: await opened.get(), puts: jobs.puts,
      chain: [jobs instanceof Jobs, jobs instanceof Queue, opened instanceof Queue, opened instanceof Jobs],
      constructor: opened.constructor === Queue, own: Object.hasOwn(Queue.prototype, 'put'), kind: jobs.describe().kind,
    }));
  `);
  assert.deepEqual(seen, {
    before: {
      text: '[class Queue extends QueueBase]',
      length: 2,
      foreign: false,
      member: 'function',
      static: 'function',
      has: true,
      none: true,
    },
    got: { id: 1 },
    puts: 1,
    chain: [true, true, true, false],
    constructor: true,
    own: true,
    kind: 'Queue',
  });
});

test('bundled into a program, the package finds its pieces there', () => {
  const whole = run(`
    import { Queue, Value } from './node_modules/lockstep/dist/whole.js';
    ${LOADED}
    const queue = new Queue();
    queue.putSync(new Value('i32', 3));
    console.log(JSON.stringify([queue.getSync().value, loaded()]));
  `) as [number, string[]];
  // Imported as CommonJS modules, they are in Node's cache; the library asks for none itself.
  assert.equal(whole[0], 3);
});

test('a file of the package that is gone is named by an error with a code, and nothing else is lost', () => {
  const dist = join(installed.folder, 'node_modules/lockstep/dist');
  const [piece] = readdirSync(dist).filter((file) => /^lockstep-messages-.*\.cjs$/.test(file));
  renameSync(join(dist, piece!), join(dist, 'gone'));
  try {
    const [code, message, taken] = run(`
      import { Lock, Queue } from 'lockstep';
      let error;
      try { new Queue(); } catch (thrown) { error = thrown; }
      const hold = new Lock().acquireSync();
      console.log(JSON.stringify([error.code, error.message, hold !== undefined]));
    `) as [string, string, boolean];
    assert.equal(code, 'ERR_LOCKSTEP_STATE');
    assert.match(
      message,
      /^lockstep: can't load its own file file:\S+lockstep-messages-.*start the program again/s,
    );
    assert.equal(taken, true);
  } finally {
    renameSync(join(dist, 'gone'), join(dist, piece!));
  }
});

test('a reaper that can not load a piece leaves what a dead program had of it to a program that can', () => {
  const dist = join(installed.folder, 'node_modules/lockstep/dist');
  const [piece] = readdirSync(dist).filter((file) => /^lockstep-turns-.*\.cjs$/.test(file));
  const names = { plain: { name: 'piece-plain' }, permits: { name: 'piece-permits' } };
  writeFileSync(
    join(installed.folder, 'holder.mjs'),
    `import { BoundedSemaphore, Lock } from 'lockstep';
    const holds = [new Lock(${JSON.stringify(names.plain)}), new BoundedSemaphore(1, ${JSON.stringify(names.permits)})].map((each) => each.acquireSync());
    console.log(holds.length);
    setInterval(() => holds, 60_000);`,
  );
  writeFileSync(
    join(installed.folder, 'later.mjs'),
    `import { BoundedSemaphore } from 'lockstep';
    console.log(new BoundedSemaphore(1, ${JSON.stringify(names.permits)}).acquireSync({ timeout: 20_000 }) !== null);`,
  );
  const seen = run(`
    import { spawn, spawnSync } from 'node:child_process';
    import { once } from 'node:events';
    import { renameSync } from 'node:fs';
    import { BoundedSemaphore, Lock } from 'lockstep';
    const [piece, gone] = ${JSON.stringify([join(dist, piece!), join(dist, 'gone')])};
    const plain = new Lock(${JSON.stringify(names.plain)});
    const holder = spawn(process.execPath, ['holder.mjs'], { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    renameSync(piece, gone);
    let hold, code;
    try {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
      hold = plain.acquireSync({ timeout: 20_000 });
      try { new BoundedSemaphore(1, ${JSON.stringify(names.permits)}); } catch (error) { code = error.code; }
    } finally {
      renameSync(gone, piece);
    }
    const later = spawnSync(process.execPath, ['later.mjs'], { cwd: import.meta.dirname, encoding: 'utf8' });
    console.log(JSON.stringify([hold?.recovered, code, later.stdout + later.stderr]));
  `);
  assert.deepEqual(seen, [true, 'ERR_LOCKSTEP_STATE', 'true\n']);
});

test('a dependency that is gone is named by the error, not the function that could not be looked up', () => {
  const lexer = join(installed.folder, 'node_modules/es-module-lexer');
  renameSync(lexer, `${lexer}-gone`);
  try {
    const [code, message] = run(`
      import { Process } from 'lockstep';
      export const work = () => 1;
      let error;
      try { new Process({ target: work }).start(); } catch (thrown) { error = thrown; }
      console.log(JSON.stringify([error?.code, error?.message]));
    `) as [string, string];
    assert.equal(code, 'ERR_LOCKSTEP_STATE', message);
    assert.match(message, /can't load its dependency es-module-lexer.*install the dependencies again/s);
  } finally {
    renameSync(`${lexer}-gone`, lexer);
  }
});
