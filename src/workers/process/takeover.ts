/**
 * Takeover: how a spare becomes like a process that is started now. The parent finds the changes
 * (startup.ts). A file of its own, so that a spare need not load its parent's side of a start.
 */

/** Settings that a spare has to change. */
export interface Takeover {
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
  readonly args: readonly string[];
  readonly folder: string;
  readonly umask: number;
}

/** Makes the changes, in the spare. */
export function takeOver({ set, unset, args, folder, umask }: Takeover): void {
  for (const name of unset) delete process.env[name];
  // If TZ changes, Node resets the time zone of its dates by itself.
  for (const [name, value] of Object.entries(set)) process.env[name] = value;
  process.argv.splice(2, process.argv.length, ...args);
  process.umask(umask);
  process.chdir(folder);
}
