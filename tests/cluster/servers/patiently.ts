/** Patiently: with a short lease, a connection that a busy machine opens slowly is given up. */

import type { Cluster } from 'lockstep/cluster';

/** Connects again, as long as it is for that reason alone that there is no connection. */
export async function patiently(join: () => Promise<Cluster>): Promise<Cluster> {
  for (;;) {
    try {
      return await join();
    } catch (error) {
      if (!/has not answered/.test((error as Error).message)) throw error;
    }
  }
}
