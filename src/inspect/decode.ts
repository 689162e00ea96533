/** Decode: agents and objects, read from two copies of a namespace. */

import type { Readings } from './decode-agents.ts';
import { readAgents, readEntries } from './decode-agents.ts';
import { readObjects } from './decode-objects.ts';
import type { AgentSnapshot, ObjectSnapshot } from './types.ts';

export interface Decoded {
  readonly agents: AgentSnapshot[];
  readonly objects: ObjectSnapshot[];
}

export function decode({ folder, before, copy, states, lives, now }: Readings): Decoded {
  const entries = readEntries(copy, now);
  const agents = readAgents({ before, copy, states, lives, now }, entries);
  // Drop the entries of dead agents, which nobody has cleared yet.
  for (const { slot, life } of agents) if (life === 'dead') entries.delete(slot);
  return { agents, objects: readObjects(folder, before, copy, entries) };
}
