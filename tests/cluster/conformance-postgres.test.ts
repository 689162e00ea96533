/**
 * The conformance suites over PostgreSQL: each actor is a process with connections of its own.
 *
 * Not here, as their suites are about what the cluster's have not: RWLock (re-entrance, processes
 * as owners) and the queues (`close`). Their cases stand in cluster/contract.
 */

import { after, before } from 'node:test';
import { over } from '../support/backends/over.ts';
import { PostgresServer } from './servers/postgres.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
const SUITES = [
  'lock',
  ...(deep
    ? ['rlock', 'semaphore', 'bounded-semaphore', 'condition', 'event', 'barrier', 'latch', 'value']
    : []),
];

let server: PostgresServer;

before(async () => {
  server = await PostgresServer.start();
});
after(() => server.stop());

over(new URL('./backends/server.js', import.meta.url), SUITES, {
  environment: () => ({ LOCKSTEP_TEST_SERVER: server.url }),
});
