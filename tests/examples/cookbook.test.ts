/**
 * The programs of the cookbook do what its pages say: started several times at once, and killed.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'node:test';
import { Value } from 'lockstep';
import { filesBelow, read, root } from '../docs/markdown.ts';
import { sandbox } from '../support/sandbox.ts';

/** A program of the cookbook that runs, with the lines that it has printed so far. */
class Running {
  readonly lines: string[] = [];
  readonly child: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals>;
  private readonly wanted = new Set<() => void>();

  constructor(program: string, args: readonly (string | number)[] = []) {
    this.child = spawn(
      process.execPath,
      [join(root, `build/examples/cookbook/${program}.js`), ...args.map(String)],
      {
        env: { ...process.env, NODE_TEST_CONTEXT: undefined, LOCKSTEP_DIR: sandbox },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    for (const stream of [this.child.stdout!, this.child.stderr!])
      createInterface(stream).on('line', (line) => {
        this.lines.push(line);
        for (const look of this.wanted) look();
      });
    started.add(this);
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        resolve(code ?? signal!);
        for (const look of this.wanted) look();
      });
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Resolves when it has printed such a line; rejects when it ends without. */
  async prints(wanted: RegExp): Promise<string> {
    const found = (): string | undefined => this.lines.find((line) => wanted.test(line));
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (found() === undefined && !this.over) return;
        this.wanted.delete(look);
        resolve();
      };
      this.wanted.add(look);
      look();
    });
    if (found() === undefined) await this.ended; // Its last lines may still be on the way.
    const line = found();
    assert.ok(line !== undefined, `no line ${wanted} in:\n${this.lines.join('\n')}`);
    return line;
  }

  /** Resolves when it has ended well; gives all its lines. */
  async finishes(): Promise<string[]> {
    assert.equal(await this.ended, 0, this.lines.join('\n'));
    return this.lines;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }
}

const folder = mkdtempSync(join(tmpdir(), 'lockstep-cookbook-'));
const started = new Set<Running>();
after(async () => {
  // A test that has failed may have left some.
  await Promise.all([...started].filter((one) => !one.over).map((one) => one.kill()));
  rmSync(folder, { recursive: true });
});

async function several(
  count: number,
  program: string,
  args: readonly (string | number)[] = [],
): Promise<string[][]> {
  const running = Array.from({ length: count }, () => new Running(program, args));
  return Promise.all(running.map((one) => one.finishes()));
}

/** The first of these to print such a line. */
async function firstOf(running: readonly Running[], wanted: RegExp): Promise<Running> {
  return Promise.any(running.map((one) => one.prints(wanted).then(() => one)));
}

const covered = new Set<string>();
function recipe(program: string, behaviour: string, run: () => Promise<void>): void {
  covered.add(program);
  it(`${program} ${behaviour}`, run);
}

describe('the cookbook', { concurrency: 3 }, () => {
  recipe('one-scheduler', 'runs the job in one copy, and in another when that is killed', async () => {
    const copies = [1, 2].map(() => new Running('one-scheduler', [20]));
    const scheduler = await firstOf(copies, /schedules/);
    const other = copies.find((copy) => copy !== scheduler)!;
    await Promise.all([scheduler.prints(/^report/), other.prints(/serves/)]);
    assert.ok(!other.lines.some((line) => line.startsWith('report')));
    await scheduler.kill();
    await other.prints(/schedules: the scheduler before it has died/);
    await other.prints(/^report/);
    await other.kill();
  });

  recipe('one-scheduler-by-slot', 'runs each slot in one copy', async () => {
    const copies = [1, 2].map(() => new Running('one-scheduler-by-slot', [100]));
    const slots = (): string[] =>
      copies.flatMap(({ lines }) =>
        lines.filter((line) => line.startsWith('report')).map((line) => line.split(' ')[1]!),
      );
    await Promise.all(copies.map((copy) => copy.prints(/serves/)));
    await firstOf(copies, /^report/);
    const first = slots()[0]!;
    await firstOf(copies, new RegExp(`^report (?!${first}\\b)`));
    await Promise.all(copies.map((copy) => copy.kill()));
    assert.equal(new Set(slots()).size, slots().length, slots().join(' '));
  });

  recipe('leader', 'is followed by another, after SIGTERM and after SIGKILL', async () => {
    const copies = [1, 2, 3].map(() => new Running('leader'));
    const first = await firstOf(copies, /^term 1/);
    await Promise.all(copies.map((copy) => copy.prints(/stands by/)));
    first.child.kill('SIGTERM');
    await first.finishes();
    const rest = copies.filter((copy) => copy !== first);
    const second = await firstOf(rest, /^term 2/);
    await second.kill();
    const third = rest.find((copy) => copy !== second)!;
    await third.prints(/^term 3/);
    third.child.kill('SIGTERM');
    await third.finishes();
  });

  recipe('refresh-token', 'asks for one token, whatever the number of programs', async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      response.end(JSON.stringify({ value: `token-${asked}`, expires: Date.now() + 3_600_000 }));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const args = [join(folder, 'token.json'), `http://127.0.0.1:${port}/`];
    try {
      assert.deepEqual(await several(3, 'refresh-token', args), [['token-1'], ['token-1'], ['token-1']]);
      assert.equal(asked, 1);
    } finally {
      server.close();
    }
  });

  recipe('append-and-rotate', 'keeps every line whole, in files of the size', async () => {
    await several(2, 'append-and-rotate', [join(folder, 'app.log'), 2000, 100]);
    const files = readdirSync(folder).filter((file) => file.startsWith('app.log'));
    const texts = files.map((file) => readFileSync(join(folder, file), 'utf8'));
    assert.ok(files.length > 1);
    for (const text of texts) assert.ok(text.length <= 2000 + 1, `${text.length}`);
    const lines = texts.flatMap((text) => text.trimEnd().split('\n'));
    assert.equal(lines.length, 200);
    for (const line of lines) assert.match(line, /^\d+ writes line \d+$/);
    assert.equal(new Set(lines).size, 200);
  });

  recipe('at-most-n', 'lets two in at a time, and another when one is killed', async () => {
    const two = [1, 2].map(() => new Running('at-most-n', [3_600_000]));
    await Promise.all(two.map((one) => one.prints(/begins/)));
    const third = new Running('at-most-n', [0]);
    await two[0]!.kill();
    assert.match(await third.prints(/begins/), /0 left/);
    await third.finishes();
    await two[1]!.kill();
  });

  recipe('pipeline', 'gives the sum', async () => {
    assert.deepEqual(await new Running('pipeline').finishes(), ['sum of the squares: 338350']);
  });

  recipe('progress', 'shows how far the children are', async () => {
    const lines = await new Running('progress').finishes();
    assert.equal(lines.at(-1), 'done: 500 and 500 steps');
    for (const line of lines.slice(0, -1)) assert.match(line, /^\d+% {2}\d+%$/);
  });

  recipe('graceful-shutdown', 'finishes the job in hand', async () => {
    const one = new Running('graceful-shutdown');
    await one.prints(/job 1 begins/);
    one.child.kill('SIGTERM');
    const lines = await one.finishes();
    const begun = lines.filter((line) => line.endsWith('begins')).length;
    assert.equal(lines.filter((line) => line.endsWith('done')).length, begun);
    assert.equal(lines.at(-1), 'the lock is released');
  });

  recipe('dead-producers', 'names the producer that was killed', async () => {
    assert.deepEqual(await new Running('dead-producers').finishes(), ['a1 a2 a3 b1 b2', 'b ended with -9']);
  });

  recipe('repair-after-recovered', 'completes what the dead holder had begun', async () => {
    assert.deepEqual(await new Running('repair-after-recovered').finishes(), [
      'after the kill: a 70, b 0',
      'repaired: a 70, b 30',
    ]);
  });

  recipe('shared-database-test', 'makes the schema once, and writes alone', async () => {
    covered.add('shared-database');
    // The mark that the schema was made lives as long as somebody has it open: also between two
    // files.
    using _made = new Value('bool', false, { name: 'database-made', namespace: 'tests' });
    const lines = (await several(2, 'shared-database-test')).flat();
    assert.equal(lines.filter((line) => line === 'making the schema').length, 1);
    assert.equal(lines.filter((line) => line === 'write ends').length, 2);
  });

  recipe(
    'one-at-a-time',
    'runs the second command after the first, and passes its exit code on',
    async () => {
      const first = new Running('one-at-a-time', [
        'tests',
        process.execPath,
        '-e',
        'setInterval(() => {}, 1000); console.log(1)',
      ]);
      await first.prints(/^1$/);
      const second = new Running('one-at-a-time', [
        'tests',
        process.execPath,
        '-e',
        'console.log(2); process.exitCode = 3',
      ]);
      assert.match(await second.prints(/^waiting/), new RegExp(`pid ${first.pid} has it`));
      first.child.kill('SIGTERM');
      assert.equal(await first.ended, 128 + 15);
      assert.equal(await second.ended, 3);
      assert.deepEqual(second.lines.slice(1), ['2']);
    },
  );
});

it('every program of the cookbook is run here, and shown on a page', () => {
  const pages = filesBelow('docs/cookbook', (path) => path.endsWith('.md'))
    .map(read)
    .join('');
  for (const path of filesBelow('examples/cookbook', (file) => file.endsWith('.ts'))) {
    assert.ok(covered.has(basename(path, '.ts')), `${path} is not run`);
    assert.ok(pages.includes(`<!-- file: ${path} -->`), `${path} is on no page`);
  }
});
