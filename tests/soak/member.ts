/**
 * The program of a member: its flows, some of them in a thread of their own, until they are asked
 * to end, or killed.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { RLock, Thread } from 'lockstep';
import type { Word } from '../support/words.ts';
import type { Act } from './act.ts';
import { ACTS } from './acts/all.ts';
import { type Board, RESTING, report } from './board.ts';
import { CAST, type Part, seatsOf } from './cast.ts';
import { Flow } from './flow.ts';

/** Everything that a member is given. */
export interface Engagement {
  member: number;
  generation: number;
  seed: number;
  board: Board;
  /** The objects of each act. */
  things: unknown[];
}

/** Target of the member's process. */
export async function plays(engagement: Engagement): Promise<void> {
  const hasThread = seatsOf(engagement.member, 'worker').length > 0;
  const thread = hasThread ? new Thread({ target: playsInThread, args: [engagement] }) : undefined;
  thread?.start();
  await playIn('main', engagement);
  await thread?.result;
}

/** Target of the member's thread. */
export async function playsInThread(engagement: Engagement): Promise<void> {
  await playIn('worker', engagement);
}

async function playIn(thread: Part['thread'], engagement: Engagement): Promise<void> {
  const { member, generation, seed, board, things } = engagement;
  const flows = seatsOf(member, thread).map((seat) => new Flow(board, seat, generation, seed));
  // Where several flows share a thread, an RLock of its own gives each a scope: else they would be
  // one owner of what they take.
  const play = (flow: Flow): Promise<void> => playOn(flow, things);
  if (flows.length === 1) await play(flows[0] as Flow);
  else await Promise.all(flows.map((flow) => new RLock().run(() => play(flow))));
}

/** One operation after the other. */
async function playOn(flow: Flow, things: unknown[]): Promise<void> {
  const { board, seat, random } = flow;
  const open = ACTS.filter(({ partiesOnly }) => partiesOnly !== true);
  const { only } = CAST[seat] as Part;
  const program = only === undefined ? open : ACTS.filter(({ name }) => name === only);
  while (board.stop.value === 0) {
    const act = random.pick(program);
    flow.act = ACTS.indexOf(act);
    const thing = things[flow.act];
    if (board.rest.value !== 0 && (act.mayRest?.(flow, thing) ?? true)) {
      await rest(board, seat);
      continue;
    }
    (board.operations[flow.act] as Word).add(1);
    await perform(flow, act, thing);
    // A turn for the other flows of the thread, and sometimes for all flows.
    if (random.percent(2)) await sleep(random.below(4));
  }
}

async function perform(flow: Flow, act: Act, thing: unknown): Promise<void> {
  try {
    await act.play(flow, thing);
  } catch (error) {
    const { name, stack } = error as Error;
    // Locks are always taken in the same order, and waits end by themselves: nobody can be stuck in
    // a circle.
    const what = name === 'DeadlockError' ? 'a deadlock was seen where there is none' : 'an unexpected error';
    flow.violated(`${act.name}: ${what}: ${stack ?? String(error)}`);
  }
  flow.exit();
}

async function rest(board: Board, seat: number): Promise<void> {
  const state = board.state[seat] as Word;
  state.value = RESTING;
  while (board.rest.value !== 0 && board.stop.value === 0) await sleep(2);
  state.value = 0;
}

/** For a member that ends otherwise than it should. */
export function reportEnd(board: Board, member: number, exitCode: number | null): void {
  report(board, `member ${member} ended with exit code ${exitCode} by itself`);
}
