/** Only an `await` keeps this program alive: the timer that ends it does not. */

import { Event, Lock } from 'lockstep';

const lock = new Lock();
const hold = await lock.acquire();
setTimeout(() => hold.release(), 50).unref();
await lock.acquire();
console.log('acquired');

const event = new Event();
setTimeout(() => event.set(), 50).unref();
console.log(await event.wait());

// Nobody is left to set this one. The program ends although the event was never set, because it no
// longer awaits it.
event.clear();
console.log(await event.wait({ timeout: 20 }));
