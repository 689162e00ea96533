/**
 * A back door: makes this program one that does not know a kind of object, as if an older version
 * had met it.
 */

import { load } from './internals.ts';

export const registry: typeof import('../../src/agents/kinds.ts') = await load('agents/kinds.js');
export const { KINDS }: typeof import('../../src/kinds/all.ts') = await load('kinds/all.js');

/** From now on this program does not know the kind of that name. */
export function forgetKind(name: string): void {
  const known = KINDS.filter((kind) => kind.name !== name && kind.classOf?.name !== name);
  if (known.length === KINDS.length) throw new Error(`there is no kind ${name}`);
  registry.listKinds(known);
}
