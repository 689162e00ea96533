/** Targets that meet at a barrier whose action is in a module that they have not loaded. */

import type { Barrier, Queue } from 'lockstep';

export async function meetsElsewhere(queue: Queue<Barrier>, blocking: boolean): Promise<string> {
  const barrier = await queue.get();
  try {
    if (blocking) barrier.waitSync();
    else await barrier.wait();
    return 'met';
  } catch (error) {
    const { code, message, cause } = error as Error & { code: string };
    return `${code} ${message} ${String((cause as { code?: string } | undefined)?.code)}`;
  }
}
