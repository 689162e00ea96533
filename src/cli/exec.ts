/** Started by `lockstep run`: becomes the command, and is killed with `lockstep run`. */

import { becomeProgram } from '../platform/linux/exec.ts';

const [parent = '', ...command] = process.argv.slice(2);
const code = becomeProgram(command, Number(parent));
process.stderr.write(
  code === 127
    ? `lockstep: ${command[0]}: there is no such program\n`
    : `lockstep: ${command[0]}: it can't be run\n`,
);
process.exitCode = code;
