/** Format: how the bytes of an item are written. It travels in the item's header. */

export const FORMAT = { VALUE: 0, REPEATING: 1, CLONED: 2, BYTES: 3 } as const;
export type Format = (typeof FORMAT)[keyof typeof FORMAT];
