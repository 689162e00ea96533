/** Decode: agents and objects, read from two copies of a namespace. */

import type { Readings } from './decode-agents.ts';
import { readAgents, readEntries } from './decode-agents.ts';
import { readObjects } from './decode-objects.ts';
import { readPools } from './pools.ts';
import type { AgentSnapshot, ObjectSnapshot, PoolSnapshot } from './types.ts';

export interface Decoded {
  readonly agents: AgentSnapshot[];
  readonly pools: PoolSnapshot[];
  readonly objects: ObjectSnapshot[];
  readonly problems: readonly string[];
}

export function decode({ folder, before, copy, states, lives, now }: Readings): Decoded {
  const entries = readEntries(copy, now);
  const agents = readAgents({ before, copy, states, lives, now }, entries);
  // Drop the entries of dead agents, which nobody has cleared yet.
  for (const { slot, life } of agents) if (life === 'dead') entries.delete(slot);
  const objects = readObjects(folder, before, copy, entries);
  const { pools, damage } = readPools(folder, agents, objects, now);
  return { agents, pools, objects, problems: [...copy.damage, ...damage] };
}
