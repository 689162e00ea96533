/** Decode: agents and objects, read from two copies of a namespace. */

import type { NamespaceCopy } from './copy.ts';
import { readAgents, readEntries } from './decode-agents.ts';
import { readObjects } from './decode-objects.ts';
import type { Lives } from './lives.ts';
import type { AgentSnapshot, ObjectSnapshot } from './types.ts';

export interface Decoded {
  readonly agents: AgentSnapshot[];
  readonly objects: ObjectSnapshot[];
}

/** Reads both copies; `folder` for names, `now` in common milliseconds. */
export function decode(
  folder: string,
  before: NamespaceCopy,
  copy: NamespaceCopy,
  lives: Lives,
  now: number,
): Decoded {
  const entries = readEntries(copy, now);
  const agents = readAgents(before, copy, lives, now, entries);
  // Drop the entries of dead agents, which nobody has cleared yet.
  for (const { slot, life } of agents) if (life === 'dead') entries.delete(slot);
  return { agents, objects: readObjects(folder, before, copy, entries) };
}
