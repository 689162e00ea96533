/** Errors of putting into a queue. */

import type { WaitOptions } from '../deadline.ts';
import { QueueFullError } from '../errors.ts';
import type { Ring } from './ring/ring.ts';

export function queueFullError(
  title: string,
  { most, size, capacity }: Ring,
  options: WaitOptions | undefined,
): QueueFullError {
  const bound = most > 0 && size >= most ? `${most} items` : `${capacity} bytes`;
  return new QueueFullError(
    `${title}: can't put, it is full of its ${bound}${after(options)}; wait longer, take items out, or make it larger`,
  );
}

/** The time that a call has waited, for messages. */
export function after(options: WaitOptions | undefined): string {
  const timeout = options?.timeout ?? 0;
  return timeout > 0 ? ` and has been for ${timeout} ms` : '';
}
