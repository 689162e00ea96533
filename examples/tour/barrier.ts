// Barrier: two of four processes meet at a Barrier(2). One comes later, and both then go on at the
// same moment. The two others do not use the barrier: each goes on when it comes. A Lock keeps the
// lines of each process together.

import { setTimeout as sleep } from 'node:timers/promises';
import { Barrier, currentProcess, isMainProcess, Lock, Process } from 'lockstep';
import { check } from './check.ts';

const clock = (time: number) => new Date(time).toISOString().slice(11, 23);

export async function walkTo(way: number, printing: Lock, meeting: Barrier | null) {
  const name = currentProcess().name.padEnd(15);
  await sleep(way);
  const came = Date.now();
  const place = await meeting?.wait();
  const left = Date.now();
  printing.runSync(() => {
    console.log(`${name}  came at ${clock(came)}`);
    console.log(`${' '.repeat(name.length)}  left at ${clock(left)}`);
  });
  return { place, came, left };
}

if (isMainProcess) {
  const printing = new Lock();
  const meeting = new Barrier(2);
  const walk = (name: string, way: number, meeting: Barrier | null) => {
    const walker = new Process({ name, target: walkTo, args: [way, printing, meeting] });
    walker.start();
    return walker.result;
  };
  const [ann, bob, eve, tom] = await Promise.all([
    walk('Ann (meets Bob)', 100, meeting),
    walk('Bob (meets Ann)', 500, meeting),
    walk('Eve (alone)', 100, null),
    walk('Tom (alone)', 500, null),
  ]);

  check(Math.min(ann.left, bob.left) >= Math.max(ann.came, bob.came), 'neither left before both had come');
  check([ann.place, bob.place].sort().join() === '0,1', 'the barrier counted them: 0 and 1');
  check(eve.place === undefined && tom.place === undefined, 'the two others met nobody');
}
