/**
 * AwaitedJoins: records in this thread's slots which children its awaiting calls of `join` wait
 * for. Observers outside read them (`lockstep why`); no algorithm does, and no wake-up depends on
 * them. A slot that the thread takes later gets the calls as soon as its agent has joined.
 *
 * Only the thread itself writes the words. It first takes all children out, then writes whether
 * timed and since when, and each child last. These are plain writes. An observer that reads between
 * them finds other words at its second reading, and reports nothing that differs between the two.
 * A thread that is stopped in between shows fewer children. If it is killed in between, nobody
 * reads the words, because its agent is dead. The next agent of the slot clears them before it is
 * LIVE.
 */

import { note } from '#atomics';
import { commonTime } from '#park';
import type { Agent } from '../agents/agent.ts';
import { agentsOfThread, onJoining } from '../agents/membership.ts';
import { AGENT_ENDS, AGENT_ENDS_SINCE, AGENT_ENDS_TIMED, MOST_ENDS, TIME_MASK } from '../memory/layout.ts';

interface Join {
  readonly child: number;
  readonly since: number;
  readonly timed: boolean;
}

/** The awaiting calls, in the order in which they began. */
const joins = new Set<Join>();
/** Whether slots that the thread takes from now on get the calls, too. */
let followsJoining = false;

/**
 * Records a call that awaits the end of the child: a process id, or minus the `threadId` of a
 * thread of this process. Returns the function that ends the record.
 */
export function noteJoin(child: number, timed: boolean): () => void {
  const join = { child, since: commonTime() & TIME_MASK, timed };
  joins.add(join);
  if (!followsJoining) onJoining((agent) => write([agent]));
  followsJoining = true;
  write(agentsOfThread());
  return () => {
    joins.delete(join);
    write(agentsOfThread());
  };
}

function write(agents: readonly Agent[]): void {
  const byChild = new Map<number, Join>();
  for (const join of joins) {
    const known = byChild.get(join.child);
    // One call without a timeout makes the wait for its child untimed.
    if (known === undefined) byChild.set(join.child, join);
    else if (known.timed && !join.timed) byChild.set(join.child, { ...known, timed: false });
  }
  const shown = [...byChild.values()].slice(0, MOST_ENDS);
  const timed = shown.reduce((bits, join, index) => bits | (join.timed ? 1 << index : 0), 0);
  for (const { words, base } of agents) {
    for (let index = 0; index < MOST_ENDS; index++) note(words, base + AGENT_ENDS + index, 0);
    note(words, base + AGENT_ENDS_TIMED, timed);
    for (const [index, { since, child }] of shown.entries()) {
      note(words, base + AGENT_ENDS_SINCE + index, since);
      note(words, base + AGENT_ENDS + index, child);
    }
  }
}
