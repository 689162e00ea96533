// Coroutines: a producer and a consumer take turns in one thread. First they are generators, which
// take turns by `yield`; then async functions, which take turns by Events.

import { Event, isMainProcess } from 'lockstep';
import { check } from './check.ts';

const items = [1, 2, 3];
const log: string[] = [];

function say(text: string): void {
  console.log(text);
  log.push(text);
}

function* consumer(): Generator<void, void, number> {
  while (true) say(`consumer got ${yield}`);
}

function producer(consuming: Generator<void, void, number>): void {
  consuming.next(); // runs the consumer to its first yield
  for (const item of items) {
    say(`producer made ${item}`);
    consuming.next(item);
  }
}

async function produce(box: number[], filled: Event, emptied: Event): Promise<void> {
  for (const item of items) {
    say(`producer made ${item}`);
    box.push(item);
    filled.set();
    await emptied.wait();
    emptied.clear();
  }
}

async function consume(box: number[], filled: Event, emptied: Event): Promise<void> {
  for (const _ of items) {
    await filled.wait();
    filled.clear();
    say(`consumer got ${box.pop()}`);
    emptied.set();
  }
}

if (isMainProcess) {
  const inTurn = items.flatMap((item) => [`producer made ${item}`, `consumer got ${item}`]);
  producer(consumer());
  check(log.splice(0).join() === inTurn.join(), 'by yield: made and got in turn');

  const box: number[] = [];
  const [filled, emptied] = [new Event(), new Event()];
  await Promise.all([produce(box, filled, emptied), consume(box, filled, emptied)]);
  check(log.join() === inTurn.join(), 'by Event: made and got in turn');
}
