/**
 * This thread: whether it is the main one of its process, and its number in it.
 * `node:worker_threads` says so, too; loading that takes a main thread 2 ms, which is much beside
 * the start of Node.
 */

/** In the main thread of a process. */
export const isMainThread: boolean = isMain();

/** `threadId` of `node:worker_threads`: 0 in the main thread. */
export const threadId: number = isMainThread ? 0 : process.getBuiltinModule('node:worker_threads').threadId;

/**
 * Only a worker thread is refused to change the folder of the process, here to the one that it is
 * in.
 */
function isMain(): boolean {
  try {
    process.chdir('.');
    return true;
  } catch (error) {
    // The system refuses for another reason: the folder is gone, say.
    return (error as NodeJS.ErrnoException).code !== 'ERR_WORKER_UNSUPPORTED_OPERATION';
  }
}
