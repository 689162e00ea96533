/** Progress bars that are drawn at the same time. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../support/internals.ts';

const { Bars }: typeof import('../../src/pool/bars.ts') = await load('pool/bars.js');

/** A terminal that knows what its lines show. */
class Screen {
  readonly isTTY = true;
  readonly columns = 60;
  readonly lines: string[] = [''];
  private row = 0;
  private column = 0;

  readonly write = (text: string): boolean => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences of a terminal
    for (const [part, , count, command] of text.matchAll(/(\x1b\[(\d*)([A-Z])|\n|[^\x1b\n]+)/g)) {
      if (command !== undefined) this.obey(command, Number(count || '0'));
      else if (part === '\n') this.goTo(this.row + 1);
      else this.print(part);
    }
    return true;
  };

  private obey(command: string, count: number): void {
    const line = this.lines[this.row]!;
    if (command === 'A') this.row -= Math.max(1, count);
    else if (command === 'G') this.column = Math.max(1, count) - 1;
    else if (command === 'K') this.lines[this.row] = count === 2 ? '' : line.slice(0, this.column);
    else if (command === 'J') {
      this.lines[this.row] = line.slice(0, this.column);
      this.lines.length = this.row + 1;
    } else assert.fail(`the screen does not know ${command}`);
    assert.ok(this.row >= 0, 'the cursor left the screen');
  }

  private goTo(row: number): void {
    this.row = row;
    this.column = 0;
    while (this.lines.length <= row) this.lines.push('');
  }

  private print(text: string): void {
    const line = this.lines[this.row]!.padEnd(this.column);
    this.lines[this.row] = line.slice(0, this.column) + text + line.slice(this.column + text.length);
    this.column += text.length;
  }
}

/** The labels and counts that the lines show. */
function shown({ lines }: Screen): string[] {
  return lines.map((line) => line.replace(/ [█░]+ .*\| /, ' ').trim());
}

test('each has a line; one that ends first stays above the others', () => {
  const screen = new Screen();
  const bars = new Bars(() => screen as never);
  const [a, b] = [0, 0].map((value) => ({ value, total: 9, remaining: undefined }));
  const first = bars.begin('a', () => a!);
  assert.deepEqual(shown(screen), ['a 0/9']);
  const second = bars.begin('b', () => b!);
  a!.value = 3;
  b!.value = 5;
  first.draw();
  assert.deepEqual(shown(screen), ['a 3/9', 'b 5/9']);
  b!.value = 9;
  second.stop();
  assert.deepEqual(shown(screen).slice(0, 2), ['b 9/9', 'a 3/9']);
  // A third one takes the next line.
  const third = bars.begin('c', () => ({ value: 1, total: undefined, remaining: undefined }));
  assert.deepEqual(shown(screen).slice(0, 3), ['b 9/9', 'a 3/9', 'c 1']);
  third.stop();
  a!.value = 9;
  first.stop();
  assert.deepEqual(
    shown(screen).filter((line) => line !== ''),
    ['b 9/9', 'c 1', 'a 9/9'],
  );
  // What the program prints then comes below.
  screen.write('done\n');
  assert.deepEqual(
    shown(screen)
      .filter((line) => line !== '')
      .at(-1),
    'done',
  );
  const again = bars.begin('d', () => a!);
  again.stop();
  assert.deepEqual(
    shown(screen).filter((line) => line !== ''),
    ['b 9/9', 'c 1', 'a 9/9', 'done', 'd 9/9'],
  );
});
