// The tour: runs the programs of this folder one after the other, each as a program of its own, and
// says in a table which of them passed.
// npm start [-- [--list] [program …]]

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { paint } from './check.ts';
import { SKIPPED } from './redis-server.ts';

/** A program that has not ended by then hangs. */
const TIME_LIMIT_MS = 90_000;

const programs = new Map([
  ['shared-terminal', 'three processes print at once: lines interleave'],
  ['mutex', 'a Lock keeps lines together that belong together'],
  ['recursive-lock', 'an RLock may be taken again by its holder'],
  ['semaphore', 'a Semaphore lets in one, or two, at a time'],
  ['connection-limit', 'twenty threads share five connections'],
  ['producer-consumer', 'a Condition around a shelf of 1 to 10 items'],
  ['event', 'one signal lets five processes go'],
  ['service-ready', 'two workers wait until a server is up'],
  ['barrier', 'two processes meet and go on together'],
  ['countdown', 'shared numbers, exact under a lock'],
  ['deadlock', 'two threads would wait for each other; one of them gets an error'],
  ['deadlock-cured', 'the same with one RLock: all finish'],
  ['stuck', 'a program that hangs, and what lockstep why says of it'],
  ['processes', 'target, subclass, daemon, exit codes'],
  ['shared-file', 'two processes append whole lines to one file'],
  ['queue', 'three processes put, four take, each item once'],
  ['pipe', 'a child answers requests over a pipe'],
  ['coroutine', 'producer and consumer in one thread'],
  ['shared-matrix', 'four processes fill one matrix, a Barrier between the phases'],
  ['pool', 'a Pool draws the Mandelbrot set on all cores'],
  ['pool-crash', 'a worker is killed; all others go on'],
  ['pool-cancel', 'tasks are given up while they run'],
  ['cluster', 'a lock and a number over a Redis server, for several machines'],
  ['cluster-stale', 'a holder is stopped past its lease; its late write is refused'],
]);

interface Outcome {
  name: string;
  passed: boolean;
  result: string;
  seconds: number;
}

function runProgram(name: string, named: boolean): Promise<Outcome> {
  const start = performance.now();
  // A process group of its own, so that a program that hangs is ended with all its children.
  const child = spawn(process.execPath, [fileURLToPath(new URL(`${name}.js`, import.meta.url))], {
    stdio: 'inherit',
    detached: true,
    // Programs named on the command line may install what they need.
    env: { ...process.env, ...(named ? { LOCKSTEP_TOUR: 'named' } : {}) },
  });
  const killGroup = () => {
    try {
      if (child.pid) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The group has ended, as intended.
    }
  };
  const interrupt = (signal: NodeJS.Signals) => {
    killGroup();
    process.exit(128 + constants.signals[signal]);
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);

  return new Promise((resolve) => {
    let hangs = false;
    const timer = setTimeout(() => {
      hangs = true;
      killGroup();
    }, TIME_LIMIT_MS);
    const end = (passed: boolean, result: string) => {
      clearTimeout(timer);
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      killGroup(); // whatever the program left running
      resolve({ name, passed, result, seconds: (performance.now() - start) / 1000 });
    };
    child.once('error', (error) => end(false, `failed (${error.message})`));
    child.once('exit', (code, signal) => {
      if (hangs) end(false, `failed (not done in ${TIME_LIMIT_MS / 1000} s)`);
      else if (code === 0) end(true, 'passed');
      else if (code === SKIPPED) end(true, 'left out');
      else end(false, `failed (${signal ?? `exit code ${code}`})`);
    });
  });
}

function printTable(outcomes: Outcome[]): void {
  const width = (texts: Iterable<string>) => Math.max(...Array.from(texts, (text) => text.length));
  const names = width(['program', ...outcomes.map(({ name }) => name)]);
  const topics = width(outcomes.map(({ name }) => programs.get(name)!));
  const results = width(['result', ...outcomes.map(({ result }) => result)]);
  const row = (name: string, topic: string, result: string, time: string) =>
    `${name.padEnd(names)}  ${topic.padEnd(topics)}  ${result}  ${time.padStart(8)}`;

  console.log(`\n${paint('bold', row('program', 'shows', 'result'.padEnd(results), 'duration'))}`);
  for (const { name, passed, result, seconds } of outcomes) {
    const verdict = paint(passed ? 'green' : 'red', result.padEnd(results));
    console.log(row(name, programs.get(name)!, verdict, `${seconds.toFixed(2)} s`));
  }
  const failures = outcomes.filter(({ passed }) => !passed).length;
  const total = outcomes.reduce((sum, { seconds }) => sum + seconds, 0);
  const verdict = failures ? paint('red', `${failures} failed`) : paint('green', 'all passed');
  console.log(
    `\n${outcomes.length} program${outcomes.length === 1 ? '' : 's'}, ${verdict}, ${total.toFixed(1)} s`,
  );
}

function list(): string {
  const width = Math.max(...Array.from(programs.keys(), (name) => name.length));
  return Array.from(programs, ([name, topic]) => `  ${name.padEnd(width)}  ${topic}`).join('\n');
}

function refuse(problem: string): never {
  console.error(`${problem}\nnpm start [-- [--list] [program …]]\n\nPrograms:\n${list()}`);
  process.exit(2);
}

function parseArguments() {
  try {
    return parseArgs({ allowPositionals: true, options: { list: { type: 'boolean', short: 'l' } } });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const { values, positionals } = parseArguments();
const unknown = positionals.filter((name) => !programs.has(name));
if (unknown.length > 0) refuse(`No such program: ${unknown.join(', ')}`);
if (values.list) {
  console.log(list());
} else {
  const outcomes: Outcome[] = [];
  const named = positionals.length > 0;
  for (const name of named ? new Set(positionals) : programs.keys()) {
    console.log(`\n${paint('bold', `── ${name}: ${programs.get(name)} (examples/tour/${name}.ts)`)}\n`);
    outcomes.push(await runProgram(name, named));
  }
  printTable(outcomes);
  process.exitCode = outcomes.every(({ passed }) => passed) ? 0 : 1;
}
