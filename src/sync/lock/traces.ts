/**
 * Traces: where an object was taken, for objects that are traced. One small file an object in the namespace's folder, written by
 * whoever takes it: slow, and meant for finding faults.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import type { Cell } from '../../agents/cell.ts';
import type { Namespace } from '../../namespaces/namespace.ts';
import { FILE_MODE, withRoom } from '../../platform/room.ts';

/** Notes the stack of this agent's taking of the object. */
export function writeTrace({ agent, number, generation }: Cell, stack: string): void {
  const path = pathOf(agent.namespace, number);
  withRoom(path, () => writeFileSync(path, `${generation} ${agent.slot}\n${stack}`, { mode: FILE_MODE }));
}

/** The stack of the present holding, if the agent in `slot` has noted it. */
export function readTrace(
  namespace: Namespace,
  cell: number,
  generation: number,
  slot: number,
): string | null {
  let text: string;
  try {
    text = readFileSync(pathOf(namespace, cell), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const [head, ...stack] = text.split('\n');
  return head === `${generation} ${slot}` ? stack.join('\n') : null;
}

function pathOf({ folder }: Namespace, cell: number): string {
  return `${folder}/trace-${cell}`;
}
