/**
 * A Pool that serves requests: the flows are its clients, and put requests into a queue; the
 * supervisor is its server, because a pool belongs to one thread.
 */

import { Queue } from 'lockstep';
import type { Act } from '../act.ts';
import { act } from '../act.ts';
import { Server } from '../server.ts';

/** Requests that wait; more are refused, as a server does that is busy. */
const PLACES = 256;
/** Requests of a page, at most. */
const MOST_PER_PAGE = 8;
/** Requests that are taken at a time. */
const AT_ONCE = 16;

interface Things {
  requests: Queue<number>;
}

/** The supervisor's; it can't be sent to the members. */
let server: Server | undefined;
let calm = false;

export const poolAct: Act = act<Things>({
  name: 'Pool',

  make: () => ({ requests: new Queue<number>({ maxSize: PLACES, bytes: 65_536 }) }),

  async play(flow, { requests }) {
    for (let more = 1 + flow.random.below(MOST_PER_PAGE); more > 0; more--) requests.tryPut(flow.mark);
  },

  tend(flow, { requests }) {
    server ??= new Server((text) => flow.violated(text));
    if (!calm) server.strike(flow.random);
    for (let n = 0; n < AT_ONCE && server.hasRoom && requests.tryGet() !== null; n++)
      server.take(flow.random);
  },

  calm: () => {
    calm = true;
  },

  async check(flow, { requests }) {
    while (requests.tryGet() !== null);
    await server?.rest();
    if (requests.size !== 0) flow.violated(`Pool: its queue is empty, and its size is ${requests.size}`);
    calm = false;
  },

  async end() {
    await server?.close();
  },

  rows: () => server?.rows ?? [],
});
