/**
 * Uses the library, says which handlers the process then has, and waits to be ended by a signal.
 */

import { Event, Lock } from 'lockstep';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGCHLD', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE', 'SIGQUIT'];
const errors = ['uncaughtException', 'unhandledRejection', 'warning'];
const before = errors.map((name) => process.listenerCount(name));
const lock = new Lock({ name: 'handlers' });
await lock.acquire();
console.log(
  JSON.stringify({
    signals: signals.filter((name) => process.listenerCount(name) > 0),
    errors: errors.filter((name, i) => process.listenerCount(name) !== before[i]),
  }),
);
await new Event().wait();
