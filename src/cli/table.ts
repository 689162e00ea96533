/** Table: columns by displayed width. */

import stringWidth from 'string-width';
import type { Paint } from '../inspect/words.ts';

export interface Column {
  readonly title: string;
  readonly right?: boolean;
  /** The least width to which it is cut for a narrow terminal, 8 by default. */
  readonly least?: number;
  /** The width below which it is cut only when all columns that can be spared have gone. */
  readonly wants?: number;
  /** Narrowed before the others. */
  readonly yields?: boolean;
  /** Left out where the others have too little room: the smallest number first. */
  readonly spare?: number;
}

const LEAST = 8;
const GAP = 2;
/** As in `worker-2 (4121, api.js)`. */
const PID = /\(\d+(?=[,)])/;

/**
 * Rows as lines, each column as wide as its widest text; Chinese characters are two wide. On a
 * terminal that is narrower, columns that can be spared are left out, and the widest are cut; pids
 * stay.
 */
export function table(
  given: readonly Column[],
  texts: readonly (readonly string[])[],
  paint: Paint,
  room: number = widthOfTerminal(),
): string {
  const whole = [given.map(({ title }) => title), ...texts];
  const needed = given.map((_, index) => Math.max(...whole.map((row) => stringWidth(row[index] ?? ''))));
  const shown = placesOf(given, needed, room);
  const columns = shown.map((index) => given[index]!);
  const widths = shown.map((index) => needed[index]!);
  const all = whole.map((row) => shown.map((index) => row[index] ?? ''));
  fit(columns, widths, room - GAP * (columns.length - 1));
  const lines = all.map((row) =>
    columns
      .map(({ right }, index) => {
        const text = cut(row[index]!, widths[index]!);
        const space = ' '.repeat(Math.max(0, widths[index]! - stringWidth(text)));
        return right === true ? space + text : text + space;
      })
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
  return `${[paint.dim(lines[0]!), ...lines.slice(1)].join('\n')}\n`;
}

/** Unlimited where it is unknown, as on a terminal whose size was never set: 0 columns. */
function widthOfTerminal(): number {
  const columns = process.stdout.isTTY ? process.stdout.columns : 0;
  return columns > 0 ? columns : Number.POSITIVE_INFINITY;
}

/** The places of the columns that are shown. */
function placesOf(columns: readonly Column[], widths: readonly number[], room: number): number[] {
  let shown = columns.map((_, index) => index);
  const spares = shown
    .filter((index) => columns[index]!.spare !== undefined)
    .sort((a, b) => columns[a]!.spare! - columns[b]!.spare!);
  for (const index of spares) {
    const taken = shown.reduce((sum, at) => {
      const { least = LEAST, wants = least } = columns[at]!;
      return sum + Math.min(widths[at]!, wants) + GAP;
    }, -GAP);
    if (taken > room) shown = shown.filter((at) => at !== index);
  }
  return shown;
}

/**
 * Narrows the widest column that yields, then the widest of all, until the rows fit, or until none
 * is wider than its least.
 */
function fit(columns: readonly Column[], widths: number[], room: number): void {
  for (let sum = widths.reduce((total, width) => total + width, 0); sum > room; sum--) {
    const wider = widths.map((width, index) => (width > (columns[index]!.least ?? LEAST) ? width : 0));
    const yielding = wider.map((width, index) => (columns[index]!.yields === true ? width : 0));
    const from = yielding.some((width) => width > 0) ? yielding : wider;
    const widest = from.indexOf(Math.max(...from));
    if (from[widest] === 0) return;
    widths[widest]!--;
  }
}

/** The text, cut to the width: to its beginning, `…` and the pid in it, if that would be lost. */
function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  const kept = beginning(text, width - 1);
  const [pid] = PID.exec(text) ?? [];
  if (pid === undefined || PID.test(kept) || pid.length + 2 > width) return `${kept}…`;
  return `${beginning(kept, width - pid.length - 2)}…${pid})`;
}

function beginning(text: string, width: number): string {
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(kept + segment) > width) break;
    kept += segment;
  }
  return kept;
}
