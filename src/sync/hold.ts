/** Hold: the right to be inside, given back once. */

import { forbidSending } from '../codec/sendable.ts';
import type { Hold } from '../contracts.ts';
import { NotOwnerError } from '../errors.ts';
import { showAsText } from '../readable.ts';

/** The object of a hold. `turn` distinguishes one holding of this agent from the next. */
export interface Releasable {
  releaseTurn(turn: number): void;
  /**
   * A number that grows from one holding to the next; `known` is the token that this hold has
   * already drawn.
   */
  tokenOfTurn(turn: number, known: number | undefined): number;
}

/**
 * The tokens that holds have drawn. Kept separately, so that holds without a token need no field.
 */
const drawn = new WeakMap<SharedHold, number>();
/** A signal that is never aborted, because holds in shared memory are never lost. */
let never: AbortSignal | undefined;

export class SharedHold implements Hold {
  readonly recovered: boolean;
  private readonly of: Releasable;
  private turn: number;

  constructor(of: Releasable, turn: number, recovered: boolean) {
    this.of = of;
    this.turn = turn;
    this.recovered = recovered;
  }

  get token(): number {
    const { turn } = this;
    if (turn === 0) {
      throw new NotOwnerError("token: can't be read, the hold was released; read it before release()");
    }
    const token = this.of.tokenOfTurn(turn, drawn.get(this));
    drawn.set(this, token);
    return token;
  }

  get valid(): boolean {
    return this.turn !== 0;
  }

  get signal(): AbortSignal {
    never ??= new AbortController().signal;
    return never;
  }

  release(): void {
    const { turn } = this;
    if (turn === 0) return;
    this.turn = 0;
    this.of.releaseTurn(turn);
  }

  /** One line on its state. */
  toString(): string {
    return this.turn === 0 ? '<Hold released>' : `<Hold of ${String(this.of)}>`;
  }

  [Symbol.dispose](): void {
    this.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return Promise.resolve();
  }
}

showAsText(SharedHold);
forbidSending(SharedHold.prototype, 'a Hold, which only the thread that made it can release');
