/** ObjectText: the state of an object, in a few words. */

import { programOf } from '../inspect/members.ts';
import type { AgentSnapshot, NamespaceSnapshot, ObjectSnapshot } from '../inspect/types.ts';
import { count, visible } from '../inspect/words.ts';

export function stateText(object: ObjectSnapshot, namespace: NamespaceSnapshot): string {
  const { kind, state, holders } = object;
  const who = (slot: number): string => {
    const agent: AgentSnapshot | undefined = namespace.agents.find((each) => each.slot === slot);
    if (agent === undefined) return `slot ${slot}, in which nobody sits`;
    return `${agentText(agent)}${agent.life === 'dead' ? ', which is dead' : ''}`;
  };
  switch (kind) {
    case 'Lock':
    case 'RLock': {
      const [holder] = holders;
      if (holder === undefined)
        return state.recovered === true ? 'free, its last holder died inside' : 'free';
      return `held by ${who(holder.slot)}${holder.count > 1 ? `, ${holder.count} times` : ''}`;
    }
    case 'RWLock': {
      const writer = holders.find(({ as }) => as === 'writer');
      const readers = holders.filter(({ as }) => as === 'reader');
      if (writer !== undefined && state.pending !== true) return `written by ${who(writer.slot)}`;
      const waits = writer === undefined ? '' : `; ${who(writer.slot)} waits to write`;
      if (readers.length === 0) return `free${waits}`;
      return `read by ${readers.length === 1 ? who(readers[0]!.slot) : count(readers.length, 'thread')}${waits}`;
    }
    case 'BoundedSemaphore': {
      const holding = holders.map(
        ({ slot, count: permits }) => `${who(slot)}${permits > 1 ? ` ${permits}` : ''}`,
      );
      return `${state.value} of ${state.limit} free${holding.length === 0 ? '' : `, held by ${holding.slice(0, 3).join(', ')}${holding.length > 3 ? ', …' : ''}`}`;
    }
    case 'Semaphore':
      return `${count(Number(state.value), 'permit')}`;
    case 'Event':
      return state.set === true ? 'set' : 'not set';
    case 'Latch':
      return `${state.count} to count down`;
    case 'Barrier':
      return `${state.arrived} of ${state.parties} arrived${state.broken === true ? ', broken' : ''}`;
    default:
      return state.closed === true ? 'closed' : '';
  }
}

/** `worker-2 (4121, thread 2, api.js)`. */
export function agentText(agent: AgentSnapshot): string {
  const program = programOf(agent);
  const thread = agent.threadId === 0 ? '' : `, thread ${agent.threadId}`;
  return visible(`${agent.name} (${agent.pid}${thread}${program === '' ? '' : `, ${program}`})`);
}
