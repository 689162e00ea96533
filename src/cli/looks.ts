/** Looks: the common part of the commands that only read. */

import { setTimeout } from '#clock';
import { takeSettledSnapshot } from '../inspect/snapshot.ts';
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
  return takeSettledSnapshot(namespace === undefined ? {} : { folders: [namespaceFolder(namespace)] });
}

/** Writes the value as JSON, with the number of its schema. */
export function writeJson(value: object): void {
  process.stdout.write(`${JSON.stringify({ schema: SCHEMA, ...value }, undefined, 2)}\n`);
}

/** The name of a namespace in output: its name, or `~` and the process that made it. */
export function shownName({ name, agents, folder }: NamespaceSnapshot): string {
  if (name !== null) return name;
  const first = agents[0];
  return first === undefined ? folder.slice(folder.lastIndexOf('/') + 1) : `~${first.pid}`;
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

/** Writes the text once, or again and again in place of what was there. */
export async function show(text: () => string, watch: boolean | undefined): Promise<void> {
  if (watch !== true) {
    process.stdout.write(text());
    return;
  }
  for (;;) {
    process.stdout.write(`\u001b[H\u001b[2J${text()}`);
    await new Promise<void>((resolve) => {
      setTimeout(() => resolve(), 1000);
    });
  }
}
