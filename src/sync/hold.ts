/** Hold: the right to be inside, given back once. */

import type { Hold } from '../contracts.ts';

/** What a hold gives back to. `turn` tells one holding of this agent from the next. */
export interface Holdable {
  releaseTurn(turn: number): void;
}

export class HoldOf implements Hold {
  readonly recovered: boolean;
  private readonly of: Holdable;
  private turn: number;

  constructor(of: Holdable, turn: number, recovered: boolean) {
    this.of = of;
    this.turn = turn;
    this.recovered = recovered;
  }

  release(): void {
    const { turn } = this;
    if (turn === 0) return;
    this.turn = 0;
    this.of.releaseTurn(turn);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return Promise.resolve();
  }
}
