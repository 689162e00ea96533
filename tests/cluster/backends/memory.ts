/**
 * The conformance suites over the memory store, which serves one process: each actor is a
 * connection within it.
 */

import type { Cluster } from 'lockstep/memory';
import { connect } from 'lockstep/memory';
import type { Backend, Seat } from '../../support/backends/backend.ts';
import { abandon, revive, silence } from '../contract/world.ts';
import { ClusterParty, omits, refer } from './objects.ts';

/** Short, as some cases wait for its end. */
const LEASE_MS = 3_000;

const join = (): Promise<Cluster> => connect({ lease: LEASE_MS, namespace: 'conformance' });

class MemorySeat extends ClusterParty implements Seat {
  private wake: () => void = () => {};

  freeze(): void {
    this.wake = silence(this.cluster);
  }

  thaw(): void {
    this.wake();
  }

  die(): void {
    abandon(this.cluster);
  }

  async end(): Promise<void> {
    revive(this.cluster);
    this.wake();
    await this.cluster.close();
  }
}

const self = new ClusterParty(await join());

export const backend: Backend = {
  name: 'memory',
  flavours: [{ name: 'connections, awaiting', roles: [{ kind: 'here', style: 'awaiting' }] }],
  make: self.make,
  self,
  join: async () => new MemorySeat(await join()),
  refer,
  isWhole: false,
  slower: 50,
  omits,
};
