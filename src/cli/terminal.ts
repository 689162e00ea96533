/** Terminal: colours where they are wanted, and columns as wide as they look. */

import stringWidth from 'string-width';
import type { Paint } from '../inspect/words.ts';
import { PLAIN } from '../inspect/words.ts';

/**
 * Colours for what is written to the stream: on a terminal only, unless the environment says
 * otherwise.
 */
export function paintFor(stream: { isTTY?: boolean }): Paint {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0';
  const wanted = forced || (stream.isTTY === true && TERM !== 'dumb');
  if (!wanted || (NO_COLOR !== undefined && NO_COLOR !== '')) return PLAIN;
  const styled =
    (opening: string) =>
    (text: string): string =>
      `\u001b[${opening}m${text}\u001b[0m`;
  return { strong: styled('1'), bad: styled('1;31'), dim: styled('2') };
}

export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/** Rows as lines, each column as wide as its widest text; Chinese characters are two wide. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => stringWidth(row[index] ?? ''))));
  const lines = all.map((row) =>
    row
      .map((text, index) => {
        const space = ' '.repeat(Math.max(0, widths[index]! - stringWidth(text)));
        return columns[index]!.right === true ? space + text : text + space;
      })
      .join('  ')
      .trimEnd(),
  );
  return `${[paint.dim(lines[0]!), ...lines.slice(1)].join('\n')}\n`;
}
