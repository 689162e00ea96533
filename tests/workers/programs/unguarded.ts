/** A program that starts a child wherever it is imported. */

import { Process } from 'lockstep';

export function work(): void {}

new Process({ target: work }).start();
console.log('started');
