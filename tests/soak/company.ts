/** Company: the members as processes: killed, stopped for a while, and replaced. */

import { Process } from 'lockstep';
import { Company as BaseCompany } from '../support/members/company.ts';
import type { Word } from '../support/words.ts';
import type { Board } from './board.ts';
import { MEMBERS } from './cast.ts';
import { plays, reportEnd } from './member.ts';
import type { Random } from './random.ts';

const KILL_EVERY_MS = 200;
const STOP_EVERY_MS = 200;
const LONGEST_STOP_MS = 200;

export class Company extends BaseCompany {
  kills = 0;
  stops = 0;
  private readonly board: Board;
  private readonly random: Random;
  /** Called when a member is dead, before it is replaced. */
  private readonly mourn: (member: number) => void;
  private readonly replacing = new Set<number>();
  private readonly stopped = new Map<number, { pid: number; timer: NodeJS.Timeout }>();
  private timers: NodeJS.Timeout[] = [];

  constructor(
    board: Board,
    things: unknown[],
    seed: number,
    random: Random,
    mourn: (member: number) => void,
  ) {
    const make = (member: number): Process => {
      const generation = (board.generation[member] as Word).value;
      const engagement = { member, generation, seed, board, things };
      return new Process({ target: plays, args: [engagement], daemon: true });
    };
    super(MEMBERS, make, (member, exitCode) => {
      reportEnd(board, member, exitCode);
      void this.kill(member);
    });
    this.board = board;
    this.random = random;
    this.mourn = mourn;
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
    for (const [member, exitCode] of (await this.exitCodes()).entries())
      if (exitCode !== 0) reportEnd(this.board, member, exitCode);
  }

  private killOne(): void {
    const present = [...this.members.keys()].filter((member) => !this.replacing.has(member));
    if (present.length > 0) void this.kill(this.random.pick(present));
  }

  private async kill(member: number): Promise<void> {
    if (this.replacing.has(member)) return;
    this.replacing.add(member);
    const generation = this.board.generation[member] as Word;
    // Said before it is done: from here on its marks are those of a dead one.
    (this.board.condemned[member] as Word).value = generation.value;
    await this.replace(member, () => {
      this.resume(member);
      this.kills++;
      this.mourn(member);
      generation.add(1);
    });
    this.replacing.delete(member);
  }

  private suspend(member: number): void {
    const pid = this.members[member]?.pid ?? null;
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
