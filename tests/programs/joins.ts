/**
 * A plain worker thread that joins a named namespace, tells its parent how that went, and stays.
 * `workerData` says how many agents it is to be: each as real as the agent of a thread, with locks
 * and files of its own.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { Lock } from 'lockstep';
import { load } from '../support/internals.ts';

type Agents = typeof import('../../src/agents/agent.ts');
type Membership = typeof import('../../src/agents/membership.ts');
type Namespaces = typeof import('../../src/namespaces/namespace.ts');

try {
  const lock = new Lock({ name: 'crowd', namespace: 'crowded' });
  lock.acquireSync().release();
  const crowd: unknown[] = [];
  if (workerData > 1) {
    const { Agent }: Agents = await load('agents/agent.js');
    const { agentsOfThread }: Membership = await load('agents/membership.js');
    const { Namespace }: Namespaces = await load('namespaces/namespace.js');
    const { folder, namespace } = agentsOfThread()[0]!;
    while (crowd.length < workerData - 1) {
      const entered = Namespace.enter(folder, false, () => namespace.rings);
      crowd.push(new Agent(entered, `one of ${workerData}`, '{}'));
    }
  }
  parentPort?.postMessage(null);
  setInterval(() => lock.locked || crowd.length, 60_000);
} catch (error) {
  parentPort?.postMessage(Reflect.get(error as Error, 'code') ?? String(error));
}
