/**
 * Origin: a child starts children of its own on behalf of its target only, never of a program that
 * forgot its guard.
 */

import { childRecord, isChild } from '../agents/child-context.ts';
import { StateError } from '../errors.ts';

/** Throws `StateError` in a child where the call does not come from the run of its target. */
export function checkOrigin(title: string): void {
  if (!isChild()) return;
  const record = childRecord();
  const phase = record?.phase();
  if (phase === 'target') return;
  if (record === undefined) {
    throw new StateError(
      `${title}: can't be started, this process was itself started to run a target and has not come to that; ` +
        'put what the program does under "if (isMainProcess)"',
    );
  }
  if (phase === 'importing') {
    throw new StateError(
      `${title}: can't be started, this child runs a target, and the call comes from the top level of a module that it imports; ` +
        'put what the program does under "if (isMainProcess)"',
    );
  }
  throw new StateError(
    `${title}: can't be started, this child runs a target, and the call does not come from there; ` +
      'put what the program does under "if (isMainProcess)", or, if the target has set up this callback, ' +
      'wrap it in AsyncResource.bind of node:async_hooks',
  );
}
