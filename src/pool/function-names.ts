/** Function names: the functions in a pool's list (function-list.ts), as observers read them. */

const LENGTH_BYTES = 4;

/** The names, in the order of the list. Any byte may be damaged; then the rest is left out. */
export function functionNames(list: Buffer, bytes: number): string[] {
  const names: string[] = [];
  const end = Math.max(0, Math.min(bytes, list.length));
  for (let at = 0; at + LENGTH_BYTES <= end; ) {
    const length = list.readUInt32LE(at);
    at += LENGTH_BYTES;
    if (at + length > end) break;
    names.push(nameIn(list.toString('utf8', at, at + length)));
    at += length;
  }
  return names;
}

function nameIn(reference: string): string {
  try {
    const { export: name } = (JSON.parse(reference) ?? {}) as { export?: unknown };
    return typeof name === 'string' ? name : '';
  } catch {
    return '';
  }
}
