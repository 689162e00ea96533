/** Handle text: the text of a handle. `handles.ts` reads it. */

import type { Cell } from '../agents/cell.ts';

/** The facts that every handle has. */
export function handleFields(cell: Cell, name: string | undefined): URLSearchParams {
  const fields = new URLSearchParams({
    in: cell.agent.folder,
    cell: String(cell.number),
    generation: String(cell.generation),
  });
  if (name !== undefined) fields.set('name', name);
  return fields;
}

export function formatHandle(className: string, fields: URLSearchParams): string {
  return `lockstep:${className}?${fields}`;
}
