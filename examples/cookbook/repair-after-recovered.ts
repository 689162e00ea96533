// A transfer changes two numbers. If a holder dies in between, the next holder completes it.

import assert from 'node:assert/strict';
import { isMainProcess, Lock, Process, struct } from 'lockstep';

// `amount` is the journal: not 0 during a transfer. oldA and oldB then have the old numbers.
const Accounts = struct({ a: 'i32', b: 'i32', amount: 'i32', oldA: 'i32', oldB: 'i32' });
type Accounts = InstanceType<typeof Accounts>;

function transfer(accounts: Accounts, amount: number, between: () => void): void {
  accounts.oldA = accounts.a;
  accounts.oldB = accounts.b;
  accounts.amount = amount; // from here on, the transfer can be repeated
  accounts.a = accounts.oldA - amount;
  between();
  accounts.b = accounts.oldB + amount;
  accounts.amount = 0; // done
}

/** Repeats the transfer that was under way; does nothing if none was. May die and run again. */
function repair(accounts: Accounts): void {
  if (accounts.amount === 0) return;
  accounts.a = accounts.oldA - accounts.amount;
  accounts.b = accounts.oldB + accounts.amount;
  accounts.amount = 0;
}

export function dieInside(lock: Lock, accounts: Accounts): void {
  lock.runSync(() => transfer(accounts, 30, () => process.kill(process.pid, 'SIGKILL')));
}

if (isMainProcess) {
  const lock = new Lock();
  const accounts = new Accounts({ a: 100, b: 0 });
  const child = new Process({ target: dieInside, args: [lock, accounts] });
  child.start();
  await child.join();
  console.log(`after the kill: a ${accounts.a}, b ${accounts.b}`);

  const hold = await lock.acquire();
  if (hold.recovered) repair(accounts);
  hold.release();
  console.log(`repaired: a ${accounts.a}, b ${accounts.b}`);
  assert.equal(accounts.a + accounts.b, 100);
}
