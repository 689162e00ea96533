// Shared by the programs of the tour: colours where the terminal has them, and `check`, by which a
// program says whether its outcome is what it should be. A check that fails makes the program's
// exit code 1.

import { styleText } from 'node:util';

const colourful = process.stdout.isTTY === true && process.stdout.hasColors();

export function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return colourful ? styleText(style, text) : text;
}

export function check(condition: boolean, text: string): void {
  console.log(condition ? paint('green', `✓ ${text}`) : paint('red', `✗ FAILED: ${text}`));
  if (!condition) process.exitCode = 1;
}
