/**
 * The cluster loads on every operating system: nothing in its import graph needs koffi or Linux.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const HOOKS = `export function resolve(specifier, context, next) {
  if (specifier === 'koffi') throw new Error('koffi is asked for by ' + context.parentURL);
  return next(specifier, context);
}`;
const PROGRAM = `
import { register } from 'node:module';
Object.defineProperty(process, 'platform', { value: 'darwin' });
register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(HOOKS)}));
const { connect } = await import('lockstep/memory');
await import('lockstep/cluster');
await using cluster = await connect();
await cluster.lock('it').run(({ token }) => console.log(token > 0));
await import('lockstep').then(({ Lock }) => new Lock()).then(() => console.log('loaded'), ({ message }) => console.log(message));
`.replace('await using cluster', 'const cluster');

for (const [what, options] of [
  ['modules', '--conditions=lockstep-modules'],
  ['bundle', ''],
] as const) {
  it(`lockstep/memory runs on a faked macOS without koffi, as ${what}`, {
    skip: !existsSync(`${ROOT}dist/cluster/memory.js`),
  }, () => {
    const printed = execFileSync(
      process.execPath,
      ['--input-type=module', '-e', `${PROGRAM}\nawait cluster.close();`],
      {
        cwd: ROOT,
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: options },
      },
    );
    const [held, core] = printed.trim().split('\n');
    assert.equal(held, 'true');
    // The fake bites: shared memory is not to be had.
    assert.match(core!, /koffi|Linux|linux/);
  });
}
