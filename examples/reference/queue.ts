import assert from 'node:assert/strict';
import { isMainProcess, Process, Queue } from 'lockstep';

interface Job {
  id: number;
}

export async function consume(jobs: Queue<Job>, results: Queue<number>): Promise<void> {
  for await (const { id } of jobs) await results.put(id * 10); // ends when the queue is closed
}

if (isMainProcess) {
  const jobs = new Queue<Job>({ maxSize: 100 });
  const results = new Queue<number>();
  new Process({ target: consume, args: [jobs, results] }).start();
  await jobs.put({ id: 4 });
  assert.equal(await results.get({ timeout: 60_000 }), 40);
  jobs.close();
}
