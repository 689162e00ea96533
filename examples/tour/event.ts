// Event: a starting signal. Five processes wait for it, and one `set` lets all of them go. A waiter
// with a timeout may give up earlier; a waiter without one stays until the event is set.

import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, Event, isMainProcess, Process, Value } from 'lockstep';
import { check } from './check.ts';

export async function run(
  go: Event,
  ready: Value,
  timeout?: number,
): Promise<{ came: boolean; at: number; waited: number }> {
  const { name } = currentProcess();
  const start = performance.now();
  console.log(`${name} waits${timeout ? ` at most ${timeout} ms` : ''}`);
  ready.add(1);
  const came = await go.wait({ timeout });
  console.log(`${name} ${came ? 'goes' : 'gives up'}`);
  return { came, at: Date.now(), waited: performance.now() - start };
}

if (isMainProcess) {
  const go = new Event();
  const ready = new Value('i32', 0);
  const runners = Array.from({ length: 5 }, () => new Process({ target: run, args: [go, ready] }));
  for (const runner of runners) runner.start();
  while (ready.value < 5) await sleep(10);
  console.log('main: on your marks …');
  await sleep(200);
  const setAt = Date.now();
  console.log('main: go!');
  go.set();
  const runs = await Promise.all(runners.map((runner) => runner.result));
  check(
    runs.every(({ came, at }) => came && at >= setAt),
    'all five went, none before the event was set',
  );

  go.clear();
  const hasty = new Process({ target: run, args: [go, ready, 200], name: 'hasty' });
  const patient = new Process({ target: run, args: [go, ready], name: 'patient' });
  hasty.start();
  patient.start();
  const gaveUp = await hasty.result;
  console.log('main: go!');
  go.set();
  check(!gaveUp.came && gaveUp.waited >= 200, 'the hasty one gave up, after 200 ms and not before');
  check((await patient.result).came, 'the patient one saw the event');
}
