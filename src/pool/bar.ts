/**
 * Bar: the text of a progress bar, fitted to the width of the terminal. cli-progress draws it.
 *
 * It changes no mode of the terminal (cursor, line wrap), because a program that ends in the middle
 * could not change it back.
 */

const WIDEST = 40;
const NARROWEST = 5;

/** The state of a map. */
export interface BarState {
  readonly value: number;
  /** `undefined`: the source does not say. */
  readonly total: number | undefined;
  /** Milliseconds until the end; `undefined`: not known yet. */
  readonly remaining: number | undefined;
}

export function barText(label: string, { value, total, remaining }: BarState, columns: number): string {
  // A long label leaves half of the line to the figures.
  const name = cut(label.replace(/\s+/g, ' '), Math.max(1, Math.floor(columns / 2)));
  let text: string;
  if (total === undefined) text = `${name} ${value}`;
  else {
    const part = total === 0 ? 1 : Math.min(1, value / total);
    const left = remaining === undefined ? '' : ` | ${duration(remaining)} left`;
    const figures = `${Math.floor(part * 100)}% | ${value}/${total}${left}`;
    const room = Math.min(WIDEST, columns - name.length - figures.length - 3);
    const full = Math.round(part * room);
    const bar = room < NARROWEST ? '' : `${'█'.repeat(full)}${'░'.repeat(room - full)} `;
    text = `${name} ${bar}${figures}`;
  }
  // The last column stays free: some terminals wrap there.
  return text.slice(0, Math.max(1, columns - 1));
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`;
}
