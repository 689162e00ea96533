/**
 * Rehearsal of a pool's worker: a spare runs the code of a worker from its start to the end of its
 * first task. It uses private rings.
 */

import type { Words } from '../memory/atomics.ts';
import { Queue } from '../messaging/queue.ts';
import { CODE_ROOT } from '../package-root.ts';
import { RawArray } from '../shared/raw-array.ts';
import { FunctionList } from './function-list.ts';
import { MODE } from './messages.ts';
import { ticketOf } from './slot-words.ts';
import { TaskTable, wordsFor } from './task-table.ts';
import { PoolWorker } from './worker.ts';

const TITLE = 'rehearsal';
/** Small, because V8 counts a mapping as memory to be collected until it is collected. */
const RING_BYTES = 64 * 1024;
/**
 * A function of this library, under a URL that no other code loads, so that it is read from its
 * file.
 */
const FUNCTION = { module: new URL('index.js?rehearsal', CODE_ROOT).href, export: 'range' };
/** Number of tasks to do: the first loads the function. */
const TASKS = 2;

export async function rehearseWork(): Promise<void> {
  using tasks = new Queue({ bytes: RING_BYTES });
  using results = new Queue({ bytes: RING_BYTES });
  const array = new RawArray('i32', wordsFor(1));
  try {
    TaskTable.init(array.view as Words, 1);
    const table = new TaskTable(array.view as Words);
    const { key } = new FunctionList(table).find(FUNCTION, TITLE);
    for (let slot = 0; slot < TASKS; slot++) {
      table.queue(slot, 0, 0);
      await tasks.put([ticketOf(slot, 0), key, MODE.CALL, [1]]);
    }
    const worker = new PoolWorker({
      title: TITLE,
      index: 1,
      tasks,
      table: array,
      results,
      concurrency: 1,
      mostTasks: TASKS,
      initArgs: [],
    });
    await worker.serve();
    worker.leave();
  } finally {
    array.close();
  }
}
