// A test file that uses shared-database.ts; several run at the same time.

import { reading, writing } from './shared-database.ts';

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

await reading(pause);
await writing(async () => {
  console.log('write begins');
  await pause();
  console.log('write ends');
});
