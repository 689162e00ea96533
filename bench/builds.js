// @ts-check
/**
 * Other builds of the library, for rows that compare them with the present one: that of an earlier
 * commit, or the present code with another value of a constant. Each is a folder like the project's
 * own, with `dist` in it. Beside it lies a copy of this bench that measures that build.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Build
 * @property {string} name
 * @property {string} bench   the folder of its bench
 * @property {Record<string, string>} [environment]   of its processes
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const own = fileURLToPath(new URL('.', import.meta.url));
const modules = join(root, 'build/src');
/** Files that a build with a changed constant is bundled from. */
const NEEDED = ['package.json', 'scripts', 'build/src', 'build/declarations'];

/** @type {Build} */
export const PRESENT = { name: 'present', bench: own };

/** @returns {string} a folder of builds, which the caller removes */
export function folderOfBuilds() {
  return mkdtempSync(join(tmpdir(), 'lockstep-builds-'));
}

/**
 * The library as of the commit. It is built once, and kept in `bench/build`.
 * @param {string} folder
 * @param {string} commit
 * @returns {Build}
 */
export function buildOfCommit(folder, commit) {
  const git = (/** @type {string[]} */ ...args) =>
    execFileSync('git', ['-C', root, ...args], { maxBuffer: 2 ** 30, stdio: ['ignore', 'pipe', 'inherit'] });
  const hash = git('rev-parse', '--verify', `${commit}^{commit}`).toString().trim();
  const built = join(own, 'build', hash);
  if (!existsSync(join(built, 'dist/index.js'))) {
    rmSync(built, { recursive: true, force: true });
    mkdirSync(built, { recursive: true });
    execFileSync('tar', ['-x', '-C', built], { input: git('archive', hash) });
    const isSame = readFileSync(join(root, 'package-lock.json')).equals(
      readFileSync(join(built, 'package-lock.json')),
    );
    if (isSame) symlinkSync(join(root, 'node_modules'), join(built, 'node_modules'));
    else
      execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
        cwd: built,
        stdio: ['ignore', 2, 2],
      });
    execFileSync('npm', ['run', 'build'], { cwd: built, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return withBench(folder, commit, built);
}

/**
 * The present library with each of the values of a constant. All are one copy of the library, in
 * which the constant has its value from the environment; the first of the builds has the present
 * value.
 * @param {string} folder
 * @param {string} constant   its name, or `codec/encoder:SHORT` where several files have the name
 * @param {string[]} values
 * @returns {Build[]}
 */
export function buildsWith(folder, constant, values) {
  const [name = '', path] = constant.split(':').reverse();
  const declaration = new RegExp(`^((?:export )?const ${name} = )([^;]+);`, 'm');
  const found = readdirSync(modules, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.js') &&
      (path === undefined || file === `${path}.js`) &&
      declaration.test(readFileSync(join(modules, file), 'utf8')),
  );
  const [file] = found;
  if (file === undefined) throw new RangeError(`no constant ${name} in ${path ?? 'src'}`);
  if (found.length > 1) {
    const choices = found.map((each) => `${each.slice(0, -'.js'.length)}:${name}`);
    throw new RangeError(`several constants have the name ${name}; write ${choices.join(' or ')}`);
  }
  const built = join(folder, 'tuned');
  for (const each of NEEDED) cpSync(join(root, each), join(built, each), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(built, 'node_modules'));
  const changed = join(built, 'build/src', file);
  const text = readFileSync(changed, 'utf8');
  writeFileSync(changed, text.replace(declaration, '$1Number(process.env.LOCKSTEP_TUNED ?? ($2));'));
  execFileSync(process.execPath, ['scripts/bundle.mjs'], { cwd: built, stdio: ['ignore', 2, 2] });
  const present = withBench(folder, PRESENT.name, built);
  return [
    present,
    ...values.map((value) => ({
      ...present,
      name: `${name} = ${value}`,
      environment: { LOCKSTEP_TUNED: value },
    })),
  ];
}

/**
 * Copies the bench, so that its `lockstep` is the library in `built`.
 * @param {string} folder
 * @param {string} name
 * @param {string} built
 * @returns {Build}
 */
function withBench(folder, name, built) {
  const bench = join(folder, `bench-${readdirSync(folder).length}`);
  cpSync(own, bench, {
    recursive: true,
    filter: (path) => !/^(?:node_modules|build)\b/.test(relative(own, path)),
  });
  const packages = join(bench, 'node_modules');
  mkdirSync(packages);
  for (const each of readdirSync(join(own, 'node_modules'))) {
    if (each !== 'lockstep') symlinkSync(join(own, 'node_modules', each), join(packages, each));
  }
  symlinkSync(built, join(packages, 'lockstep'));
  return { name, bench };
}
