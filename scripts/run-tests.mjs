// Runs test files, each in a process of its own: those that leave the machine to others two at a
// time, the others alone. A file that does not end is killed, with all that it has started. Reports
// at the end what failed, how long the slowest files took, and the folders, beside what
// CONTRIBUTING.md gives each.
import { basename, dirname } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { inspect } from 'node:util';
import { descendantsOf, describeProcess, killAll, processesLike } from '../build/tests/support/processes.js';

/** Files that run side by side: more would make waits long that tests expect to be short. */
const SIDE_BY_SIDE = 2;
const SLOWEST = 10;
/** Files that run alone measure, fill the machine, or use all its cores by themselves. */
const ALONE = [
  /^model\//,
  /^stress\//,
  /^soak\//,
  /^damage\/damage/,
  /^cluster\/nemesis/,
  /^conformance\/fairness/,
  /^bad-input\/(agents|space)/,
];
/** The longest files come first, so that the last files to run are short ones. */
const FIRST = [
  /^crash\/messages/,
  /^crash\//,
  /^packed\//,
  /^workers\//,
  /^c(python|luster)\//,
  /^types\//,
  /^conformance\//,
];

/** Milliseconds after which a file that has not ended is killed: many times what one takes. */
const LIMIT = 10 * 60_000;

/** Runs the files of the folder; resolves to whether all tests passed. */
export async function runTests(folder, files, { limit = LIMIT } = {}) {
  const times = new Map();
  const failures = [];
  const alone = files.filter((file) => ALONE.some((form) => form.test(file)));
  const others = files.filter((file) => !alone.includes(file)).sort((a, b) => rank(a) - rank(b));
  let passed = true;
  for (const [round, concurrency] of [
    [others, SIDE_BY_SIDE],
    [alone, 1],
  ]) {
    if (round.length === 0) continue;
    passed = (await runRound(folder, round, { concurrency, limit, times, failures })) && passed;
  }
  if (files.length > 1) report(times);
  if (failures.length > 0) console.log(['', 'what failed', ...failures].join('\n'));
  return passed;
}

function rank(file) {
  const place = FIRST.findIndex((form) => form.test(file));
  return place < 0 ? FIRST.length : place;
}

async function runRound(folder, files, { concurrency, limit, times, failures }) {
  let passed = true;
  const paths = new Map(files.map((file) => [`${folder}/${file}`, file]));
  const watched = new Map();
  /** By file: the tests that have begun and not ended. */
  const begun = new Map();
  const events = run({ files: [...paths.keys()], concurrency });
  const watch = (file) => {
    if (paths.has(file) && !watched.has(file)) watched.set(file, setTimeout(killFile, limit, file, limit));
  };
  events.on('test:dequeue', ({ name, file = name, nesting }) => {
    // Node 22 reports no file that begins: there it is watched from its first test on.
    watch(file);
    if (!paths.has(name)) begun.set(file, [...(begun.get(file) ?? []), { name, nesting }]);
  });
  events.on('test:fail', ({ name, file = name, todo, details: { error } }) => {
    if (todo !== undefined && todo !== false) return;
    passed = false;
    // A suite fails with its tests, which are listed.
    if (error.failureType === 'subtestsFailed') return;
    failures.push(
      failure(paths.get(file) ?? file, paths.has(name) ? undefined : name, error, begun.get(file)),
    );
  });
  events.on('test:complete', ({ name, file = name, nesting, details }) => {
    // The one event that a file has of its own: it has its path for a name.
    if (paths.has(name)) {
      clearTimeout(watched.get(name));
      watched.set(name, undefined);
      times.set(paths.get(name), details.duration_ms / 1000);
    } else {
      const tests = begun.get(file) ?? [];
      tests.splice(
        tests.findIndex((test) => test.name === name && test.nesting === nesting),
        1,
      );
    }
  });
  const lines = events.compose(new spec());
  for await (const line of lines) process.stdout.write(line);
  for (const [path, file] of paths) {
    if (times.has(file)) continue;
    console.error(`${path} did not run`);
    failures.push(`  ${file} did not run`);
    passed = false;
  }
  return passed;
}

/** `conformance/lock.test.js: name of the test`, and the error below it. */
function failure(file, name, error, begun = []) {
  const text = inspect(error.cause ?? error, { depth: 1 }).replace(/^/gm, '    ');
  const unended = name === undefined ? begun.map((test) => `    not ended: ${test.name}`) : [];
  return [`  ${file}: ${name ?? 'the file itself'}`, ...unended, text].join('\n');
}

/**
 * Kills the process of a test file, and all its descendants. The file's output is shown like that
 * of any file that has failed.
 */
function killFile(path, limit) {
  const file = descendantsOf(process.pid).find((pid) => describeProcess(pid).includes(path));
  if (file === undefined) return;
  const family = [file, ...descendantsOf(file)];
  // Those whose parents have ended are known by the folder of their shared memory.
  const all = [...new Set([...family, ...processesLike(family.slice(1), process.env.LOCKSTEP_TEST_DIR)])];
  console.error(`${path} has not ended in ${limit / 1000} s. It is killed, with its processes:`);
  for (const pid of all) console.error(`  ${describeProcess(pid)}`);
  // The file first, so that it does not see the deaths of its children and end its tests.
  killAll(all);
}

function report(times) {
  const folders = new Map();
  for (const [file, seconds] of times) {
    const folder = basename(dirname(file));
    folders.set(folder, (folders.get(folder) ?? 0) + seconds);
  }
  const longest = (entries) => [...entries].sort((a, b) => b[1] - a[1]);
  const rows = (entries) =>
    entries.map(([name, seconds]) => `  ${seconds.toFixed(1).padStart(6)} s  ${name}`);
  console.log(['', 'slowest files', ...rows(longest(times).slice(0, SLOWEST))].join('\n'));
  console.log(['folders, with files that ran side by side', ...rows(longest(folders))].join('\n'));
}
