/** Descriptors: the errors when there are no more. */

const SHORTAGES = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** Whether the system was short of descriptors or memory just then, which may be over soon. */
export function isShortage(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as NodeJS.ErrnoException;
  // An error of ours has the system's as its cause.
  return SHORTAGES.has(code ?? '') || (cause !== undefined && isShortage(cause));
}
