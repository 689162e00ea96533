// @ts-check
/** Ends the processes that a row made. @param {import('lockstep').Process[]} children */
export async function end(...children) {
  for (const child of children) child.kill();
  for (const child of children) await child.join();
}
