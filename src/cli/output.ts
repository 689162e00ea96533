/** Output: how the command ends where its output can't be written. */

import { setTimeout } from '#clock';
import { FINE, UNREADABLE } from './exit-codes.ts';

/**
 * Whether the error is of a write to the output: older Nodes throw those of files, newer ones emit
 * them.
 */
export function isOfOutput(error: unknown): error is NodeJS.ErrnoException {
  return (error as NodeJS.ErrnoException | undefined)?.syscall === 'write';
}

/**
 * Ends the command if its output can't be written: silently where its reader has gone, as after
 * `| head -1`, otherwise with one line. The messages of `lockstep run` end nothing: its command
 * has to run even if nobody reads them.
 */
export function watchOutput(): void {
  process.stdout.on('error', failOutput);
  process.stderr.on('error', () => {
    // There is no other place to say so.
  });
}

/** Ends the process: the exit code is the command's where the reader has gone. */
export function failOutput(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') {
    process.stderr.write(`lockstep: the output can't be written: ${error.message}\n`);
    process.exit(UNREADABLE);
  }
  // The command that has written is still to set its exit code; `--watch` would never end.
  setTimeout(() => process.exit(process.exitCode ?? FINE), 0);
}
