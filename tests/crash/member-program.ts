/** A member as a program that Lockstep did not start: `member-program <folder> <serial>`. */

import { serve } from './member.ts';

const [, , folder = '', serial] = process.argv;
await serve(folder, Number(serial));
