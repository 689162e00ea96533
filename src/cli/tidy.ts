/** `lockstep clean` and `lockstep unlink`: the two commands that remove something. */

import { FINE, UNREADABLE } from './exit-codes.ts';

/** Removes the folders that no program uses. */
export async function clean(): Promise<number> {
  const { sweepFolders } = await import('../namespaces/folder-removal.ts');
  const removed = sweepFolders();
  process.stdout.write(removed === 1 ? 'Removed 1 namespace.\n' : `Removed ${removed} namespaces.\n`);
  return FINE;
}

/** Takes the name from a block of SharedMemory. The block then ends with its last user. */
export async function unlink(name: string, { namespace }: { namespace: string }): Promise<number> {
  const { takeSnapshot } = await import('../inspect/snapshot.ts');
  const { namespaceFolder } = await import('../inspect/where.ts');
  const [seen] = takeSnapshot({ folders: [namespaceFolder(namespace)] }).namespaces;
  const object = seen?.objects.find((each) => each.name === name);
  if (object?.kind !== 'SharedMemory') {
    const what =
      object === undefined
        ? 'there is nothing of that name'
        : `it is a ${object.kind}, whose name ends with its last user`;
    process.stderr.write(`lockstep: ${JSON.stringify(name)} can't be unlinked, ${what}\n`);
    return UNREADABLE;
  }
  const { SharedMemory } = await import('lockstep');
  using memory = new SharedMemory({ name, namespace, create: false });
  memory.unlink();
  process.stdout.write(`Unlinked ${JSON.stringify(name)}.\n`);
  return FINE;
}
