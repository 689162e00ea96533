/** Targets that put by a queue's producing side, and consumers of such a queue. */

import { EndOfStreamError, type Event, type JoinableQueue, type Queue, type QueueProducer } from 'lockstep';

/** Puts so many numbers, and ends in the way that is asked for. */
export async function putsBy(producer: QueueProducer<number>, count: number, ending: string): Promise<void> {
  for (let n = 0; n < count; n++) {
    if (n % 2 === 0) await producer.put(n);
    else producer.putSync(n);
  }
  if (ending === 'killed') process.kill(process.pid, 'SIGKILL');
  if (ending === 'throws') throw new Error('thrown on purpose');
  if (ending === 'closes') {
    producer.close();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Says that it is there, puts when it may, and is killed or returns. */
export function putsLate(producer: QueueProducer<number>, there: Event, go: Event, dies: boolean): void {
  there.set();
  go.waitSync();
  producer.putSync(7);
  if (dies) process.kill(process.pid, 'SIGKILL');
}

export interface Consumed {
  readonly items: number[];
  readonly end: string;
}

/** Takes all until the end, in one way or another. */
export async function consumes(queue: Queue<number>, how: string, waits: Event): Promise<Consumed> {
  const items: number[] = [];
  waits.set();
  if (how === 'for await') for await (const item of queue) items.push(item);
  else if (how === 'for') for (const item of queue) items.push(item);
  else {
    try {
      for (;;) items.push(how === 'get' ? await queue.get() : queue.getSync());
    } catch (error) {
      if (!(error instanceof EndOfStreamError)) throw error;
      return { items, end: error.code };
    }
  }
  return { items, end: 'end' };
}

/** Passes on the producing side that it was given in an item. */
export async function putsByItem(sides: JoinableQueue<QueueProducer<number>>): Promise<void> {
  const producer = await sides.get();
  await producer.put(1);
  sides.taskDone();
}

export function putsAndDies(queue: Queue<number>): void {
  queue.putSync(1);
  queue.putSync(2);
  process.kill(process.pid, 'SIGKILL');
}
