/** An actor in the test's own process, at a seat that the backend has made for it. */

import type { Seat, Style } from './backends/backend.ts';
import type { Address, Run } from './members/run.ts';
import { serve } from './members/serving.ts';
import { Performer } from './performer.ts';

export function runHere(address: Address, style: Style, seat: Seat): Run {
  const gone = new AbortController();
  const performer = new Performer(seat, style);
  const served = serve(address, (order) => performer.obey(order), seat, gone.signal);
  return {
    ended: served.then(() => {
      // With whatever it holds, as a process that returns.
      if (!gone.signal.aborted) seat.die();
      return 'it left';
    }),
    kill: () => {
      seat.die();
      gone.abort();
    },
    freeze: () => seat.freeze(),
    thaw: () => seat.thaw(),
  };
}
