/**
 * The files of a namespace that ringing, watching and sleeping need: its open folder, and the
 * words of its control segment.
 */

import type { Words } from '../memory/atomics.ts';
import type { Directory } from '../platform/directory.ts';

export interface NamespaceFiles {
  readonly directory: Directory;
  readonly words: Words;
}
