// @ts-check
/**
 * The peers that are not JavaScript: each round is one run of a small program that prints one
 * number.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('peers/peers.c', import.meta.url));
const binary = fileURLToPath(new URL('build/peers', import.meta.url));
const script = fileURLToPath(new URL('peers/peers.py', import.meta.url));
const compiler = process.env.CC ?? 'cc';

/** @param {string} command */
function version(command) {
  const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0] : undefined;
}

export const compilerVersion = () => version(compiler);
export const pythonVersion = () => version('python3');

/**
 * Compiles the C peer when that is needed and possible; says why not.
 * @returns {string | undefined}
 */
export function compilePeers() {
  if (existsSync(binary) && statSync(binary).mtimeMs >= statSync(source).mtimeMs) return undefined;
  if (compilerVersion() === undefined) return `no C compiler ("${compiler}") here`;
  mkdirSync(new URL('build', import.meta.url), { recursive: true });
  const { status, stderr } = spawnSync(compiler, ['-O2', '-pthread', '-o', binary, source], {
    encoding: 'utf8',
  });
  return status === 0 ? undefined : `${compiler} can't compile peers.c: ${stderr.trim()}`;
}

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const printed = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const figure = Number(printed);
  if (!(figure > 0)) throw new Error(`${command} ${args.join(' ')} printed "${printed}" instead of a number`);
  return figure;
}

/**
 * @param {string} name
 * @param {(string | number)[]} args
 * @returns {import('./row.js').Side}
 */
export function c(name, ...args) {
  if (!existsSync(binary)) return { name, missing: 'no C compiler here' };
  return { name, measure: () => run(binary, args.map(String)), cold: true };
}

/**
 * @param {string} name
 * @param {(string | number)[]} args
 * @returns {import('./row.js').Side}
 */
export function python(name, ...args) {
  if (pythonVersion() === undefined) return { name, missing: 'no python3 here' };
  return { name, measure: () => run('python3', [script, ...args.map(String)]), cold: true };
}
