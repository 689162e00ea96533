/**
 * The conformance suites at a server, that `LOCKSTEP_TEST_SERVER` names: each actor is a process
 * with a connection of its own.
 */

import { Socket } from 'node:net';
import type { Cluster, ConnectOptions } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';
import type { Backend } from '../../support/backends/backend.ts';
import { PATIENCE_MS } from '../../support/until.ts';
import { ClusterParty, omits, refer } from './objects.ts';

const url = process.env.LOCKSTEP_TEST_SERVER!;
const port = Number(new URL(url).port);
/** As short as a busy machine allows: some cases wait for its end. */
const LEASE_MS = 10_000;
const CLAIM_MS = 2_000;

// The connections must not keep an actor alive that has ended; pg makes its sockets by hand.
const connectSocket = Socket.prototype.connect;
const opening = new Set<Socket>();
let connected = false;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  this.once('connect', () => {
    if (this.remotePort !== port) return;
    opening.add(this);
    if (connected) this.unref();
  });
  return (connectSocket as (...args: unknown[]) => Socket).apply(this, args);
} as typeof connectSocket;

const options: ConnectOptions = {
  ...(url.startsWith('postgres') ? { postgres: url } : { redis: url }),
  lease: LEASE_MS,
  claim: CLAIM_MS,
  namespace: 'conformance',
};
/** A busy machine may need longer for it than a request may take. */
async function connectAtLast(): Promise<Cluster> {
  for (const end = performance.now() + PATIENCE_MS; ; ) {
    try {
      return await connect(options);
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

const self = new ClusterParty(await connectAtLast());
connected = true;
for (const socket of opening) socket.unref();

export const backend: Backend = {
  name: url.startsWith('postgres') ? 'PostgreSQL' : 'Redis',
  flavours: [{ name: 'processes, awaiting', roles: [{ kind: 'process', style: 'awaiting' }] }],
  make: self.make,
  self,
  refer,
  isWhole: false,
  slower: 50,
  omits,
};
