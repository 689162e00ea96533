/** A main module that awaits, while it is loaded, tasks of its own functions in its own thread. */

import { Pool } from 'lockstep';

export function twice(n: number): number {
  return 2 * n;
}

await using pool = new Pool({ processes: 0 });
const result = await pool.apply(twice, [4]);
try {
  await pool.apply({ module: new URL(import.meta.url), export: 'twice' }, [4]);
} catch (error) {
  console.log(result, (error as NodeJS.ErrnoException).code, (error as Error).message);
}
