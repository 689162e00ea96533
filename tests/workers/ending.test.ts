/** How programs end that have children; numbers as in child.test.ts. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { runs } from '../support/processes.ts';
import { sandbox } from '../support/sandbox.ts';
import { until } from '../support/until.ts';
import { program, runFile, startFile } from './run-file.ts';

const ending = program('ending');

describe('A program with children', () => {
  it('94, 111: ends after its processes and threads', async () => {
    const { code, stdout, stderr } = await runFile([ending, 'naturally']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(linesOf(stdout), ['late process', 'late thread']);
  });

  it('94, 111: waits for them also when it calls process.exit', async () => {
    const { code, stdout, stderr } = await runFile([ending, 'exit']);
    assert.deepEqual([code, stderr], [5, '']);
    assert.deepEqual(linesOf(stdout), ['late process', 'late thread']);
  });

  it('waits for them when it fails, and says so before it goes silent', async () => {
    const { code, stdout, stderr } = await runFile([ending, 'throw']);
    assert.equal(code, 1);
    assert.deepEqual(linesOf(stdout), ['late process', 'slow process']);
    assert.match(
      stderr,
      /^lockstep: this program has failed \(Error: in the program\) and waits for .*Process-2 to end$/m,
    );
    assert.match(stderr, /^ {4}at .*ending/m);
  });

  it('94: a child waits for its own children', async () => {
    const { code, stdout } = await runFile([ending, 'grandchildren']);
    assert.equal(code, 0);
    assert.deepEqual(linesOf(stdout), ['grandchild process', 'grandchild thread']);
  });

  for (const way of ['daemons', 'daemonsExit', 'stubborn']) {
    it(`94, 111: ends its daemons and does not wait for them (${way})`, async () => {
      const { code, stdout, stderr } = await runFile([ending, way]);
      assert.deepEqual([code, stderr], [0, '']);
      const pid = Number(stdout.split('\n')[0]);
      assert.ok(pid > 0);
      assert.equal(runs(pid), false);
    });
  }

  it('121: takes its daemons with it when it is killed; the others go on', async () => {
    const running = startFile([ending, 'killed']);
    await until(() => running.stdout().split('\n').length === 3, 'two pids');
    const [daemon, other] = running.stdout().split('\n').map(Number) as [number, number];
    assert.deepEqual([runs(daemon), runs(other)], [true, true]);
    process.kill(running.pid, 'SIGKILL');
    await until(() => !runs(daemon), 'the daemon’s end');
    assert.equal(runs(other), true);
    process.kill(other, 'SIGKILL');
    await running.ended;
    await until(() => !runs(other), 'the other’s end');
  });

  it('250: leaves nothing in shared memory once the next program has started, also when all of it was killed', async () => {
    const running = startFile([ending, 'killed']);
    await until(() => running.stdout().split('\n').length === 3, 'two pids');
    const pids = running.stdout().split('\n').map(Number).slice(0, 2);
    for (const pid of [running.pid, ...pids]) process.kill(pid, 'SIGKILL');
    await running.ended;
    await until(() => !pids.some(runs), 'the end of all');
    await runFile([ending, 'naturally']);
    assert.deepEqual(readdirSync(sandbox), []);
  });

  it('X19: children end with 0 where standard output or error is closed', async () => {
    for (const closed of ['>&-', '2>&-', '>&- 2>&-']) {
      const { code } = await runFile([ending, 'printed', closed], { shell: true });
      assert.equal(code, 0, closed);
    }
  });

  it('X19: children end with 0 where nobody reads what they print', async () => {
    const { code, stdout } = await runFile([`${ending} printed | true; echo done; exit`], { shell: true });
    assert.deepEqual([code, stdout], [0, 'done\n']);
  });

  it('an error in a target is printed with the child’s name and its stack', async () => {
    const { code, stderr } = await runFile([ending, 'failing']);
    assert.equal(code, 0);
    for (const name of ['Process Process-1', 'Thread Thread-1']) {
      assert.match(stderr, new RegExp(`^${name}:\\nTypeError: in the target\\n {4}at failsInside `, 'm'));
    }
  });

  it('what threads print comes out whole, also while the main thread is blocked', async () => {
    const { code, stdout } = await runFile([ending, 'interleaved']);
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.at(-1), 'all joined');
    assert.equal(lines.length, 601);
    for (const line of lines.slice(0, -1)) {
      const [, n, rest] = /^line (\d+) (x*)$/.exec(line) ?? [];
      assert.equal(rest?.length, Number(n));
    }
  });
});

function linesOf(stdout: string): string[] {
  return stdout.trimEnd().split('\n').sort();
}
