/**
 * Processes that take locks in the orders of the arguments, e.g. `ab ba`, one process after the
 * other.
 */

import { isMainProcess, Lock, Process } from 'lockstep';

export async function takes(locks: Record<string, Lock>, order: string, blocking: boolean): Promise<void> {
  const [name = '', rest] = [order[0], order.slice(1)];
  if (rest === undefined || order === '') return;
  const lock = locks[name];
  if (lock === undefined) throw new Error(`no lock ${name}`);
  if (!blocking) return await lock.run(() => takes(locks, rest, blocking));
  const hold = lock.acquireSync();
  await takes(locks, rest, blocking);
  hold.release();
}

if (isMainProcess) {
  const [style, ...orders] = process.argv.slice(2);
  const names = [...new Set(orders.join(''))];
  const locks = Object.fromEntries(names.map((name) => [name, new Lock({ name })]));
  for (const order of orders) {
    const child = new Process({ target: takes, args: [locks, order, style === 'blocking'] });
    child.start();
    await child.join();
  }
}
