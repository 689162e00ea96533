/**
 * TakenAt: the stack of an object's acquisition, for objects that record it. Each object has one
 * small file in the namespace's folder, written by each thread that takes it. That is slow, and
 * meant for debugging.
 */

import type { Cell } from '../../agents/cell.ts';
import type { Namespace } from '../../namespaces/namespace.ts';
import { takenFile } from '../../namespaces/paths.ts';

/** Notes the stack of this agent's taking of the object. */
export function writeTakenAt({ agent, number, generation }: Cell, stack: string): void {
  agent.namespace.directory.write(takenFile(number), `${generation} ${agent.slot}\n${stack}`);
}

/** The stack of the present holding, if the agent in `slot` has noted it. */
export function readTakenAt(
  namespace: Namespace,
  cell: number,
  generation: number,
  slot: number,
): string | null {
  const text = namespace.directory.read(takenFile(cell))?.toString('utf8');
  if (text === undefined) return null;
  const [head, ...stack] = text.split('\n');
  return head === `${generation} ${slot}` ? stack.join('\n') : null;
}
