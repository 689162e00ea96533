/** A member as a program: `program.js MODULE TARGET ARGUMENTS`, the last as JSON; see run.ts. */

import type { Address, Target } from './run.ts';

const [, , module = '', target = '', args = ''] = process.argv;
const { [target]: run } = (await import(module)) as Record<string, Target<unknown[]>>;
await run!(...(JSON.parse(args) as [Address, ...unknown[]]));
