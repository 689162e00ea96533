/** A target that enters namespaces' folders, as a program does that begins. */

import type { Queue } from 'lockstep';
import { load } from './internals.ts';

const { enterFolder } = await load<typeof import('../../src/namespaces/folder.ts')>('namespaces/folder.js');
const { leaveFolder } = await load<typeof import('../../src/namespaces/folder-removal.ts')>(
  'namespaces/folder-removal.js',
);

/**
 * Enters each folder that comes, and puts its path. At the next order tells whether it is still
 * there, and leaves. An empty path ends it.
 */
export function enters(orders: Queue<string>, entered: Queue<string>, stayed: Queue<boolean>): void {
  for (let path = orders.getSync(); path !== ''; path = orders.getSync()) {
    const { directory, fd } = enterFolder(path, true);
    entered.putSync(path);
    orders.getSync();
    stayed.putSync(directory.isInPlace);
    leaveFolder(directory, fd);
  }
}
