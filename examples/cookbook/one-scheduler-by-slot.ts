// Every copy keeps its own timer. Each minute has a number, and one copy claims it.

import { Value } from 'lockstep';

const every = Number(process.argv[2] ?? 60_000);
const claimed = new Value('i64', 0n, { name: 'report-claimed' });

function tick(): void {
  const slot = BigInt(Math.floor(Date.now() / every));
  const last = claimed.value;
  // One atomic step: of all copies that see `last`, one gets the slot.
  if (slot > last && claimed.compareExchange(last, slot) === last) {
    console.log(`report ${slot} by ${process.pid}`);
  }
}

console.log(`pid ${process.pid} serves`);
setInterval(tick, every / 10);
