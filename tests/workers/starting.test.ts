/**
 * Starting where that is hard: other folders and options, exhausted limits, bundles, executables
 * that are not Node.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Process } from 'lockstep';
import { inject } from 'postject';
import { usersEnvironment } from '../support/environment.ts';
import { sandbox } from '../support/sandbox.ts';
import { type Ending, ROOT } from './run-file.ts';
import { add } from './targets.ts';

const MAJOR = Number.parseInt(process.versions.node, 10);
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** Tries a Process and a Thread, and prints how each went. */
const TRY = `
  export function work() { return process.env.SETTING + ' in ' + process.cwd() + ' ' + (globalThis.loaded ?? []).sort(); }
  export async function attempt(...kinds) {
    for (const Kind of kinds) try {
      const child = new Kind({ target: named ?? work });
      child.start();
      console.log(Kind.name, await child.result);
    } catch (error) { console.log(Kind.name, error.code, error.message); }
  }`;
const APP = `
  import { isMainProcess, Lock, Process, Thread } from 'lockstep';
  const named = process.argv[2] === 'named' ? { module: import.meta.url, export: 'work' } : undefined;
  ${TRY}
  if (isMainProcess) {
    if (process.argv[2] === 'moves') process.chdir('/');
    if (process.argv[2] === 'lock') new Lock();
    attempt(Process, Thread);
  }`;

let folder = '';
const file = (name: string, text: string): void => writeFileSync(join(folder, name), text);

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-starting-'));
  for (const path of ['node_modules/bare', 'bundled/node_modules', 'alone']) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  symlinkSync(fileURLToPath(ROOT), join(folder, 'node_modules/lockstep'));
  const loads = (name: string): string => `(globalThis.loaded ??= []).push('${name}');`;
  file('.env', 'SETTING=yes\n');
  file('app.mjs', APP);
  file('esm file.mjs', loads('esm'));
  file('exits.mjs', 'process.exit(3);');
  file('required.cjs', loads('required'));
  file('node_modules/bare/package.json', '{"name":"bare","exports":"./index.mjs","type":"module"}');
  file('node_modules/bare/index.mjs', loads('bare'));
});

after(() => rmSync(folder, { recursive: true, force: true }));

interface Way {
  cwd?: string;
  env?: Record<string, string>;
  /** Limits of the shell that runs it. */
  ulimit?: string;
}

async function runIn(args: string[], { cwd = folder, env = {}, ulimit }: Way = {}): Promise<Ending> {
  const command = [process.execPath, ...args];
  const [file = '', ...rest] =
    ulimit === undefined ? command : ['bash', '-c', `ulimit ${ulimit}; exec "$@"`, 'bash', ...command];
  const child = spawn(file, rest, {
    cwd,
    env: { ...usersEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk) => {
      printed[stream] += String(chunk);
    });
  }
  const [code, signal] = await once(child, 'close');
  return { code, signal, ...printed };
}

describe('A child of a program that has changed its folder', () => {
  it('starts as its parent did, and is where its parent is', async () => {
    const options = [
      '--env-file=.env',
      '--import',
      './esm file.mjs',
      '-r',
      './required.cjs',
      '--import=bare',
    ];
    const [given, inherited, unset] = await Promise.all([
      runIn([...options, 'app.mjs', 'moves']),
      runIn(['app.mjs', 'moves'], {
        env: {
          SETTING: 'yes',
          NODE_OPTIONS: '--import "./esm file.mjs" --require=./required.cjs --import=bare',
        },
      }),
      runIn(['app.mjs', 'moves'], { env: { SETTING: 'none' } }),
    ]);
    for (const { stdout, stderr } of [given, inherited]) {
      assert.equal(stdout, 'Process yes in / bare,esm,required\nThread yes in / bare,esm,required\n', stderr);
    }
    assert.equal(unset.stdout, 'Process none in / \nThread none in / \n', unset.stderr);
  });

  it('starts where its parent is when the first folder is gone', async () => {
    const gone = mkdtempSync(join(folder, 'gone-'));
    const app = join(folder, 'leaves.mjs');
    writeFileSync(
      app,
      APP.replace("process.chdir('/')", `process.chdir('/'); rmdirSync(${JSON.stringify(gone)})`).replace(
        'import',
        "import { rmdirSync } from 'node:fs';\nimport",
      ),
    );
    const { stdout, stderr } = await runIn(['--no-deprecation', app, 'moves'], {
      cwd: gone,
      env: { SETTING: 'yes' },
    });
    assert.equal(stdout, 'Process yes in / \nThread yes in / \n', stderr);
  });
});

describe('A child that dies before Lockstep runs in it', () => {
  const cases: [string[], RegExp][] = [
    [
      ['--no-such-option'],
      /exit code 9 before Lockstep ran in it; Node refused its options \(--no-such-option\b/,
    ],
    [
      ['--env-file=/nowhere/.env'],
      /exit code 9 before .* or found no file that they name: see what it printed/,
    ],
    [
      ['--import=data:text/javascript,process.exit(3)'],
      /exit code 3 before Lockstep ran in it; .*what is loaded before/,
    ],
    [
      ['--max-semi-space-size=1', '--max-old-space-size=1'],
      /was killed by signal [56]; .*raise --max-old-space-size/,
    ],
  ];

  it('says so, and what to look at', async () => {
    const { execArgv } = process;
    for (const [options, message] of cases) {
      process.execArgv = options;
      const child = new Process({ target: add, args: [1, 2] });
      try {
        child.start();
      } finally {
        process.execArgv = execArgv;
      }
      await assert.rejects(child.result, { code: 'ERR_LOCKSTEP_WORKER_DIED', message });
    }
  });

  it('also of a thread', async () => {
    const { stdout, stderr } = await runIn([
      '--input-type=module',
      '-e',
      `
      import { Thread } from 'lockstep';
      process.chdir('/');
      process.execArgv.push('--import', './exits.mjs');
      const child = new Thread({ target: { module: 'node:path', export: 'join' }, args: ['a'] });
      child.start();
      await child.result.catch((error) => console.log(error.code, error.message));
    `,
    ]);
    assert.match(
      stdout,
      /^ERR_LOCKSTEP_WORKER_DIED Thread .*exit code 3 before Lockstep ran in it; .*exits\.mjs/,
      stderr,
    );
  });
});

describe('start() that is refused by the system', () => {
  it('has a code and leaves nothing behind', () => {
    const left = (): string[] =>
      readdirSync(sandbox, { recursive: true, encoding: 'utf8' }).filter((path) => /job|result/.test(path));
    const { execPath, argv } = process;
    const refused = (message: RegExp): void => {
      const child = new Process({ target: add, args: [1, 2] });
      try {
        assert.throws(() => child.start(), { code: 'ERR_LOCKSTEP_PLATFORM', message });
      } finally {
        process.execPath = execPath;
        process.argv = argv;
      }
      assert.deepEqual(left(), []);
      assert.equal(child.isAlive(), false);
    };
    process.execPath = '/nowhere/node';
    refused(/the system refused to start \/nowhere\/node/);
    process.argv = [...argv, 'x'.repeat(200_000)];
    refused(/E2BIG.*the length of its arguments/);
  });

  it('ends no program that has too few descriptors for its threads', async () => {
    writeFileSync(
      join(folder, 'threads.mjs'),
      `import { isMainProcess, Thread } from 'lockstep';
       export function work() {}
       if (isMainProcess) {
         const threads = [];
         for (let n = 0; n < 40; n++) {
           const thread = new Thread({ target: work });
           try { thread.start(); threads.push(thread); } catch (error) { console.log('refused', error.code, error.message); break; }
         }
         const codes = await Promise.all(threads.map((thread) => thread.result.then(() => 'well', (error) => error.code + ' ' + error.message)));
         for (const code of codes) console.log(code);
       }`,
    );
    const endings = await Promise.all(
      [90, 120].map((files) => runIn(['threads.mjs'], { ulimit: `-n ${files}` })),
    );
    for (const { code, stdout, stderr } of endings) {
      assert.equal(code, 0, stderr);
      const lines = stdout.trim().split('\n');
      assert.ok(lines.length > 1);
      // Which step lacks its descriptor depends on the moment: each has its error.
      for (const line of lines) assert.match(line, /^(well|(refused )?ERR_LOCKSTEP_\w+ |EMFILE)/);
      for (const line of lines) {
        if (/ERR_LOCKSTEP.*EMFILE/.test(line)) assert.match(line, /ulimit -n/);
      }
    }
  });
});

describe('A target that Node can’t load', () => {
  it('for lack of descriptors is reported with the limit to raise', async () => {
    file('bares.mjs', "import 'bare'; export function work() {}");
    file(
      'starved.mjs',
      `import { closeSync, openSync } from 'node:fs';
       import { Pool } from 'lockstep';
       const pool = new Pool({ processes: 0 });
       await pool.apply({ module: 'node:path', export: 'join' }, ['a']);
       const module = new URL('./bares.mjs', import.meta.url).href;
       const opened = [];
       try { for (;;) opened.push(openSync('/dev/null')); } catch (error) { console.log(error.code); }
       await pool.apply({ module, export: 'work' }).catch((error) => console.log(error.code, error.message));
       for (const descriptor of opened) closeSync(descriptor);`,
    );
    const { stdout, stderr } = await runIn(['starved.mjs'], { ulimit: '-n 60' });
    assert.match(
      stdout,
      /^EMFILE\nERR_LOCKSTEP_TARGET .*can't be imported, .*; the program had too few descriptors .*ulimit -n/,
      stderr,
    );
  });
});

describe('Lockstep says where it can’t work', () => {
  const permission = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*'];
  const cases: [string, string[], Way, RegExp][] = [
    [
      '--no-addons',
      ['--no-addons', 'app.mjs'],
      {},
      /^Process ERR_LOCKSTEP_PLATFORM lockstep: can't share memory, .*without --no-addons.*\nThread ERR_LOCKSTEP_PLATFORM .*\n$/,
    ],
    ['--jitless', ['--jitless', 'app.mjs'], {}, /Process undefined in .*\nThread undefined in/],
    [
      '--frozen-intrinsics',
      ['--frozen-intrinsics', 'app.mjs'],
      {},
      /Process undefined in .*\nThread undefined in/,
    ],
    [
      'a limited address space',
      ['app.mjs'],
      { ulimit: '-v 2000000' },
      MAJOR >= 24
        ? /Thread ERR_LOCKSTEP_PLATFORM .*ulimit -v/
        : /Process undefined in .*\nThread .*(undefined in|ulimit -v)/,
    ],
  ];
  if (MAJOR >= 24) {
    cases.push(
      [
        'addons forbidden',
        [...permission, '--allow-child-process', '--allow-worker', 'app.mjs', 'named'],
        {},
        /can't share memory, .*--allow-addons/,
      ],
      [
        'children forbidden',
        [...permission, '--allow-addons', 'app.mjs'],
        {},
        /Process ERR_LOCKSTEP_PLATFORM .*--allow-child-process\nThread ERR_LOCKSTEP_PLATFORM .*--allow-worker/,
      ],
      [
        'the inspector forbidden',
        [...permission, '--allow-addons', '--allow-child-process', '--allow-worker', 'app.mjs'],
        {},
        /Process ERR_LOCKSTEP_PLATFORM .*the inspector, .*pass \{ module: import\.meta\.url/,
      ],
      [
        'the inspector not needed',
        [...permission, '--allow-addons', '--allow-child-process', '--allow-worker', 'app.mjs', 'named'],
        {},
        /Process undefined in .*\nThread undefined in/,
      ],
    );
  }
  for (const [title, args, way, expected] of cases) {
    it(title, async () => {
      const { stdout, stderr } = await runIn(args, way);
      assert.match(stdout + stderr, expected);
    });
  }

  it('in a bundle: children are refused, with what to write; locks work where koffi is', async () => {
    const esbuild = createRequire(createRequire(import.meta.url).resolve('tsx/package.json')).resolve(
      'esbuild/bin/esbuild',
    );
    const bundle = (output: string, ...options: string[]): void => {
      const args = ['app.mjs', '--bundle', '--platform=node', '--log-level=error', `--outfile=${output}`];
      execFileSync(esbuild, [...args, ...options], { cwd: folder });
    };
    writeFileSync(join(folder, 'app.cjs'), '');
    symlinkSync(
      fileURLToPath(new URL('node_modules/koffi', ROOT)),
      join(folder, 'bundled/node_modules/koffi'),
    );
    symlinkSync(
      fileURLToPath(new URL('node_modules/@koromix', ROOT)),
      join(folder, 'bundled/node_modules/@koromix'),
    );
    bundle('bundled/out.mjs', '--format=esm');
    bundle('bundled/out.cjs', '--format=cjs', '--log-override:empty-import-meta=silent');
    bundle('external.mjs', '--format=esm', '--external:lockstep');
    copyFileSync(join(folder, 'bundled/out.mjs'), join(folder, 'alone/out.mjs'));
    const [esm, cjs, external, alone] = await Promise.all(
      ['bundled/out.mjs', 'bundled/out.cjs', 'external.mjs', 'alone/out.mjs'].map((file) =>
        runIn([join(folder, file), ...(file.startsWith('alone') ? ['lock'] : [])], { cwd: '/' }),
      ),
    );
    const refused = (file: RegExp): RegExp =>
      new RegExp(
        `^Process ERR_LOCKSTEP_PLATFORM .*Lockstep was bundled into .*${file.source}.*esbuild: --external:lockstep.*\nThread ERR_LOCKSTEP_PLATFORM .*bundled`,
      );
    assert.match(esm!.stdout, refused(/out\.mjs/), esm!.stderr);
    assert.match(cjs!.stdout, refused(/out\.cjs/), cjs!.stderr);
    assert.match(external!.stdout, /^Process undefined in \/ \nThread undefined in \/ \n$/, external!.stderr);
    assert.match(
      alone!.stderr,
      /PlatformError: lockstep: can't share memory, its native module koffi can't be loaded here .*install it beside/,
    );
  });

  it('in a single executable: a Process is refused until process.execPath is Node, a Thread is not', async () => {
    writeFileSync(join(folder, 'jobs.cjs'), 'exports.hello = () => 42;');
    writeFileSync(
      join(folder, 'main.cjs'),
      `const load = require('node:module').createRequire(${JSON.stringify(join(folder, 'x.cjs'))});
       const { isMainProcess, Process, Thread } = load('lockstep');
       const named = load('./jobs.cjs').hello;
       ${TRY.replaceAll('export ', '')}
       if (isMainProcess) attempt(Process, Thread).then(() => {
         process.execPath = ${JSON.stringify(process.execPath)};
         return attempt(Process);
       });`,
    );
    const blob = join(folder, 'blob');
    const program = join(folder, 'program');
    writeFileSync(
      join(folder, 'sea.json'),
      JSON.stringify({ main: join(folder, 'main.cjs'), output: blob, disableExperimentalSEAWarning: true }),
    );
    execFileSync(process.execPath, ['--experimental-sea-config', join(folder, 'sea.json')], {
      stdio: 'ignore',
    });
    copyFileSync(process.execPath, program);
    const { log } = console;
    console.log = () => {};
    await inject(program, 'NODE_SEA_BLOB', readFileSync(blob), { sentinelFuse: FUSE }).finally(() => {
      console.log = log;
    });
    const child = spawn(program, {
      env: usersEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
    });
    await once(child, 'close');
    const [first, second, third] = stdout.split('\n');
    assert.match(
      first!,
      /^Process ERR_LOCKSTEP_PLATFORM .*is not Node but this program as a single executable.*set process\.execPath/,
    );
    assert.deepEqual([second, third], ['Thread 42', 'Process 42']);
  });
});

describe('An object without a name at the top level of a module', () => {
  it('is warned of when a child’s target first uses it, and only then', async () => {
    writeFileSync(
      join(folder, 'level.mjs'),
      `import { isMainProcess, Lock, Process, Queue, Thread } from 'lockstep';
       const lock = new Lock(), queue = new Queue(), unused = new Lock(), named = new Lock({ name: 'level' }), passedOn = new Lock();
       unused.runSync(() => {});
       export function take(lock) { lock.runSync(() => {}); }
       export function work(given) {
         for (let n = 0; n < 2; n++) lock.runSync(() => {});
         queue.putSync(1);
         named.runSync(() => {});
         given.runSync(() => {});
         const thread = new Thread({ target: take, args: [passedOn] });
         thread.start();
         thread.joinSync();
         passedOn.runSync(() => {});
         new Lock().runSync(() => {});
       }
       if (isMainProcess) {
         for (const Kind of [Process, Thread]) {
           const child = new Kind({ target: work, args: [new Lock()] });
           child.start();
           await child.join();
         }
         lock.runSync(() => {});
       }`,
    );
    const { code, stderr } = await runIn(['level.mjs']);
    assert.equal(code, 0, stderr);
    const warnings = [
      ...stderr.matchAll(/\[LOCKSTEP_MODULE_LEVEL\] LockstepWarning: (\w+): it was made at the top level/g),
    ];
    assert.deepEqual(
      warnings.map(([, kind]) => kind),
      ['Lock', 'Queue', 'Lock', 'Queue'],
      stderr,
    );
  });
});
