/** ObjectText: the state of an object, in a few words. */

import { programOf } from '../inspect/members.ts';
import { readRing } from '../inspect/rings.ts';
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
    case 'Pool':
    case 'ThreadPool':
      return poolText(state);
    case 'Event':
      return state.set === true ? 'set' : 'not set';
    case 'Latch':
      return `${state.count} to count down`;
    case 'Barrier':
      return `${state.arrived} of ${state.parties} arrived${state.broken === true ? ', broken' : ''}`;
    default:
      return [contentsText(namespace, object), amountText(object), state.closed === true ? 'closed' : '']
        .filter((part) => part !== '')
        .join(', ');
  }
}

/** `2 tasks run, 1 waits, 4 workers`. */
function poolText({ workers, running, queued }: ObjectSnapshot['state']): string {
  const runs = Number(running);
  const waits = Number(queued);
  const parts = [
    runs === 0 ? '' : `${count(runs, 'task')} ${runs === 1 ? 'runs' : 'run'}`,
    waits === 0 ? '' : `${runs === 0 ? count(waits, 'task') : waits} ${waits === 1 ? 'waits' : 'wait'}`,
    runs + waits === 0 ? 'idle' : '',
    count(Number(workers), 'worker'),
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** How much shared data there is; empty for objects that have none, or one value only. */
function amountText({ state: { length, size, bytes } }: ObjectSnapshot): string {
  if (typeof length === 'number') return count(length, 'element');
  const amount = size ?? bytes;
  return typeof amount === 'number' ? count(amount, 'byte') : '';
}

/** The contents of a queue or pipe: `3 of at most 10 items, 2 not yet done`; empty for others. */
function contentsText(namespace: NamespaceSnapshot, object: ObjectSnapshot): string {
  const ring = readRing(namespace, object);
  if (ring === undefined) return '';
  const { items, maxSize, unfinished } = ring;
  const contents = maxSize === 0 ? count(items, 'item') : `${items} of at most ${count(maxSize, 'item')}`;
  return object.kind === 'JoinableQueue' ? `${contents}, ${unfinished} not yet done` : contents;
}

/** `worker-2 (4121, thread 2, api.js)`. */
export function agentText(agent: AgentSnapshot): string {
  const program = programOf(agent);
  const thread = agent.threadId === 0 ? '' : `, thread ${agent.threadId}`;
  return visible(`${agent.name} (${agent.pid}${thread}${program === '' ? '' : `, ${program}`})`);
}

/** The objects that are parts of that one, as the gates of a queue, and the parts of those. */
export function partsOf(namespace: NamespaceSnapshot, { cell }: ObjectSnapshot): ObjectSnapshot[] {
  const direct = namespace.objects.filter(({ part }) => part?.of === cell);
  return direct.flatMap((each) => [each, ...partsOf(namespace, each)]);
}
