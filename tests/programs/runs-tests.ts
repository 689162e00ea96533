/**
 * Runs a test file as `npm test` does: `runs-tests <file> <limit in ms>`. Started by the test of
 * the test runner.
 */

import { fileURLToPath } from 'node:url';

const [, , file = '', limit = ''] = process.argv;
const runner = new URL('../../../scripts/run-tests.mjs', import.meta.url);
const { runTests } = (await import(runner.href)) as {
  runTests(folder: string, files: string[], options: { limit: number }): Promise<boolean>;
};
const folder = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
console.log('all passed:', await runTests(folder, [file], { limit: Number(limit) }));
