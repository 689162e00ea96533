// @ts-check
/**
 * A snapshot of a namespace in which all 255 slots are taken and 10,000 objects live, in ms: again
 * and again in one program, and the first in a new program, as for `lockstep why`. The agents are
 * copies of one that waits, each with a thread of a program of 256 threads, so that the state of as
 * many threads is read.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { Lock } from 'lockstep';
import { takeSnapshot } from 'lockstep/inspect';
import { monotonicMs } from '../clock.js';
import { OURS } from '../figures.js';

const OBJECTS = 10_000;
const AGENTS = 255;
const HEADER_WORDS = 1024;
const AGENT_WORDS = 192;
const HIGH_SLOT_WORD = 5;
const PID_WORD = 1;
const TID_WORD = 21;

const MANY_THREADS = `
  for (let i = 0; i < 4000; i++) require('fs').stat('/', () => {});
  process.stdin.resume();
  process.stdout.write('ready');`;

async function startThreads() {
  const child = spawn(process.execPath, ['-e', MANY_THREADS], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, UV_THREADPOOL_SIZE: String(AGENTS) },
  });
  await once(child.stdout, 'data');
  const threads = readdirSync(`/proc/${child.pid}/task`).map(Number);
  if (threads.length < AGENTS) throw new Error(`only ${threads.length} threads`);
  return { child, threads };
}

/** Milliseconds for the snapshot; throws if it has not seen everything. */
export function measureSnapshot(/** @type {string} */ folder) {
  const from = monotonicMs();
  const [seen] = takeSnapshot({ folders: [folder] }).namespaces;
  const took = monotonicMs() - from;
  if (seen?.agents.length !== AGENTS || seen.objects.length !== OBJECTS)
    throw new Error(`${seen?.agents.length} agents and ${seen?.objects.length} objects were seen`);
  return took;
}

function measureFirst(/** @type {string} */ folder) {
  const source = `import { measureSnapshot } from ${JSON.stringify(import.meta.url)};
    process.stdout.write(String(measureSnapshot(${JSON.stringify(folder)})));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  return Number(stdout);
}

export async function prepare() {
  const namespace = `bench-${process.pid}`;
  const locks = Array.from({ length: OBJECTS }, () => new Lock({ namespace }));
  const waits = locks[0]?.acquireSync();
  const giveUp = new AbortController();
  const waiting = locks[0]?.acquire({ deadlock: 'ignore', signal: giveUp.signal }).catch(() => {});
  const base = `${process.env.LOCKSTEP_DIR ?? '/dev/shm'}/lockstep-${process.geteuid?.()}`;
  const folder = `${base}.${namespace}-full`;
  cpSync(`${base}.${namespace}`, folder, {
    recursive: true,
    filter: (path) => !/(agent|bell|rouse)-/.test(path),
  });
  const { child, threads } = await startThreads();
  const bytes = readFileSync(`${folder}/control`);
  const words = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const first = words.slice(HEADER_WORDS + AGENT_WORDS, HEADER_WORDS + 2 * AGENT_WORDS);
  for (let slot = 2; slot <= AGENTS; slot++) {
    first[PID_WORD] = child.pid ?? 0;
    first[TID_WORD] = threads[slot - 2] ?? 0;
    words.set(first, HEADER_WORDS + slot * AGENT_WORDS);
  }
  words[HIGH_SLOT_WORD] = AGENTS;
  writeFileSync(`${folder}/control`, new Uint8Array(words.buffer));
  return [
    {
      name: OURS,
      measure: () => measureSnapshot(folder),
      close: async () => {
        giveUp.abort();
        await waiting;
        waits?.release();
        for (const lock of locks) lock.close();
        child.kill();
        rmSync(folder, { recursive: true });
      },
    },
    { name: 'first in a program', cold: true, measure: () => measureFirst(folder) },
  ];
}
