/** The conformance suites over Redis: each actor is a process with a connection of its own. */

import { after, before } from 'node:test';
import { over } from '../support/backends/over.ts';
import { RedisServer } from './servers/redis.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
const SUITES = [
  'lock',
  'semaphore',
  'latch',
  ...(deep ? ['rlock', 'bounded-semaphore', 'condition', 'event'] : []),
];

let server: RedisServer;

before(async () => {
  server = await RedisServer.start();
});
after(() => server.stop());

over(new URL('./backends/server.js', import.meta.url), SUITES, {
  environment: () => ({ LOCKSTEP_TEST_SERVER: server.url }),
});
