/**
 * The Lockstep program whose processes and threads stand for Python's: it starts agents when asked,
 * and ends them all at its end, which is that of its standard input.
 *
 * Asked through a Unix socket: `{"want": {"process": 8}}` sees to it that so many are free;
 * `{"kill": name}` ends one. Each answer counts those that live.
 */

import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { isMainProcess, Process, Thread } from 'lockstep';
import type { Placement } from './agent.ts';
import { serve } from './agent.ts';

/** Milliseconds that an agent has to end. */
const PATIENCE = 3000;

interface Asked {
  want?: Partial<Record<Placement, number>>;
  kill?: string;
}

const dir = process.env.CPYTHON_DIR ?? '';
const children = new Map<string, Process | Thread>();
/** Agents that were asked to end. */
const ended = new Set<string>();
const starting: Record<Placement, Set<string>> = { process: new Set(), thread: new Set(), flow: new Set() };
let count = 0;

function start(placement: Placement): void {
  const name = `${placement[0]}${++count}`;
  const Child = placement === 'thread' ? Thread : Process;
  const child = new Child({ target: serve, args: [{ dir, name, placement }], name, daemon: true });
  children.set(name, child);
  starting[placement].add(name);
  child.on('exit', (code) => {
    children.delete(name);
    starting[placement].delete(name);
    if (code !== 0 && !ended.has(name)) console.error(`${name} has ended with ${code}`);
  });
  child.start();
}

function want(numbers: NonNullable<Asked['want']>): void {
  for (const [placement, number] of Object.entries(numbers) as [Placement, number][]) {
    for (const name of starting[placement]) {
      if (existsSync(`${dir}/free-${placement}/${name}`) || existsSync(`${dir}/taken/${name}`))
        starting[placement].delete(name);
    }
    const free = new Set([...readdirSync(`${dir}/free-${placement}`), ...starting[placement]]);
    for (let missing = number - free.size; missing > 0; missing--) start(placement);
  }
}

function serveHub(): void {
  for (const folder of ['new', 'taken', 'fifo', 'free-process', 'free-thread', 'free-flow'])
    mkdirSync(`${dir}/${folder}`);
  const server = createServer((socket) => {
    let pending = '';
    socket.setEncoding('utf8');
    // Python hangs up after its question.
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      pending += String(chunk);
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        const asked = JSON.parse(line) as Asked;
        if (asked.want !== undefined) want(asked.want);
        if (asked.kill !== undefined) {
          ended.add(asked.kill);
          children.get(asked.kill)?.kill();
        }
        socket.write(`${JSON.stringify({ live: children.size })}\n`);
      }
    });
  });
  server.listen(`${dir}/hub`);
  process.stdin.resume();
  process.stdin.on('end', () => {
    server.close();
    void endAll().then(() => process.exit(0));
  });
}

async function endAll(): Promise<void> {
  const all = [...children.entries()];
  for (const [name, child] of all) {
    ended.add(name);
    child.terminate();
  }
  for (const [, child] of all) {
    if (await child.join(PATIENCE)) continue;
    child.kill();
    await child.join(PATIENCE);
  }
}

if (isMainProcess) serveHub();
