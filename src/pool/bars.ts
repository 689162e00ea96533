/**
 * Bars: the progress bars of all maps that run, each on a line of its own. cli-progress draws them.
 *
 * A bar that ends while others go on leaves its last state as a line above them. The lines of bars
 * that were drawn together so stay in the order of their ends.
 */

import { libraryRequire } from '../package-root.ts';
import type { BarState } from './bar.ts';
import { barText } from './bar.ts';

const USUAL_COLUMNS = 80;

/** The part of cli-progress that is used. */
interface LibraryBars {
  create(total: number, value: number, payload: object, options: object): object;
  /** Puts a line above the bars when they are drawn next. */
  log(line: string): void;
  remove(bar: object): void;
  /** Draws. */
  update(): void;
  stop(): void;
}
interface Library {
  readonly MultiBar: new (options: object) => LibraryBars;
}

/** A terminal. */
export type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write'>;

export interface DrawnBar {
  /** Draws it with its present state. */
  draw(): void;
  stop(): void;
}

export class Bars {
  private readonly terminal: () => Terminal;
  private drawn: LibraryBars | undefined;
  private count = 0;

  /** @param terminal is called only when a bar is drawn: Node makes its stream then */
  constructor(terminal: () => Terminal) {
    this.terminal = terminal;
  }

  /** Begins a bar. */
  begin(label: string, state: () => BarState): DrawnBar {
    const text = (): string => barText(label, state(), this.terminal().columns || USUAL_COLUMNS);
    this.drawn ??= this.open();
    const { drawn } = this;
    this.count++;
    const bar = drawn.create(1, 0, {}, { format: text });
    drawn.update();
    return {
      draw: () => drawn.update(),
      stop: () => this.end(bar, text),
    };
  }

  private end(bar: object, text: () => string): void {
    this.count--;
    const drawn = this.drawn!;
    if (this.count > 0) {
      drawn.log(`${text()}\n`);
      drawn.remove(bar);
      return;
    }
    this.drawn = undefined;
    drawn.stop();
  }

  private open(): LibraryBars {
    // Load the library only when a bar is drawn.
    const { MultiBar } = libraryRequire()('cli-progress') as Library;
    return new MultiBar({
      stream: this.terminal(),
      hideCursor: false,
      linewrap: true,
      clearOnComplete: false,
      gracefulExit: false,
      // A bar whose text is unchanged may have moved to another line.
      forceRedraw: true,
    });
  }
}
