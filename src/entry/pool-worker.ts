/** Target of the workers of pools: a file of its own, so that no other child loads it. */

import { rehearseWork } from '../pool/rehearsal.ts';
import { work as workForPool } from '../pool/worker.ts';
import type { WorkerOrders } from '../pool/worker-orders.ts';

export function work(orders: WorkerOrders): Promise<void> {
  return workForPool(orders);
}

/** Does the first work of a worker in a spare. */
export function rehearse(): Promise<void> {
  return rehearseWork();
}
