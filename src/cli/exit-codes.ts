/** The exit codes of `lockstep`. */

/** Nothing is stuck; the command has succeeded. */
export const FINE = 0;
/** Something keeps others waiting. */
export const STUCK = 1;
/** The command line is wrong. */
export const WRONG_USE = 2;
/** The thing that was asked for is not there, or can't be read. */
export const UNREADABLE = 3;
/** Of `run --no-wait` and `run --timeout`: the name is held (EX_TEMPFAIL of sysexits.h). */
export const HELD = 75;
