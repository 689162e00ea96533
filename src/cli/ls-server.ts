/** `lockstep ls --redis URL`, `--postgres URL`: the objects that a server has. */

import { listObjects } from '../cluster/listing.ts';
import { count, visible } from '../inspect/words.ts';
import { FINE } from './exit-codes.ts';
import { writeJson } from './looks.ts';
import type { ListOptions } from './ls.ts';
import { table } from './table.ts';
import { paintFor } from './terminal.ts';

const COLUMNS = [
  { title: 'NAMESPACE' },
  { title: 'OBJECT' },
  { title: 'STATE' },
  { title: 'WAIT', right: true },
];

export async function lsServer({ redis, postgres, namespace, json }: ListOptions): Promise<number> {
  const all = await listObjects(redis === undefined ? { postgres: postgres! } : { redis });
  const objects = all.filter((each) => namespace === undefined || each.namespace === namespace);
  if (json === true) {
    writeJson({ objects });
    return FINE;
  }
  const paint = paintFor(process.stdout);
  const rows = objects.map(({ namespace, kind, name, state, waiting, dead }) => {
    const gone = dead.length === 0 ? '' : ` (lease ended: ${dead.join(', ')})`;
    return [visible(namespace), `${kind} ${visible(name)}`, `${visible(state)}${gone}`, String(waiting)];
  });
  const totals = `${count(objects.length, 'object')} at the server.\n`;
  process.stdout.write(rows.length === 0 ? totals : `${table(COLUMNS, rows, paint)}${totals}`);
  return FINE;
}
