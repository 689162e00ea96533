// Stuck: a program that hangs on purpose, and the output of `lockstep why` for it. One process
// holds a lock and computes forever. A second waits for that lock, and holds another. A third waits
// for the second lock.

import { isMainProcess, Lock, Process } from 'lockstep';
import { inspectNamespace } from 'lockstep/inspect';
import { check } from './check.ts';

export function compute(customers: Lock): void {
  customers.acquireSync();
  for (;;);
}

export function report(invoices: Lock, customers: Lock): void {
  invoices.runSync(() => customers.acquireSync());
}

export function pay(invoices: Lock): void {
  invoices.acquireSync();
}

if (isMainProcess) {
  const namespace = `tour-stuck-${process.pid}`;
  const customers = new Lock({ name: 'customers', namespace });
  const invoices = new Lock({ name: 'invoices', namespace });
  const start = (child: Process): Process => {
    child.start();
    return child;
  };
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  const busy = start(new Process({ target: compute, args: [customers], name: 'compute' }));
  await until(() => customers.locked);
  const middle = start(new Process({ target: report, args: [invoices, customers], name: 'report' }));
  await until(() => invoices.locked && customers.describe().waiting === 1);
  const last = start(new Process({ target: pay, args: [invoices], name: 'pay' }));
  await until(() => invoices.describe().waiting === 1);

  // The same as `lockstep why --all` in another terminal: looking changes nothing.
  const { findings, why } = inspectNamespace(namespace, { least: 0 });
  console.log(why);

  const [first] = findings;
  check(
    findings.length === 1 && first?.kind === 'keeper' && first.by.pid === busy.pid && first.calls === 2,
    `"compute" (pid ${busy.pid}) keeps both others waiting`,
  );
  busy.kill();
  for (const child of [busy, middle, last]) await child.join();
  check(middle.exitCode === 0 && last.exitCode === 0, 'with that process ended, the others go on');
}
