/**
 * The conformance suites over Redis: each actor is a process with a connection of its own.
 *
 * Not here, as their suites are about what the cluster's have not: RWLock (re-entrance, processes
 * as owners) and the queues (`close`). Their cases stand in cluster/contract. The memory store
 * serves one process, so it has only those cases: cluster/memory.test.ts.
 */

import { after, before } from 'node:test';
import { over } from '../support/backends/over.ts';
import { RedisServer } from './servers/redis.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
const SUITES = [
  'lock',
  'semaphore',
  'latch',
  ...(deep ? ['rlock', 'bounded-semaphore', 'condition', 'event', 'barrier', 'value'] : []),
];

let server: RedisServer;

before(async () => {
  server = await RedisServer.start();
});
after(() => server.stop());

over(new URL('./backends/server.js', import.meta.url), SUITES, {
  environment: () => ({ LOCKSTEP_TEST_SERVER: server.url }),
});
