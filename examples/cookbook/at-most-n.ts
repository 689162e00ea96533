// At most two copies of this program run their expensive part at the same time.

import { BoundedSemaphore } from 'lockstep';

const milliseconds = Number(process.argv[2] ?? 1000);
const browsers = new BoundedSemaphore(2, { name: 'browsers' });

await browsers.run(async () => {
  console.log(`pid ${process.pid} begins, ${browsers.value} left`);
  await new Promise((resolve) => setTimeout(resolve, milliseconds)); // the expensive part
  console.log(`pid ${process.pid} ends`);
});
