/**
 * Supervisor: lets the company work and die, and brings it to rest every few seconds to see whether
 * all is as it must be.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Word } from '../support/words.ts';
import type { Act, Player } from './act.ts';
import { ACTS } from './acts/all.ts';
import { actOf, type Board, makeBoard, RESTING } from './board.ts';
import { SUPERVISOR_SEAT, seatsOf } from './cast.ts';
import { Company } from './company.ts';
import { Flow, HANG_MS } from './flow.ts';
import { Random } from './random.ts';

const TEND_EVERY_MS = 10;
const SHORTEST_SHIFT_MS = 2000;
const LONGEST_SHIFT_MS = 4000;

export interface Tally {
  seconds: number;
  operations: { act: string; count: number }[];
  /** What the acts have to add. */
  rows: [name: string, value: string][];
  kills: number;
  stops: number;
  rests: number;
  recoveries: number;
  longestWait: number;
  violations: number;
}

export class Supervisor {
  private readonly board: Board;
  private readonly things: unknown[];
  private readonly flow: Flow;
  private readonly random: Random;
  private readonly company: Company;
  private readonly begun = performance.now();
  private rests = 0;

  /** Starts the company. `file`: where violations are written down. */
  constructor(seed: number, file: string) {
    this.board = makeBoard(ACTS.length, file);
    this.things = ACTS.map((act) => act.make());
    this.flow = new Flow(this.board, SUPERVISOR_SEAT, 1, seed);
    this.random = new Random(seed);
    this.company = new Company(this.board, this.things, seed, this.random, (member) => this.mourn(member));
  }

  /** Lets them work, die and rest for so long, and ends them. */
  async run(milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds;
    const tending = setInterval(() => this.tend(), TEND_EVERY_MS);
    let alright = true;
    for (let more = true; more; ) {
      const shift = SHORTEST_SHIFT_MS + this.random.below(LONGEST_SHIFT_MS - SHORTEST_SHIFT_MS);
      this.company.rage();
      await sleep(Math.min(shift, end - performance.now()));
      alright = await this.rest();
      more = alright && performance.now() < end;
      // After the last rest flows only continue to their end.
      if (more) this.board.rest.value = 0;
    }
    clearInterval(tending);
    this.board.stop.value = 1;
    await this.company.calm();
    await (alright ? this.company.ended() : this.company.disband());
    for (const act of ACTS) await act.end?.();
  }

  tally(): Tally {
    const { operations, recoveries, longest, violations } = this.board;
    return {
      seconds: (performance.now() - this.begun) / 1000,
      operations: ACTS.map(({ name }, act) => ({ act: name, count: Number(operations[act]?.value) })),
      rows: ACTS.flatMap((act) => act.rows?.() ?? []),
      kills: this.company.kills,
      stops: this.company.stops,
      rests: this.rests,
      recoveries: recoveries.value,
      longestWait: Math.max(...longest.map(({ value }) => value)),
      violations: violations.value,
    };
  }

  /** Makes good what only the survivors can, before the member's seats are taken again. */
  private mourn(member: number): void {
    for (const seat of seatsOf(member)) {
      const state = this.board.state[seat] as Word;
      const was = actOf(state.value);
      state.value = 0;
      this.each((act, things, index) =>
        act.died?.(this.flow, things, seat, was?.act === index ? was.phase : 0),
      );
    }
  }

  private tend(): void {
    this.each((act, things) => act.tend?.(this.flow, things));
  }

  /** Brings all flows to rest, and checks them. `false`: a flow hangs. */
  private async rest(): Promise<boolean> {
    await this.company.calm();
    this.each((act, things) => act.calm?.(this.flow, things));
    this.board.rest.value = 1;
    if (!(await this.allRest())) return false;
    for (const [index, act] of ACTS.entries()) {
      try {
        await act.check(this.flow, this.things[index]);
      } catch (error) {
        this.flow.violated(`${act.name}: checking it failed: ${(error as Error).stack}`);
      }
    }
    this.rests++;
    return true;
  }

  private async allRest(): Promise<boolean> {
    const since = performance.now();
    let quietSince = Number.POSITIVE_INFINITY;
    for (;;) {
      const busy = this.busy();
      if (busy.length === 0) return true;
      const now = performance.now();
      if (now - since > HANG_MS) return this.hang(busy);
      const quiet = busy.every(({ act, phase }) => act !== undefined && ACTS[act]?.awaitsRelief?.(phase));
      if (!quiet) quietSince = Number.POSITIVE_INFINITY;
      else if (quietSince > now) quietSince = now;
      for (const [index, act] of ACTS.entries()) {
        const here = busy.filter((player) => player.act === index);
        const seen = { here, quiet, quietFor: now - quietSince };
        await act.relieve?.(this.flow, this.things[index], seen);
      }
      await sleep(2);
    }
  }

  /** The flows that don't rest. */
  private busy(): (Player & { act: number | undefined })[] {
    return [...this.board.state.entries()]
      .filter(([seat, state]) => seat !== SUPERVISOR_SEAT && state.value !== RESTING)
      .map(([seat, state]) => {
        const where = actOf(state.value);
        return { seat, act: where?.act, phase: where?.phase ?? 0 };
      });
  }

  private hang(busy: (Player & { act: number | undefined })[]): false {
    const where = busy.map(({ seat, act, phase }) => {
      return `flow ${seat} in ${act === undefined ? 'no act' : ACTS[act]?.name}, phase ${phase}`;
    });
    const things = ACTS.map((act, index) => `${act.name}: ${describe(this.things[index])}`);
    this.flow.violated(`hang: not at rest after ${HANG_MS} ms: ${where.join('; ')}\n${things.join('\n')}`);
    return false;
  }

  private each(visit: (act: Act, things: unknown, index: number) => void): void {
    for (const [index, act] of ACTS.entries()) visit(act, this.things[index], index);
  }
}

/** How the objects stand, in one line. */
function describe(things: unknown): string {
  return Object.entries(things as object)
    .map(([name, thing]) => `${name}=${Array.isArray(thing) ? thing.map(String).join(' ') : String(thing)}`)
    .join(', ');
}
