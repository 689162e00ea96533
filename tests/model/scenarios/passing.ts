/** Passing: actors that take something, are inside for a while, and give it back. */

import type { WaitOptions } from 'lockstep';
import type { Hold } from '../internals.ts';
import type { Actor, Tools } from '../scenario.ts';

interface Takeable {
  acquire(): Promise<Hold>;
  acquire(options: WaitOptions): Promise<Hold | null>;
  acquireSync(): Hold;
  acquireSync(options: WaitOptions): Hold | null;
  tryAcquire(): Hold | null;
}

export interface Passing<Things> {
  /** Passes once: blocked, or in a flow that awaits. */
  block(tools: Tools<Things>): void;
  flow(tools: Tools<Things>): Promise<void>;
  /** Blocks until it has passed, `rounds` times. */
  blocks(rounds?: number): Actor<Things>;
  /** Blocks, but not forever. */
  readonly blocksFor: Actor<Things>;
  /** Awaits in `flows` calls at once. */
  awaits(flows?: number): Actor<Things>;
  /** Awaits, but not forever. */
  readonly awaitsFor: Actor<Things>;
  /** Passes if it can at once. */
  readonly tries: Actor<Things>;
}

/** How actors pass what `of` says; `inside` is what they do, and check, while they have it. */
export function passing<Things>(
  of: (things: Things) => Takeable,
  inside: (tools: Tools<Things>, hold: Hold) => void,
): Passing<Things> {
  const pass = (tools: Tools<Things>, hold: Hold | null): void => {
    if (hold === null) return;
    inside(tools, hold);
    hold.release();
  };
  const block = (tools: Tools<Things>): void => pass(tools, of(tools.things).acquireSync());
  const flow = async (tools: Tools<Things>): Promise<void> => pass(tools, await of(tools.things).acquire());
  return {
    block,
    flow,
    blocks: (rounds = 1) => ({
      run(tools) {
        for (let round = 0; round < rounds; round++) block(tools);
      },
    }),
    blocksFor: {
      timed: true,
      run: (tools) => pass(tools, of(tools.things).acquireSync({ timeout: 100 })),
    },
    awaits: (flows = 1) => ({
      async run(tools) {
        await Promise.all(Array.from({ length: flows }, () => flow(tools)));
      },
    }),
    awaitsFor: {
      timed: true,
      run: async (tools) => pass(tools, await of(tools.things).acquire({ timeout: 100 })),
    },
    tries: {
      run: (tools) => pass(tools, of(tools.things).tryAcquire()),
    },
  };
}

/** The actor, which finds that it has waited long whenever it is woken. */
export function slow<Things>(actor: Actor<Things>): Actor<Things> {
  return { ...actor, slow: true };
}
