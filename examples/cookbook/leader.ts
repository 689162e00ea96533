// One of several copies leads. When it ends, however it ends, another one takes over.

import { Lock, Value } from 'lockstep';

const leadership = new Lock({ name: 'leader' });
const terms = new Value('u32', 0, { name: 'leader-terms' });
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

async function lead(): Promise<void> {
  const term = terms.add(1) + 1; // rises with each leader: a fencing token for what it writes
  console.log(`term ${term}: ${process.pid} leads`);
  while (!stop.signal.aborted) await work(term);
}

async function work(_term: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 10));
}

console.log(`pid ${process.pid} stands by`);
try {
  await leadership.run(lead, { signal: stop.signal });
} catch (error) {
  if (!stop.signal.aborted) throw error; // stopped while it stood by
}
console.log(`pid ${process.pid} leaves`);
