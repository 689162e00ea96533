/** Faults: what may befall workers, their connections and their server, as a seed decides. */

import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../soak/random.ts';
import type { ToxicProxy } from './proxy.ts';

export const LEASE_MS = 1_000;

/** The server behind the run. */
export interface Victim {
  readonly port: number;
  readonly pid: number;
  start(): Promise<void>;
  kill(): Promise<void>;
}

/** Worker processes of a run. One that gives up, or writes to stderr, is a failure. */
export class Crew {
  readonly workers: ChildProcess[] = [];
  readonly failures: string[] = [];
  private ending = false;
  private readonly program: string;

  constructor(program: string) {
    this.program = program;
  }

  enter(args: readonly string[], heard: (worker: ChildProcess, message: unknown) => void): ChildProcess {
    const worker = fork(this.program, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'json',
    });
    this.workers.push(worker);
    worker.stderr!.on('data', (text) => this.failures.push(String(text)));
    worker.on('exit', (code) => {
      if (!this.ending && code === 1) this.failures.push(`worker ${worker.pid} gave up`);
    });
    worker.on('message', (message) => heard(worker, message));
    return worker;
  }

  /** SIGKILL. */
  kill(worker: ChildProcess): void {
    this.workers.splice(this.workers.indexOf(worker), 1);
    worker.kill('SIGKILL');
  }

  end(): void {
    this.ending = true;
    for (const worker of this.workers) worker.kill('SIGKILL');
  }
}

interface Scene {
  readonly random: Random;
  readonly proxy: ToxicProxy;
  readonly victim: Victim;
  readonly crew: Crew;
  /** Kills the worker, and has another take its place. */
  replace(worker: ChildProcess): void;
}

/** Each does its harm and ends it. */
export function faultsOf({ random, proxy, victim, crew, replace }: Scene): (() => Promise<void>)[] {
  return [
    async () => proxy.cut(),
    async () => {
      proxy.dropsReplies = true;
      await sleep(random.below(60));
      proxy.cut();
      proxy.dropsReplies = false;
    },
    async () => {
      proxy.hold();
      await sleep(random.below(LEASE_MS * 1.5));
      proxy.pass();
    },
    async () => {
      const worker = random.pick(crew.workers);
      worker.kill('SIGSTOP');
      await sleep(random.below(LEASE_MS * 2));
      worker.kill('SIGCONT');
    },
    async () => replace(random.pick(crew.workers)),
    async () => {
      process.kill(victim.pid, 'SIGSTOP');
      await sleep(random.below(LEASE_MS));
      process.kill(victim.pid, 'SIGCONT');
    },
    async () => {
      await victim.kill();
      await victim.start();
    },
  ];
}
