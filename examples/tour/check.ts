// Used by all programs of the tour: colours, if the terminal has them, and `check`, which prints
// whether an outcome is as expected. If a check fails, the program's exit code is 1.

import { styleText } from 'node:util';

const colourful = process.stdout.isTTY === true && process.stdout.hasColors();

export function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return colourful ? styleText(style, text) : text;
}

export function check(condition: boolean, text: string): void {
  console.log(condition ? paint('green', `✓ ${text}`) : paint('red', `✗ FAILED: ${text}`));
  if (!condition) process.exitCode = 1;
}
