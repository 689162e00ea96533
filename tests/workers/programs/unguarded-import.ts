/** A module that starts children wherever it is imported. */

import { Process, Thread } from 'lockstep';

const generation = Number(process.env.GENERATION ?? 0);
process.env.GENERATION = String(generation + 1);
console.log(`main ${generation}`);
const { work } = await import('./unguarded-ways.js');
if (generation < 3) {
  const Kind = process.argv[3] === 'Process' ? Process : Thread;
  new Kind({ target: work }).start();
}
