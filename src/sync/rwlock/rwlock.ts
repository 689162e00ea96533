/**
 * RWLock: readers together, a writer alone; survives the death of either.
 *
 * Words and algorithm: raw-rwlock.ts. Only the agent itself needs its readers and writers by scope
 * (scope.ts).
 */

import { inspect } from 'node:util';
import { setBits } from '#atomics';
import type { Kind } from '../../agents/kinds.ts';
import { defineKind } from '../../agents/kinds.ts';
import { countWaiting } from '../../agents/waiters.ts';
import type { ObjectOptions, Owner } from '../../contracts.ts';
import { InvalidTypeError } from '../../errors.ts';
import { makeExtraWords } from '../../objects/extra-words.ts';
import { openHandle } from '../../objects/handles.ts';
import { obtain } from '../../objects/obtain.ts';
import { Opened } from '../../objects/opened.ts';
import type { Description } from '../../objects/shared-object.ts';
import { SharedObject } from '../../objects/shared-object.ts';
import { holdsRWLock, RawRWLock, recoverRWLock } from './raw-rwlock.ts';
import { describeRWLock, MARKS_WORD, READER_WORDS, READERS_FIRST_BIT } from './rwlock-facts.ts';
import { ReadSide, type RWLockSide, WriteSide } from './rwlock-side.ts';

export interface RWLockOptions extends ObjectOptions {
  /**
   * The side that goes first when both wait. `'writers'` (the default): a waiting writer keeps new
   * readers out, so a steady stream of readers can't starve it. `'readers'`: new readers come in
   * while others read; a writer waits until no thread reads.
   */
  prefer?: 'writers' | 'readers' | undefined;
}

/** The state of a reader-writer lock, as `describe()` returns it. */
export interface RWLockDescription extends Description {
  /** The threads that read, each once. */
  readers: Owner[];
  writer: Owner | null;
  /** Calls that wait for it, blocked and awaiting, in all processes. */
  waiting: number;
}

/**
 * A lock that many readers hold together, or one writer alone.
 *
 * A *flow* is the code within one `run`, or all code of a thread outside of any `run`. A flow that
 * reads or writes may also read (again). A flow that reads can't write as well, and a flow that
 * writes can't write again: it would wait for itself, so it gets a `DeadlockError`.
 *
 * *If a writer dies*, the lock is freed, and `hold.recovered` is `true` for all later holders,
 * until a writer has been inside. *If a reader dies*, its hold ends; the others notice nothing.
 *
 * @example
 * const config = new RWLock({ name: 'config' });
 * await config.read.run(() => load());
 * using hold = config.write.acquireSync({ timeout: 500 });
 */
export class RWLock extends SharedObject {
  private readonly raw: RawRWLock;
  private readonly readSide: ReadSide;
  private readonly writeSide: WriteSide;

  /**
   * Makes a lock, or opens the lock of that name as it is. Throws `NameError`, `NameTakenError`,
   * `NoSpaceError`, `FolderError`, `ExhaustedError`.
   */
  constructor(options?: RWLockOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: RWLockOptions | Opened) {
    super(RWLOCK_KIND, source instanceof Opened ? source : obtainRWLock(source));
    this.raw = RawRWLock.of(this.cell);
    const host = { raw: this.raw, keeper: this, title: this.title, checkOpen: () => this.checkOpen() };
    this.readSide = new ReadSide(host);
    this.writeSide = new WriteSide(host);
  }

  /** Opens the lock that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): RWLock {
    return new RWLock(openHandle(RWLOCK_KIND, handle));
  }

  /** The side for reading, together with other readers. */
  get read(): RWLockSide {
    return this.readSide;
  }

  /** The side for writing, alone. */
  get write(): RWLockSide {
    return this.writeSide;
  }

  override describe(): RWLockDescription {
    return SharedObject.describe(this, () => {
      const { namespace } = this.cell.agent;
      const { holders, state } = describeRWLock(namespace, this.cell);
      const living = holders.filter(({ slot }) => namespace.isLive(slot));
      const writer = living.find(({ as }) => as === 'writer');
      return {
        kind: RWLOCK_KIND.name,
        name: this.name ?? null,
        handle: this.handle,
        readers: living.filter(({ as }) => as === 'reader').map(({ slot }) => namespace.identity(slot)),
        // A PENDING writer waits for the readers.
        writer: writer === undefined || state.pending ? null : namespace.identity(writer.slot),
        waiting: countWaiting(namespace, this.cell),
      };
    });
  }

  protected override summary(): string {
    const { readers, writer, waiting } = this.describe();
    const who = ({ name, pid }: Owner): string => `${name} (pid ${pid})`;
    const held =
      writer !== null
        ? `written by ${who(writer)}`
        : readers.length > 0
          ? `read by ${readers.map(who).join(', ')}`
          : 'free';
    return waiting === 0 ? held : `${held}, ${waiting} waiting`;
  }
}

function obtainRWLock(options: RWLockOptions | undefined): Opened {
  return obtain(RWLOCK_KIND, options, (place, agent) => {
    const { prefer = 'writers' } = options ?? {};
    if (prefer !== 'writers' && prefer !== 'readers') {
      throw new InvalidTypeError(
        `${RWLOCK_KIND.name}: refused, prefer is ${inspect(prefer)}; pass 'writers' or 'readers', or leave it out`,
      );
    }
    if (prefer === 'readers') setBits(place.words, place.at + MARKS_WORD, READERS_FIRST_BIT);
    makeExtraWords(place, READER_WORDS, agent);
  });
}

export const RWLOCK_KIND: Kind = defineKind({
  number: 11,
  name: 'RWLock',
  chain: true,
  recover: recoverRWLock,
  holds: holdsRWLock,
  open: RWLock.open,
});
