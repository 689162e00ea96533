/**
 * Slot: an agent's place in the file `control`. A joining agent takes a free slot, or the slot of a
 * dead agent after clearing up, and fills its words.
 *
 * LIVE is set last, by the holder of the slot's liveness lock. An agent that is killed before that
 * leaves a slot that is not LIVE; the next agent fills all words again.
 */

import { cas, load, note, store } from '#atomics';
import { ExhaustedError } from '../errors.ts';
import {
  AGENT_ABOUT,
  AGENT_ABOUT_BYTES,
  AGENT_ABOUT_LENGTH,
  AGENT_ENDS,
  AGENT_LIVE_BIT,
  AGENT_NAME,
  AGENT_NAME_BYTES,
  AGENT_NAME_LENGTH,
  AGENT_PID,
  AGENT_SLOTS,
  AGENT_STATE,
  AGENT_THREAD,
  AGENT_TID,
  agentWord,
  HIGH_SLOT_WORD,
  INCARNATION_SHIFT,
  MOST_ENDS,
} from '../memory/layout.ts';
import type { Namespace } from '../namespaces/namespace.ts';
import { platform } from '../platform/current.ts';
import { threadId } from '../this-thread.ts';
import { reap, tellOfDeath } from './reaper.ts';

const INCARNATION_STEP = 1 << INCARNATION_SHIFT;
const INCARNATION_MASK = 0x7ffffff0;

/**
 * Takes the lock of a slot without a living agent. Clears up after an agent that died in it;
 * `cleared` says whether there was one.
 */
export function takeSlot(namespace: Namespace): { slot: number; cleared: boolean } {
  let cleared = false;
  for (const lookAtTaken of [false, true]) {
    for (let slot = 1; slot < AGENT_SLOTS; slot++) {
      if (!lookAtTaken && namespace.isTaken(slot)) continue;
      // Take the lock first: only then is the slot certain to be empty.
      if (!namespace.tryLockSlot(slot)) continue;
      cleared ||= namespace.isTaken(slot);
      let free = false;
      try {
        // Clear up after a dead agent; the slot stays taken if parts were left.
        if (namespace.isTaken(slot)) tellOfDeath(namespace, slot);
        free = reap(namespace, slot, slot);
      } finally {
        if (!free) namespace.unlockSlot(slot);
      }
      if (free) return { slot, cleared };
    }
  }
  throw new ExhaustedError(
    `namespace "${namespace.folder}": can't be joined, its ${AGENT_SLOTS - 1} agents are all alive; ` +
      'end some of its processes and threads, or use several namespaces',
  );
}

/**
 * Fills the slot and sets LIVE. The caller has the slot's liveness lock. `about`: the description
 * of its program (about.ts).
 */
export function sitDown(namespace: Namespace, slot: number, name: string, about: string): void {
  const { words } = namespace;
  const base = agentWord(slot);
  const bytes = Buffer.from(namespace.control.buffer, (base + AGENT_NAME) * 4, AGENT_NAME_BYTES);
  store(words, base + AGENT_PID, process.pid);
  store(words, base + AGENT_THREAD, threadId);
  store(words, base + AGENT_NAME_LENGTH, bytes.write(name));
  note(words, base + AGENT_TID, platform.systemThread());
  for (let index = 0; index < MOST_ENDS; index++) note(words, base + AGENT_ENDS + index, 0);
  const text = Buffer.from(namespace.control.buffer, (base + AGENT_ABOUT) * 4, AGENT_ABOUT_BYTES);
  note(words, base + AGENT_ABOUT_LENGTH, text.write(about));
  const state = load(words, base + AGENT_STATE);
  store(words, base + AGENT_STATE, ((state + INCARNATION_STEP) & INCARNATION_MASK) | AGENT_LIVE_BIT);
  for (;;) {
    const high = load(words, HIGH_SLOT_WORD);
    if (high >= slot || cas(words, HIGH_SLOT_WORD, high, slot) === high) return;
  }
}
