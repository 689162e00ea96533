// @ts-check
/**
 * A snapshot of a namespace in which all 255 slots are taken and 10,000 objects live, in ms. The
 * agents are copies of one that waits: only the amount that is read and reported matters.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { Lock } from 'lockstep';
import { takeSnapshot } from 'lockstep/inspect';
import { monotonicMs } from '../clock.js';
import { OURS } from '../figures.js';

const OBJECTS = 10_000;
const AGENTS = 255;
const HEADER_WORDS = 1024;
const AGENT_WORDS = 192;
const HIGH_SLOT_WORD = 5;

export function prepare() {
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
  const bytes = readFileSync(`${folder}/control`);
  const words = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const first = words.slice(HEADER_WORDS + AGENT_WORDS, HEADER_WORDS + 2 * AGENT_WORDS);
  for (let slot = 2; slot <= AGENTS; slot++) words.set(first, HEADER_WORDS + slot * AGENT_WORDS);
  words[HIGH_SLOT_WORD] = AGENTS;
  writeFileSync(`${folder}/control`, new Uint8Array(words.buffer));
  return [
    {
      name: OURS,
      measure: () => {
        const from = monotonicMs();
        const [seen] = takeSnapshot({ folders: [folder] }).namespaces;
        const took = monotonicMs() - from;
        if (seen?.agents.length !== AGENTS || seen.objects.length !== OBJECTS)
          throw new Error(`${seen?.agents.length} agents and ${seen?.objects.length} objects were seen`);
        return took;
      },
      close: async () => {
        giveUp.abort();
        await waiting;
        waits?.release();
        for (const lock of locks) lock.close();
        rmSync(folder, { recursive: true });
      },
    },
  ];
}
