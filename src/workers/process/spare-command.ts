/** Spare's command: the messages between a spare and its parent. See spare.ts. */

/** The job on a spare's command line: `3,spare,<entry>,<folder>`. */
const SPARE_FORM = /^(\d+),spare,([^,]*),(.*)$/s;
/** Descriptors in the spare, behind the job file's. */
export const WAKING = 4;
export const READINESS = 5;

/** The library's module that a spare's job will probably begin with. */
export type SpareEntry = 'pool-worker';

/** A spare's command line: the function that it rehearses. */
export interface SpareCommand {
  /** Descriptor of the file of its job. */
  readonly job: string;
  readonly entry: SpareEntry | undefined;
  /** Folder of its parent's namespace. */
  readonly folder: string;
}

/** The content of the command line; `undefined`: it is no spare's. */
export function readCommand(text: string): SpareCommand | undefined {
  const [, job, entry, folder] = SPARE_FORM.exec(text) ?? [];
  if (job === undefined || folder === undefined) return undefined;
  return { job, entry: entry === 'pool-worker' ? entry : undefined, folder };
}

/** The modules that a spare loads before it waits. */
export interface Preparation {
  /** URLs. */
  readonly preload: readonly string[];
  /** Folder of the namespace. */
  readonly folder: string;
  readonly parent: { readonly pid: number; readonly name: string };
}
