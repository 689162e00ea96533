// Builds the library, installs the bench's own packages (once), and runs the bench. Options:
// `npm run bench -- --help`.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseOptions } from '../bench/options.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const bench = `${root}bench/`;

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

function readOptions() {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`bench: ${error.message}`);
    process.exit(2);
  }
}

const options = readOptions();
if (options) {
  run(process.execPath, [`${root}scripts/setup.mjs`], root);
  const installed = `${bench}node_modules/.package-lock.json`;
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(`${bench}package-lock.json`).mtimeMs) {
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], bench);
  }
  if (options.against ?? options.tunings) await (await import('../bench/turns.js')).runByTurns(options);
  else await (await import('../bench/run.js')).run(options);
}
