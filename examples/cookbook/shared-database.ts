// For test files that use one database: readers together, writers alone, the schema made once.

import { Lock, RWLock, Value } from 'lockstep';

const namespace = 'tests';
const database = new RWLock({ name: 'database', namespace });
const setup = new Lock({ name: 'database-setup', namespace });
const made = new Value('bool', false, { name: 'database-made', namespace });

/** Runs a test that only reads, beside others that only read. */
export async function reading<Result>(test: () => Promise<Result>): Promise<Result> {
  await makeOnce();
  return database.read.run(test);
}

/** Runs a test that writes, with the database to itself. */
export async function writing<Result>(test: () => Promise<Result>): Promise<Result> {
  await makeOnce();
  return database.write.run(test);
}

async function makeOnce(): Promise<void> {
  if (made.value) return;
  await setup.run(() => {
    if (made.value) return; // another test file was faster
    console.log('making the schema');
    made.value = true;
  });
}
