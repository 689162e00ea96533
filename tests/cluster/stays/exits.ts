/** Takes a lock again and again, and exits right after a release that has not been sent yet. */

import { Member } from './member.ts';

const [url = '', name = ''] = process.argv.slice(2);
const member = await Member.at(url);
const lock = member.cluster.lock(name);
for (;;) {
  const hold = await lock.acquire();
  await member.trip();
  await hold.release();
  if (member.keeps(name)) process.exit(0);
}
