/** Table: columns by displayed width. */

import stringWidth from 'string-width';
import type { Paint } from '../inspect/words.ts';

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
