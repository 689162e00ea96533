/**
 * An unrelated program that shares a named lock: `named-lock <name> <namespace> acquire|hold|look`.
 */

import { Lock } from 'lockstep';

const [, , name = '', namespace = '', what] = process.argv;
const lock = namespace === '' ? new Lock({ name }) : new Lock({ name, namespace });
if (what === 'look') console.log(lock.locked);
else {
  const { recovered } = await lock.acquire();
  console.log(`acquired recovered=${recovered}`);
  if (what === 'hold') setInterval(() => {}, 1000);
  else lock.release();
}
