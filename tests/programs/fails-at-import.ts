/** A module that can't be imported. */

export function never(): number {
  return 1;
}

throw new Error('of the import');
