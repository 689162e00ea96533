/** The servers of the tests end with the process that has started them. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { descendantsOf, runs } from '../support/processes.ts';
import { HANG_MS, until } from '../support/until.ts';
import { spawnServer } from './servers/server-process.ts';

const PROGRAM = fileURLToPath(new URL('./servers/starts-all.js', import.meta.url));

it('a test that is killed leaves no server behind', { timeout: HANG_MS }, async () => {
  const program = spawn(process.execPath, [PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(program.stdout, 'data')) as [Buffer];
  const { pids, folders } = JSON.parse(String(line)) as { pids: number[]; folders: string[] };
  const all = descendantsOf(program.pid!);
  assert.ok(pids.every((pid) => all.includes(pid)));
  assert.ok(all.length > pids.length, 'PostgreSQL has processes of its own');
  program.kill('SIGKILL');
  await until(() => !all.some(runs), 'all servers to be gone');
  for (const folder of folders) rmSync(folder, { recursive: true });
});

it('a server whose parent has died before the kernel knows is not run', async () => {
  const child = spawnServer('sleep', ['1000'], { parent: process.ppid });
  const [code] = await once(child, 'exit');
  assert.equal(code, 1);
});
