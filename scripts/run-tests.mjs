// Runs test files, each in a process of its own: those that leave the machine to others two at a
// time, the others alone. Reports how long the slowest files took, and the folders, beside what
// CONTRIBUTING.md gives each.
import { basename, dirname } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

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
const FIRST = [/^crash\/messages/, /^crash\//, /^packed\//, /^workers\//, /^conformance\/queue/];

/** Runs the files of the folder; resolves to whether all tests passed. */
export async function runTests(folder, files) {
  const times = new Map();
  const alone = files.filter((file) => ALONE.some((form) => form.test(file)));
  const others = files.filter((file) => !alone.includes(file)).sort((a, b) => rank(a) - rank(b));
  let passed = true;
  for (const [round, concurrency] of [
    [others, SIDE_BY_SIDE],
    [alone, 1],
  ]) {
    if (round.length > 0) passed = (await runRound(folder, round, concurrency, times)) && passed;
  }
  if (files.length > 1) report(times);
  return passed;
}

function rank(file) {
  const place = FIRST.findIndex((form) => form.test(file));
  return place < 0 ? FIRST.length : place;
}

async function runRound(folder, files, concurrency, times) {
  let passed = true;
  const paths = new Map(files.map((file) => [`${folder}/${file}`, file]));
  const events = run({ files: [...paths.keys()], concurrency });
  events.on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) passed = false;
  });
  // The one event that a file has of its own: it has its path for a name.
  events.on('test:complete', ({ name, details }) => {
    if (paths.has(name)) times.set(paths.get(name), details.duration_ms / 1000);
  });
  const lines = events.compose(new spec());
  for await (const line of lines) process.stdout.write(line);
  for (const [path, file] of paths) {
    if (times.has(file)) continue;
    console.error(`${path} did not run`);
    passed = false;
  }
  return passed;
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
