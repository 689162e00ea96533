/** Looks: the common part of the commands that only read. */

import { setTimeout } from '#clock';
import { foldersOfUser, takeSettledSnapshot } from '../inspect/snapshot.ts';
import type { NamespaceSnapshot, Snapshot } from '../inspect/types.ts';
import { SCHEMA } from '../inspect/types.ts';
import { namespaceFolder } from '../inspect/where.ts';
import type { Paint } from '../inspect/words.ts';

export interface LookOptions {
  readonly json?: boolean | undefined;
  readonly namespace?: string | undefined;
}

/** The namespaces that the options name; all of this user's by default. */
export function look({ namespace }: LookOptions): Snapshot {
  // Check LOCKSTEP_DIR first: a wrong one must not look like a machine on which all is well.
  const all = foldersOfUser();
  return takeSettledSnapshot({ folders: namespace === undefined ? all : [namespaceFolder(namespace)] });
}

/** Whether the one namespace that was asked for is not there; tells so. */
export function isMissing({ namespace }: LookOptions, snapshot: Snapshot): boolean {
  if (namespace === undefined || snapshot.namespaces.length > 0) return false;
  process.stderr.write(
    `lockstep: there is no namespace ${JSON.stringify(namespace)}; lockstep ls shows those there are\n`,
  );
  return true;
}

/** Writes the value as JSON, with the number of its schema. */
export function writeJson(value: object): void {
  process.stdout.write(`${JSON.stringify({ schema: SCHEMA, ...value }, undefined, 2)}\n`);
}

/** The name of a namespace in output: its name, or the process whose own it is. */
export function shownName({ name, agents, folder }: NamespaceSnapshot): string {
  if (name !== null) return name;
  const first = agents[0];
  return first === undefined ? folder.slice(folder.lastIndexOf('/') + 1) : `private to pid ${first.pid}`;
}

/** Lines on namespaces that could not be read, or only in part. */
export function problemLines({ namespaces }: Snapshot, paint: Paint): string {
  return namespaces
    .filter(({ problems }) => problems.length > 0)
    .map((namespace) => {
      const { problems, pids } = namespace;
      const whose = pids.length === 0 ? '' : ` (pids ${pids.join(', ')})`;
      return `${paint.bad('unreadable')}  namespace ${shownName(namespace)}${whose}: ${problems.join('; ')}\n`;
    })
    .join('');
}

/** That no program is there, in the namespace asked for or in any. */
export function nobodyText({ namespace }: LookOptions): string {
  return namespace === undefined
    ? 'No program of this user uses Lockstep now.\n'
    : `No program is in namespace ${JSON.stringify(namespace)} now.\n`;
}

/** Writes the text once, or again and again in place of what was there; `text(true)`: again. */
export async function show(
  text: (again: boolean) => string | Promise<string>,
  watch: boolean | undefined,
): Promise<void> {
  if (watch !== true) {
    process.stdout.write(await text(false));
    return;
  }
  // Only a terminal is cleared: a file gets one text after the other.
  const clear = process.stdout.isTTY ? '\u001b[H\u001b[2J' : '';
  for (let again = false; ; again = true) {
    const now = await text(again);
    process.stdout.write(`${again && clear === '' ? '\n' : clear}${now}`);
    await new Promise<void>((resolve) => {
      setTimeout(() => resolve(), 1000);
    });
  }
}
