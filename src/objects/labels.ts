/**
 * Labels: the titles of objects without a name in messages. Nobody finds an object by its label.
 *
 * A label lies in the file `label-<cell>` of the namespace's folder: the object's generation, then
 * the text. The maker of the object writes it, before another agent can know the object. A later
 * object in the same cell has another generation, and writes over the file if it has a label. So
 * there are never more such files than cells.
 */

import { inspect } from 'node:util';
import type { Cell } from '../agents/cell.ts';
import { InvalidTypeError, LockstepError, NameError } from '../errors.ts';
import type { Namespace } from '../namespaces/namespace.ts';
import { labelFile } from '../namespaces/paths.ts';
import { framesOf, noteOrigin } from '../stacks.ts';

const MAX_LABEL_BYTES = 200;
/** Whether each object without a name is labelled with the place where it was made. */
const NOTES_ALL: boolean = process.env.LOCKSTEP_LABELS === '1' || process.env.LOCKSTEP_STACKS === '1';

/** The options that make a label. */
export interface Labelled {
  readonly label?: string | undefined;
  readonly stacks?: boolean | undefined;
}

/**
 * The label of an object that is about to be made; `undefined` for none. Throws `InvalidTypeError`
 * or `NameError` for a label that is not allowed.
 */
export function labelFrom(title: string, { label, stacks }: Labelled): string | undefined {
  if (label !== undefined) checkLabel(title, label);
  const place = NOTES_ALL || stacks === true ? placeOfCaller() : undefined;
  if (place === undefined) return label;
  return label === undefined ? place : `${label}, ${place}`;
}

/** Gives the new object its label. */
export function giveLabel(cell: Cell, label: string): void {
  const { agent, number, generation } = cell;
  cell.label = label;
  try {
    agent.namespace.directory.write(labelFile(number), `${generation}\n${label}`);
  } catch (error) {
    // There may be no room. The object works without a label: others see its number.
    if (!(error instanceof LockstepError)) throw error;
  }
}

/** The label of the object of that generation in the cell. */
export function labelOf({ directory }: Namespace, cell: number, generation: number): string | undefined {
  const [head, ...text] = directory.read(labelFile(cell))?.toString('utf8').split('\n') ?? [];
  return head === String(generation) && text.length > 0 ? text.join('\n') : undefined;
}

function checkLabel(title: string, label: unknown): void {
  if (typeof label !== 'string') {
    throw new InvalidTypeError(
      `${title}: refused, its label is ${inspect(label)}, which is not a string; pass e.g. { label: "cache of users" }`,
    );
  }
  const bytes = Buffer.byteLength(label);
  if (bytes === 0 || bytes > MAX_LABEL_BYTES) {
    throw new NameError(
      `${title}: refused, its label has ${bytes} bytes; a label has 1 to ${MAX_LABEL_BYTES}`,
    );
  }
}

/** File and line of the program's code that makes the object. */
function placeOfCaller(): string | undefined {
  const [frame = ''] = framesOf(noteOrigin()).split('\n');
  const [, place] = /([^/\\(\s]+:\d+):\d+\)?$/.exec(frame) ?? [];
  return place?.slice(-MAX_LABEL_BYTES);
}
