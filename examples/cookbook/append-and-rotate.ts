// Unrelated programs append lines to one file. When it is full, one of them renames it.

import { appendFileSync, existsSync, renameSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Lock } from 'lockstep';

const path = process.argv[2] ?? 'app.log';
const most = Number(process.argv[3] ?? 10_000_000);
const lines = Number(process.argv[4] ?? 3);
const lock = new Lock({ name: `log${resolve(path).replaceAll('/', ':')}` });

function append(line: string): void {
  lock.runSync(() => {
    if (existsSync(path) && statSync(path).size + line.length > most) rotate();
    // One call that opens, writes and closes: the file is the one that has this name now.
    appendFileSync(path, `${line}\n`);
  });
}

/** app.log.2 -> app.log.3, app.log.1 -> app.log.2, app.log -> app.log.1 */
function rotate(): void {
  let oldest = 1;
  while (existsSync(`${path}.${oldest}`)) oldest += 1;
  for (let number = oldest; number > 1; number--) renameSync(`${path}.${number - 1}`, `${path}.${number}`);
  renameSync(path, `${path}.1`);
}

for (let number = 1; number <= lines; number++) append(`${process.pid} writes line ${number}`);
