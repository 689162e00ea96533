/**
 * Obstacles that another user of the machine puts in the way: it is refused, blocks nobody, and is
 * not touched.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Lock, Process, Queue, SharedArray } from 'lockstep';
import { namespaceFolder, place, removePlace } from '../support/places.ts';
import { type Ending, Program, run } from '../support/programs.ts';
import { listing, sandbox } from '../support/sandbox.ts';
import { lingers } from '../support/targets.ts';
import { HANG_MS, until } from '../support/until.ts';

const STRANGER = 65_534;
const VICTIM = 65_533;
const FOLDER = 'ERR_LOCKSTEP_FOLDER';
const skip = process.geteuid?.() === 0 ? false : 'playing two users takes root';
/** More than there are calls of `node:fs` in making a named lock, or in the removal of a folder. */
const POINTS = 60;

/** Bytes of a queue, and characters of an item of it that goes into a file. */
const SIZE = 1 << 20;

interface Outcome {
  done?: unknown;
  code?: string;
  message?: string;
}

/** Runs a command as the stranger. */
function asStranger(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { uid: STRANGER, gid: STRANGER, encoding: 'utf8' });
  assert.equal(status, 0, `${command}: ${stderr}`);
}

function fifo(path: string): void {
  assert.equal(spawnSync('mknod', ['-m', '600', path, 'p']).status, 0);
}

function device(path: string): void {
  assert.equal(spawnSync('mknod', ['-m', '600', path, 'c', '1', '3']).status, 0);
}

async function tries(attempt: string, options: Parameters<typeof run>[1] = {}): Promise<Outcome> {
  const ending = await run('tries', { ...options, args: [attempt, ...(options.args ?? [])] });
  assert.deepEqual([ending.signal, ending.stderr], [null, '']);
  return JSON.parse(ending.stdout) as Outcome;
}

function assertRefused(outcome: Outcome, why: RegExp, what: string): void {
  assert.equal(outcome.code, FOLDER, `${what}: ${JSON.stringify(outcome)}`);
  assert.match(outcome.message ?? '', why, what);
}

/**
 * A world-writable folder, as /dev/shm, and the stranger's own folder, with sound files in it.
 */
class Place {
  readonly base = place();
  readonly prepared = place();

  constructor() {
    chmodSync(this.base, 0o1777);
    using lock = new Lock({ namespace: 'pattern', name: 'x' });
    copyFiles(namespaceFolder(sandbox, 'pattern'), this.prepared);
    assert.equal(lock.locked, false);
    writeFileSync(join(this.prepared, 'precious'), 'mine');
    this.giveAway(this.prepared, 0o777, 0o666);
  }

  giveAway(folder: string, mode: number, fileMode: number): void {
    for (const file of readdirSync(folder)) {
      chownSync(join(folder, file), STRANGER, STRANGER);
      chmodSync(join(folder, file), fileMode);
    }
    chownSync(folder, STRANGER, STRANGER);
    chmodSync(folder, mode);
  }

  /** The stranger puts a copy of the prepared folder there. */
  plant(path: string): void {
    asStranger('cp', '-r', '--preserve=mode', this.prepared, path);
  }

  /** Throws unless what was planted there is as it was. */
  assertUntouched(path: string, what: string): void {
    assert.equal(existsSync(path), true, `${what}: the stranger's folder is gone`);
    assert.equal(lstatSync(path).uid, STRANGER, what);
    assert.deepEqual(listing(path).sort(), listing(this.prepared).sort(), what);
    for (const file of listing(path)) {
      const content = readFileSync(join(path, file));
      assert.ok(content.equals(readFileSync(join(this.prepared, file))), `${what}: ${file} was written to`);
    }
  }

  remove(): void {
    removePlace(this.base);
    removePlace(this.prepared);
  }
}

/**
 * Runs `paused` in the place; wherever it stops, its folder is taken away and the stranger puts one
 * there. Returns which.
 */
async function attack(
  where: Place,
  what: 'enter' | 'sweep',
  user: number,
  separator: '.' | '~',
): Promise<{ planted: Map<number, string>; ending: Ending }> {
  const signs = place();
  chownSync(signs, user, user);
  const args = [what, signs, String(POINTS)];
  const program = new Program('paused', { args, env: { LOCKSTEP_DIR: where.base }, user });
  const planted = new Map<number, string>();
  const ended = (): boolean => program.child.exitCode !== null || program.child.signalCode !== null;
  const next = (): number | undefined =>
    readdirSync(signs)
      .filter((file) => file.startsWith('at-'))
      .map((file) => Number(file.slice(3)))
      .find((k) => !planted.has(k));
  for (;;) {
    await until(() => next() !== undefined || ended(), 'the program to stop or end');
    const k = next();
    if (k === undefined) break;
    const path = join(where.base, `lockstep-${user}${separator}k${k}`);
    planted.set(k, `${path} at ${readFileSync(join(signs, `at-${k}`), 'utf8')}`);
    rmSync(path, { recursive: true, force: true });
    where.plant(path);
    writeFileSync(join(signs, `go-${k}`), '');
  }
  const ending = await program.ended;
  removePlace(signs);
  return { planted, ending };
}

/** Copies a namespace's folder, but for the FIFOs of its agents. */
function copyFiles(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (source) => !lstatSync(source).isFIFO() });
}

describe('what a stranger plants', { timeout: HANG_MS, skip, concurrency: true }, () => {
  before(() => chmodSync(sandbox, 0o711));
  after(() => run('tries', { args: ['anonymous'] }));

  for (const user of [0, VICTIM]) {
    it(`in the place of a folder while user ${user} enters it is never used`, async () => {
      const where = new Place();
      const { planted, ending } = await attack(where, 'enter', user, '.');
      assert.deepEqual([ending.code, ending.stderr], [0, '']);
      const outcomes = JSON.parse(ending.stdout) as string[];
      for (const [k, what] of planted) {
        const path = join(where.base, `lockstep-${user}.k${k}`);
        where.assertUntouched(path, what);
        assert.ok(outcomes[k] === FOLDER || outcomes[k] === 'done', `${what}: ${outcomes[k]}`);
      }
      assert.ok(planted.size > 20, `stopped ${planted.size} times`);
      assert.ok(outcomes.filter((outcome) => outcome === FOLDER).length > 10, ending.stdout);
      where.remove();
    });
  }

  it('in the place of a folder while root sweeps it is neither moved nor removed', async () => {
    const where = new Place();
    for (let k = 0; k < POINTS; k++) {
      const folder = join(where.base, `lockstep-0~k${k}`);
      copyFiles(where.prepared, folder);
      // As a killed program leaves it; in some the control file is missing, in some there is a
      // folder.
      if (k % 3 === 1) unlinkSync(join(folder, 'control'));
      if (k % 3 === 2) mkdirSync(join(folder, 'inner', 'deeper'), { recursive: true });
      for (const file of listing(folder)) {
        if (statSync(join(folder, file)).isFile()) chmodSync(join(folder, file), 0o600);
        chownSync(join(folder, file), 0, 0);
      }
      chownSync(folder, 0, 0);
      chmodSync(folder, 0o700);
    }
    const { planted, ending } = await attack(where, 'sweep', 0, '~');
    assert.deepEqual(ending, { code: 0, signal: null, stdout: '["done"]\n', stderr: '' });
    assert.ok(planted.size > 20, `stopped ${planted.size} times`);
    for (const [k, what] of planted) where.assertUntouched(join(where.base, `lockstep-0~k${k}`), what);
    const names = [...planted.keys()].map((k) => `lockstep-0~k${k}`);
    assert.deepEqual(readdirSync(where.base).sort(), names.sort(), 'only what is the stranger’s stays');
    where.remove();
  });

  it("is refused where it stands already, whatever the folder's permissions", async () => {
    const where = new Place();
    const env = { LOCKSTEP_DIR: where.base };
    const folder = namespaceFolder(where.base);
    where.plant(folder);
    for (const mode of ['777', '700', '000']) {
      asStranger('chmod', mode, folder);
      assertRefused(await tries('named', { env }), /belongs to user 65534 and this program runs as 0/, mode);
      assertRefused(await tries('awaiting', { env }), /belongs to user 65534/, mode);
    }
    asStranger('chmod', '777', folder);
    where.assertUntouched(folder, 'planted');
    where.remove();
  });

  it('in the place of a file is refused at once, also a FIFO, and not followed', async () => {
    const base = place();
    const elsewhere = join(base, 'elsewhere');
    writeFileSync(elsewhere, 'kept', { mode: 0o600 });
    const kinds: Record<string, (path: string) => void> = {
      FIFO: fifo,
      device,
      folder: (path) => mkdirSync(path, { mode: 0o700 }),
      link: (path) => symlinkSync(elsewhere, path),
      'file of a stranger': (path) => {
        writeFileSync(path, '', { mode: 0o600 });
        chownSync(path, STRANGER, STRANGER);
      },
      'file that is open to all': (path) => {
        writeFileSync(path, '');
        chmodSync(path, 0o666);
      },
    };
    const cases = ['control', 'names', 'agent-2', 'bell-2', 'name-tried'].flatMap((file) =>
      Object.entries(kinds)
        // An agent's life and its bell are such.
        .filter(([kind]) => kind !== 'FIFO' || !['agent-2', 'bell-2'].includes(file))
        .map(([kind, make], n) => ({ file, kind, make, namespace: `planted-${file}-${n}` })),
    );
    const inside = cases.map(({ namespace }) => new Lock({ namespace, name: 'inside' }));
    const swap = (one: string, other: string): void => {
      if (existsSync(one)) renameSync(one, other);
    };
    for (const { file, make, namespace } of cases) {
      const path = join(namespaceFolder(sandbox, namespace), file);
      swap(path, join(base, namespace));
      make(path);
    }
    const { done } = await tries('awaiting-in', { args: [cases.map(({ namespace }) => namespace).join()] });
    for (const [n, { file, kind, namespace }] of cases.entries()) {
      assertRefused(
        (done as Outcome[])[n]!,
        new RegExp(`${file}": refused, it(s permissions)? `),
        `${kind} as ${file}`,
      );
      const path = join(namespaceFolder(sandbox, namespace), file);
      rmSync(path, { recursive: true });
      swap(join(base, namespace), path);
    }
    for (const lock of inside) lock.close();
    assert.equal(readFileSync(elsewhere, 'utf8'), 'kept');
    removePlace(base);
  });

  it('in the place of data, or of a large item, is refused at once', async () => {
    const array = new SharedArray('i32', 4000);
    const queue = new Queue({ bytes: SIZE });
    await queue.put('x'.repeat(SIZE));
    const folder = String(new URLSearchParams(array.handle.split('?')[1]).get('in'));
    const files = readdirSync(folder).filter((file) => /^(data|item)-/.test(file));
    assert.ok(files.some((file) => file.startsWith('item-')));
    const kept = place();
    for (const file of files) {
      renameSync(join(folder, file), join(kept, file));
      fifo(join(folder, file));
    }
    const { stdout } = await run('opens', { args: [array.handle] });
    assert.equal((JSON.parse(stdout) as Outcome).code, 'ERR_LOCKSTEP_LAYOUT', stdout);
    await assert.rejects(queue.get(), { code: FOLDER });
    for (const file of files) renameSync(join(kept, file), join(folder, file));
    assert.equal(String(await queue.get()).length, SIZE);
    array.close();
    queue.close();
    removePlace(kept);
  });

  it('cannot be a job: a child gets a file without a name, and refuses anything else', async () => {
    const child = new Process({ target: lingers, daemon: true });
    child.start();
    assert.deepEqual(
      listing(sandbox).filter((file) => /(job|result)-/.test(file)),
      [],
    );
    child.kill();
    await child.join();
    const bootstrap = new URL('../../src/entry/process.js', import.meta.url).pathname;
    const job = join(sandbox, 'forged');
    for (const content of ['', 'LSJ1', 'LSJ1'.padEnd(200, '\0')]) {
      writeFileSync(job, content, { mode: 0o600 });
      const { status, stderr } = spawnSync(
        'sh',
        ['-c', `exec "$0" "$1" --lockstep-job=3 3<"${job}"`, process.execPath, bootstrap],
        {
          encoding: 'utf8',
        },
      );
      assert.notEqual(status, 0);
      assert.match(
        stderr,
        /PlatformError: lockstep: can't run as a child process, descriptor 3 is not a job/,
      );
    }
    unlinkSync(job);
  });
});

describe('a folder on the way', { timeout: HANG_MS, skip }, () => {
  before(() => chmodSync(sandbox, 0o711));

  it('to which others may write, or that is theirs, is refused; also in a handle', async () => {
    using _lock = new Lock({ name: 'pattern' });
    const cases: [what: string, why: RegExp, make: (base: string) => string][] = [
      [
        'everybody may write to it',
        /permissions are 777 without the sticky bit/,
        (base) => open(base, 0o777),
      ],
      ['its group may write to it', /permissions are 775 without/, (base) => open(base, 0o775)],
      ['everybody may write to its parent', /permissions are 777/, (base) => inner(open(base, 0o777))],
      ['it is a stranger’s', /belongs to user 65534, who may change/, (base) => theirs(inner(base))],
      ['its parent is a stranger’s', /belongs to user 65534, who/, (base) => inner(theirs(base))],
      ['a stranger’s link leads to it', /is a symbolic link of user 65534/, (base) => link(base, STRANGER)],
      ['a link leads through such a folder', /permissions are 777/, (base) => link(open(base, 0o777), 0)],
    ];
    const pattern = readFileSync(join(namespaceFolder(sandbox, 'default'), 'control'));
    for (const [what, why, make] of cases) {
      const base = place();
      const dir = make(base);
      process.env.LOCKSTEP_DIR = dir;
      try {
        assert.throws(() => new Lock({ name: 'x' }), { code: FOLDER, message: why }, what);
        assert.equal(existsSync(namespaceFolder(dir)), false, what);
      } finally {
        process.env.LOCKSTEP_DIR = sandbox;
      }
      const folder = namespaceFolder(dir);
      mkdirSync(folder, { mode: 0o700 });
      writeFileSync(join(folder, 'control'), pattern, { mode: 0o600 });
      const handle = `lockstep:Lock?in=${folder}&cell=1&generation=1`;
      assert.throws(() => Lock.open(handle), { code: FOLDER, message: why }, what);
      assert.deepEqual(readdirSync(folder), ['control'], what);
      removePlace(base);
    }
    const base = open(place(), 0o777);
    for (const attempt of ['anonymous', 'awaiting']) {
      assertRefused(await tries(attempt, { env: { LOCKSTEP_DIR: base } }), /permissions are 777/, attempt);
    }
    removePlace(base);
  });

  it('that is root’s or this user’s is fine, with the sticky bit also where everybody may write', async () => {
    const makers: ((base: string) => string)[] = [
      (base) => open(base, 0o1777),
      (base) => inner(open(base, 0o1777)),
      (base) => open(base, 0o711),
      (base) => open(base, 0o755),
      (base) => link(open(base, 0o1777), 0),
      (base) => link(open(base, 0o755), STRANGER),
      (base) => {
        symlinkSync('../to/./it', join(inner(base), 'relative'));
        mkdirSync(join(base, 'to', 'it'), { recursive: true });
        return join(base, 'inner', 'relative');
      },
    ];
    const bases = makers.map(() => place());
    const folders = makers.map((make, n) => make(bases[n]!));
    assert.deepEqual(
      (await tries('named-below', { args: [folders.join(':')] })).done,
      folders.map(() => 'done'),
    );
    for (const folder of folders)
      assert.deepEqual(
        readdirSync(folder).filter((file) => file.startsWith('lockstep')),
        [],
      );
    for (const base of bases) removePlace(base);
  });

  it('is found sound, and used by path, where /proc is missing or the permission model hides both', async () => {
    const base = open(place(), 0o1777);
    const env = { LOCKSTEP_DIR: base };
    const withoutProc = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh'];
    const root = new URL('../../..', import.meta.url).pathname;
    const [major = 0] = process.versions.node.split('.').map(Number);
    const permissions = ['--permission', '--allow-addons', `--allow-fs-read=${root}`];
    const options = [
      { env, within: withoutProc },
      // The permission model has had this name since Node 24.
      ...(major >= 24
        ? [{ env, nodeArgs: [...permissions, `--allow-fs-read=${base}`, `--allow-fs-write=${base}`] }]
        : []),
    ];
    for (const option of options) {
      const { stdout, code } = await run('tries', { ...option, args: ['named'] });
      assert.deepEqual([code, stdout], [0, '{"done":false}\n']);
      assert.deepEqual(listing(base), []);
    }
    removePlace(base);
  });

  it('is refused in a handle that is forged, or leads nowhere near a namespace', () => {
    for (const folder of [
      '/etc',
      '/root',
      '/',
      'relative/lockstep-0.x',
      '/tmp/../tmp/lockstep-0.x',
      '/tmp/lockstep-0.x\0',
      '',
    ]) {
      const handle = `lockstep:Lock?${new URLSearchParams({ in: folder, cell: '1', generation: '1' })}`;
      assert.throws(() => Lock.open(handle), { code: 'ERR_LOCKSTEP_HANDLE' }, JSON.stringify(folder));
    }
  });

  function open(folder: string, mode: number): string {
    chmodSync(folder, mode);
    return folder;
  }

  function inner(folder: string): string {
    mkdirSync(join(folder, 'inner'), { mode: 0o700 });
    return join(folder, 'inner');
  }

  function theirs(folder: string): string {
    chownSync(folder, STRANGER, STRANGER);
    return folder;
  }

  function link(base: string, owner: number): string {
    const sticky = join(base, 'sticky');
    mkdirSync(sticky);
    chmodSync(sticky, owner === STRANGER && (statSync(base).mode & 0o777) === 0o755 ? 0o755 : 0o1777);
    const target = inner(base);
    spawnSync('ln', ['-s', target, join(sticky, 'link')]);
    spawnSync('chown', ['-h', String(owner), join(sticky, 'link')]);
    return join(sticky, 'link');
  }
});

describe('a program that becomes another user', { timeout: HANG_MS, skip }, () => {
  before(() => chmodSync(sandbox, 0o711));

  it('ends as it would, and what it made is swept by the next program of the first user', async () => {
    const base = place();
    chmodSync(base, 0o1777);
    const env = { LOCKSTEP_DIR: base };
    const steps = ['ends', 'closes', 'awaits', 'starts', 'starts-thread', 'blocks', 'makes', 'starts-after'];
    const refused = ['awaits', 'starts', 'starts-thread'];
    await Promise.all(
      steps.map(async (step) => {
        const { code, stdout, stderr } = await run('drops', { args: [step], env });
        assert.deepEqual([code, stderr], [0, ''], `${step}: ${stderr}`);
        const outcome = JSON.parse(stdout) as Outcome;
        if (!refused.includes(step)) assert.deepEqual(outcome, { done: step });
        else assertRefused(outcome, /belongs to user 0 and this program has changed its user to 65534/, step);
      }),
    );
    assert.deepEqual(await tries('anonymous', { env, user: STRANGER }), { done: false });
    // Each that begins as root takes what the others have left; of the last to end something is
    // there.
    assert.ok(
      readdirSync(base).some((name) => name.startsWith('lockstep-0')),
      'what is root’s is not for another user to take',
    );
    assert.deepEqual(await tries('anonymous', { env }), { done: false });
    assert.deepEqual(listing(base), []);
    removePlace(base);
  });
});
