/**
 * A program that forgets to guard its top level, in the way and with the kind of child that its
 * arguments name.
 */

import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs';
import { readFile as readSoon } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Process, Thread } from 'lockstep';

/** Keeps a failing test small: without it nothing would stop the program. */
const LAST = 3;

const [way = '', kind] = process.argv.slice(2);
const file = fileURLToPath(import.meta.url);

export function work(): void {}

export class OwnProcess extends Process {
  override run(): void {}
}

export class OwnThread extends Thread {
  override run(): void {}
}

function main(): void {
  const generation = Number(process.env.GENERATION ?? 0);
  process.env.GENERATION = String(generation + 1);
  console.log(`main ${generation}`);
  if (generation >= LAST) return;
  const Kind = kind === 'Process' ? Process : Thread;
  const Own = kind === 'Process' ? OwnProcess : OwnThread;
  const count = way === 'await' ? 2 : 1;
  for (let n = 0; n < count; n++) (way === 'subclass' ? new Own() : new Kind({ target: work })).start();
}

const ways: Record<string, () => void | Promise<void>> = {
  async await() {
    await readSoon(file);
    main();
  },
  subclass: () => ways.await!(),
  chained: () => void readSoon(file).then(main),
  callback: () => readFile(file, main),
  timeout: () => void setTimeout(main, 20),
  immediate: () => void setImmediate(main),
  tick: () => process.nextTick(main),
  microtask: () => queueMicrotask(main),
  listener() {
    const emitter = new EventEmitter();
    emitter.on('ready', main);
    setTimeout(() => emitter.emit('ready'), 20);
  },
  beforeExit: () => void process.once('beforeExit', main),
  async dynamic() {
    await readSoon(file);
    const other = './unguarded-import.js';
    void import(other);
  },
  port() {
    const { port1, port2 } = new MessageChannel();
    port2.addEventListener('message', () => {
      port2.close();
      main();
    });
    port2.start();
    port1.postMessage('ready');
  },
  caught() {
    setTimeout(() => {
      try {
        main();
      } catch (error) {
        console.error(error);
      }
    }, 20);
    setTimeout(() => main(), 40);
  },
};

if (way === 'top') await ways.await!();
else await ways[way]!();
