/**
 * Count: runs conformance suites over a store, and counts the cases of each primitive: passed, left
 * out with a reason, and those that are not about the awaiting half of contracts.ts.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { BEYOND, LISTED } from '../../support/backends/backend.ts';

/** The primitives of contracts.ts, with the files of their suites. */
export const SUITES = {
  Lock: 'lock',
  RLock: 'rlock',
  Semaphore: 'semaphore',
  BoundedSemaphore: 'bounded-semaphore',
  Condition: 'condition',
  Event: 'event',
  Barrier: 'barrier',
  RWLock: 'rwlock',
  Latch: 'latch',
  Value: 'value',
  Queue: 'queue',
  JoinableQueue: 'joinable-queue',
} as const;

export type Primitive = keyof typeof SUITES;

export interface Left {
  readonly sentence: string;
  readonly reason: string;
}

export interface Count {
  /** Cases that ran and passed. */
  readonly passed: string[];
  /** Cases that were not run this time. */
  readonly listed: string[];
  readonly left: Left[];
  readonly beyond: Left[];
}

export interface Ran {
  readonly store: string;
  readonly counts: ReadonlyMap<Primitive, Count>;
}

/** Runs some suites over the backend, and lists the cases of the others. */
export async function count(
  store: string,
  backend: URL,
  runs: readonly Primitive[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const all = Object.keys(SUITES) as Primitive[];
  const lists = all.filter((primitive) => !runs.includes(primitive));
  const counts = new Map([
    ...(await go(backend, runs, env)),
    ...(await go(backend, lists, { ...env, LOCKSTEP_TEST_LIST: '1' })),
  ]);
  assert.deepEqual(new Set(counts.keys()), new Set(all), `${store}: a suite has not run`);
  return { store, counts };
}

async function go(
  backend: URL,
  primitives: readonly Primitive[],
  env: NodeJS.ProcessEnv,
): Promise<Map<Primitive, Count>> {
  if (primitives.length === 0) return new Map();
  const child = spawn(
    process.execPath,
    ['--test-reporter=tap', fileURLToPath(new URL('suites.js', import.meta.url))],
    {
      env: {
        ...process.env,
        ...env,
        LOCKSTEP_BACKEND: backend.href,
        LOCKSTEP_TEST_SUITES: primitives.map((primitive) => SUITES[primitive]).join(','),
        LOCKSTEP_DIR: undefined,
        NODE_TEST_CONTEXT: undefined,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.equal(code ?? signal, 0, output);
  return read(output);
}

/** `ok 1 - sentence # SKIP reason`, one level below the suite of the primitive. */
function read(output: string): Map<Primitive, Count> {
  const counts = new Map<Primitive, Count>();
  let at: Count | undefined;
  for (const line of output.split('\n')) {
    const [begins, suite = ''] = /^# Subtest: (?:(\w+): (?:memory|Redis|PostgreSQL), )?/.exec(line) ?? [];
    if (begins !== undefined) {
      at = suite in SUITES ? { passed: [], listed: [], left: [], beyond: [] } : undefined;
      if (at !== undefined) counts.set(suite as Primitive, at);
      continue;
    }
    const [, name, reason] = /^ {4}ok \d+ - (.*?)(?: # SKIP (.*))?$/.exec(line) ?? [];
    if (at === undefined || name === undefined) continue;
    const sentence = name.replaceAll('\\', '');
    if (reason === undefined) at.passed.push(sentence);
    else if (reason === LISTED) at.listed.push(sentence);
    else if (reason.startsWith(BEYOND)) at.beyond.push({ sentence, reason: reason.slice(BEYOND.length) });
    else at.left.push({ sentence, reason });
  }
  return counts;
}

/** Passed cases, or cases that pass when they run, of those of the awaiting half. */
export function sumOf(counts: Iterable<Count>): { held: number; of: number } {
  let held = 0;
  let of = 0;
  for (const { passed, listed, left } of counts) {
    held += passed.length + listed.length;
    of += passed.length + listed.length + left.length;
  }
  return { held, of };
}

/** The part of the page that shows the counts. */
export function table(all: readonly Ran[]): string {
  const cell = ({ held, of }: { held: number; of: number }): string => `${held} of ${of}`;
  const primitives = Object.keys(SUITES) as Primitive[];
  const rows = primitives.map((primitive) => {
    const cells = all.map(({ counts }) => cell(sumOf([counts.get(primitive)!])));
    return `| ${[primitive, ...cells].join(' | ')} |`;
  });
  const sums = all.map(({ counts }) => {
    const { held, of } = sumOf(counts.values());
    return `**${held} of ${of}**, ${Math.floor((held / of) * 1000) / 10} %`;
  });
  const left = new Map<string, { reason: string; stores: string[] }>();
  const beyond = new Map<string, string>();
  for (const { store, counts } of all) {
    for (const primitive of primitives) {
      const count = counts.get(primitive)!;
      for (const { sentence, reason } of count.left) {
        const name = `${primitive}: ${sentence}`;
        const { stores } = left.get(name) ?? { stores: [] };
        left.set(name, { reason, stores: [...stores, store] });
      }
      for (const { sentence, reason } of count.beyond) beyond.set(`${primitive}: ${sentence}`, reason);
    }
  }
  const byReason = new Map<string, number>();
  for (const reason of beyond.values()) byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
  return [
    `| cases passed | ${all.map(({ store }) => store).join(' | ')} |`,
    `|---|${all.map(() => '---').join('|')}|`,
    ...rows,
    `| all | ${sums.join(' | ')} |`,
    '',
    'Left out:',
    '',
    '| case | reason | over |',
    '|---|---|---|',
    ...[...left].map(
      ([name, { reason, stores }]) =>
        `| ${name} | ${reason} | ${stores.length === all.length ? 'all' : stores.join(', ')} |`,
    ),
    '',
    'Not counted, because they are not about the awaiting half:',
    '',
    '| cases | reason |',
    '|---|---|',
    ...[...byReason].map(
      ([reason, cases]) => `| ${cases} | ${reason.replace(/^(contracts\.ts has no )(\w+)$/, '$1`$2`')} |`,
    ),
  ].join('\n');
}
