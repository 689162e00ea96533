/**
 * A back door: makes this program one that does not know a kind of object, as if an older version
 * had met it.
 */

const shipped = (module: string): string => new URL(`../../../build/src/${module}`, import.meta.url).href;
const { listKinds }: typeof import('../../src/agents/kinds.ts') = await import(shipped('agents/kinds.js'));
const { KINDS }: typeof import('../../src/kinds/all.ts') = await import(shipped('kinds/all.js'));

/** From now on this program does not know the kind of that name. */
export function forgetKind(name: string): void {
  const known = KINDS.filter((kind) => kind.name !== name && kind.classOf?.name !== name);
  if (known.length === KINDS.length) throw new Error(`there is no kind ${name}`);
  listKinds(known);
}
