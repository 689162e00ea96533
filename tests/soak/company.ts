/** Company: the members as processes: killed, stopped for a while, and replaced. */

import { Process } from 'lockstep';
import type { Word } from '../stress/members.ts';
import type { Board } from './board.ts';
import { MEMBERS } from './cast.ts';
import { type Engagement, plays, reportEnd } from './member.ts';
import type { Random } from './random.ts';

const KILL_EVERY_MS = 200;
const STOP_EVERY_MS = 200;
const LONGEST_STOP_MS = 200;

export class Company {
  kills = 0;
  stops = 0;
  private readonly board: Board;
  private readonly things: unknown[];
  private readonly seed: number;
  private readonly random: Random;
  /** Called when a member is dead, before it is replaced. */
  private readonly mourn: (member: number) => void;
  private readonly members: Process[] = [];
  private readonly replacing = new Set<number>();
  private readonly stopped = new Map<number, { pid: number; timer: NodeJS.Timeout }>();
  /** Those whose end is no surprise. */
  private readonly expected = new WeakSet<Process>();
  private timers: NodeJS.Timeout[] = [];

  constructor(
    board: Board,
    things: unknown[],
    seed: number,
    random: Random,
    mourn: (member: number) => void,
  ) {
    this.board = board;
    this.things = things;
    this.seed = seed;
    this.random = random;
    this.mourn = mourn;
    for (let member = 0; member < MEMBERS; member++) this.start(member);
  }

  /** Kills and stops members at random from now on. */
  rage(): void {
    this.timers = [
      setInterval(() => this.killOne(), KILL_EVERY_MS),
      setInterval(() => this.suspend(this.random.below(MEMBERS)), STOP_EVERY_MS),
    ];
  }

  /** Stops killing and stopping members; resolves when all members are present and run. */
  async calm(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.timers = [];
    for (const member of [...this.stopped.keys()]) this.resume(member);
    while (this.replacing.size > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  /** Resolves when all members have ended, as they were asked to. */
  async ended(): Promise<void> {
    for (const member of this.members) this.expected.add(member);
    await Promise.all(
      this.members.map(async (process, member) => {
        await process.join();
        if (process.exitCode !== 0) reportEnd(this.board, member, process.exitCode);
      }),
    );
  }

  /** Ends the members that hang. */
  async killAll(): Promise<void> {
    await this.calm();
    for (const member of this.members) {
      this.expected.add(member);
      if (member.isAlive()) member.kill();
    }
    await Promise.all(this.members.map((member) => member.join()));
  }

  private start(member: number): void {
    const generation = (this.board.generation[member] as Word).value;
    const engagement: Engagement = {
      member,
      generation,
      seed: this.seed,
      board: this.board,
      things: this.things,
    };
    const process = new Process({ target: plays, args: [engagement], daemon: true });
    process.start();
    this.members[member] = process;
    void process.join().then(() => {
      if (this.expected.has(process)) return;
      reportEnd(this.board, member, process.exitCode);
      void this.replace(member);
    });
  }

  private killOne(): void {
    const present = [...this.members.keys()].filter((member) => !this.replacing.has(member));
    if (present.length > 0) void this.replace(this.random.pick(present));
  }

  private async replace(member: number): Promise<void> {
    if (this.replacing.has(member)) return;
    this.replacing.add(member);
    const process = this.members[member] as Process;
    const generation = this.board.generation[member] as Word;
    // Said before it is done: from here on its marks are those of a dead one.
    (this.board.condemned[member] as Word).value = generation.value;
    this.expected.add(process);
    process.kill();
    await process.join();
    this.resume(member);
    this.kills++;
    this.mourn(member);
    generation.add(1);
    this.start(member);
    this.replacing.delete(member);
  }

  private suspend(member: number): void {
    const { pid } = this.members[member] as Process;
    if (pid === null || this.replacing.has(member) || this.stopped.has(member)) return;
    if (!signal(pid, 'SIGSTOP')) return;
    this.stops++;
    const timer = setTimeout(() => this.resume(member), 1 + this.random.below(LONGEST_STOP_MS));
    this.stopped.set(member, { pid, timer });
  }

  private resume(member: number): void {
    const stopped = this.stopped.get(member);
    if (stopped === undefined) return;
    clearTimeout(stopped.timer);
    this.stopped.delete(member);
    // Only a child that is still to be waited for is sure to have that pid.
    if (this.members[member]?.exitCode === null) signal(stopped.pid, 'SIGCONT');
  }
}

function signal(pid: number, what: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, what);
  } catch {
    return false; // It has just ended.
  }
}
