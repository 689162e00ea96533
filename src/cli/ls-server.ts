/** `lockstep ls --redis URL`, `--postgres URL`: the objects that a server has. */

import type { ListedObject } from '../cluster/listing.ts';
import { listObjects } from '../cluster/listing.ts';
import { count, visible } from '../inspect/words.ts';
import { FINE } from './exit-codes.ts';
import { show, writeJson } from './looks.ts';
import type { ListOptions } from './ls.ts';
import { table } from './table.ts';
import { paintFor } from './terminal.ts';

const COLUMNS = [
  { title: 'NAMESPACE' },
  { title: 'OBJECT' },
  { title: 'STATE' },
  { title: 'WAIT', right: true },
];

export async function lsServer({ redis, postgres, namespace, json, watch }: ListOptions): Promise<number> {
  const find = async (): Promise<ListedObject[]> => {
    const all = await listObjects(redis === undefined ? { postgres: postgres! } : { redis });
    return all.filter((each) => namespace === undefined || each.namespace === namespace);
  };
  if (json === true) writeJson({ objects: await find() });
  else await show(async () => textOf(await find(), namespace), watch);
  return FINE;
}

function textOf(objects: readonly ListedObject[], namespace: string | undefined): string {
  const rows = objects.map(({ namespace, kind, name, state, waiting }) => {
    return [visible(namespace), `${kind} ${visible(name)}`, visible(state), String(waiting)];
  });
  const where = namespace === undefined ? '' : ` in namespace ${JSON.stringify(namespace)}`;
  const totals = `${count(objects.length, 'object')} at the server${where}.\n`;
  return rows.length === 0 ? totals : `${table(COLUMNS, rows, paintFor(process.stdout))}${totals}`;
}
