/** Table: columns by displayed width. */

import stringWidth from 'string-width';
import type { Paint } from '../inspect/words.ts';

export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/** The least width of a column that is cut for a narrow terminal. */
const LEAST = 8;

/**
 * Rows as lines, each column as wide as its widest text; Chinese characters are two wide. On a
 * terminal that is narrower, the widest columns are cut.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
  room: number = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY,
): string {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => stringWidth(row[index] ?? ''))));
  fit(widths, room - 2 * (columns.length - 1));
  const lines = all.map((row) =>
    columns
      .map(({ right }, index) => {
        const text = cut(row[index] ?? '', widths[index]!);
        const space = ' '.repeat(Math.max(0, widths[index]! - stringWidth(text)));
        return right === true ? space + text : text + space;
      })
      .join('  ')
      .trimEnd(),
  );
  return `${[paint.dim(lines[0]!), ...lines.slice(1)].join('\n')}\n`;
}

/** Narrows the widest column until the rows fit, or until no column is wider than the least. */
function fit(widths: number[], room: number): void {
  for (let sum = widths.reduce((total, width) => total + width, 0); sum > room; sum--) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= LEAST) return;
    widths[widest]!--;
  }
}

/** The text, cut to the width; then it ends with `…`. */
function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
