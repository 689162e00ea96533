/**
 * The published package compiles in a project of its own, also where TypeScript checks the
 * declarations of packages (its own default), with every TypeScript and module setting that is
 * supported.
 */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AT_ONCE } from '../support/at-once.ts';
import { HANG_MS } from '../support/until.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** The compilers, with a lock file of their own. */
const COMPILERS = join(ROOT, 'tests/declarations');
const VERSIONS = ['5.7', '5.9', '6.0', '7.0'];
const MODULES = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
];
/**
 * Nothing but the language of Node 20: no DOM, and no declarations of newer things that the package
 * would have to bring.
 */
const OPTIONS = {
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  target: 'es2022',
  lib: ['es2022'],
  types: ['node'],
};
const PROGRAM = `
import * as lockstep from 'lockstep';
import { Condition, isMainProcess, Lock, Process, Queue, SharedArray, SharedMemory, struct, Value } from 'lockstep';
class Named extends Lock { label = 'mine'; }
class Job extends Process { override run(): number { return 1; } }
export async function work(queue: Queue<number>, lock: Lock): Promise<number> {
  const hold = await lock.acquire({ timeout: 100 });
  if (hold === null) throw new lockstep.TimedOutError('busy');
  hold.release();
  const taken: number | null = queue.tryGet();
  return taken ?? (await queue.get());
}
if (isMainProcess) {
  const child = new Process({ target: work, args: [new Queue<number>(), new Named()] });
  child.start();
  const result: number = await child.result;
  const Point = struct({ x: 'f64', tags: 'u8[4]' });
  const point = new Point({ x: result });
  point.x += new Value('i32', 1).value + new SharedArray('i32', 3).at(0);
  await new Condition().waitFor(() => point.x > 0, { timeout: 5 });
  new SharedMemory({ name: 'x', size: 8 }).close();
  new Job().start();
}
// @ts-expect-error there is no such option
new Lock({ nmae: 'x' });
`;

let folder: string;

function run(command: string, args: string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? ''}${stdout}${stderr}`);
}

/** Installs what the lock file of the compilers names, once. */
function installCompilers(): void {
  const installed = join(COMPILERS, 'node_modules/.package-lock.json');
  const lock = join(COMPILERS, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], COMPILERS);
}

before(() => {
  installCompilers();
  folder = mkdtempSync(join(tmpdir(), 'lockstep-declarations-'));
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], ROOT);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'lockstep'), { recursive: true });
  const tarball = join(folder, 'lockstep-0.1.0.tgz');
  run('tar', ['-xzf', tarball, '--strip-components=1', '-C', join(modules, 'lockstep')], folder);
  for (const name of ['@types', 'undici-types']) {
    symlinkSync(join(COMPILERS, 'node_modules', name), join(modules, name));
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'main.ts'), PROGRAM);
});

after(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the published declarations', { concurrency: AT_ONCE, timeout: HANG_MS }, () => {
  for (const version of VERSIONS) {
    for (const [index, modules] of MODULES.entries()) {
      // The older compilers take seconds each: one module setting of each here, all of them in the
      // deep tests.
      const quick = version === '7.0' || index === VERSIONS.indexOf(version);
      if (!quick && process.env.LOCKSTEP_MODEL !== 'deep') continue;
      it(`compile with TypeScript ${version}, ${modules.moduleResolution}`, async () => {
        const compiler = join(COMPILERS, `node_modules/typescript-${version}/bin/tsc`);
        const config = join(folder, `tsconfig-${version}-${modules.moduleResolution}.json`);
        writeFileSync(
          config,
          JSON.stringify({ compilerOptions: { ...OPTIONS, ...modules }, files: ['main.ts'] }),
        );
        const ending = await promisify(execFile)(process.execPath, [compiler, '-p', config], {
          cwd: folder,
        }).catch((error: { stdout: string; stderr: string }) => error);
        assert.deepEqual([ending.stdout, ending.stderr], ['', '']);
      });
    }
  }
});
