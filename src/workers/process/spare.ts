/**
 * Spare: a child process that was started ahead of need. It has loaded Lockstep and rehearsed the
 * beginning of a job (entry/rehearsal.ts). It sleeps in read(2), without an event loop, a timer or
 * an agent's slot, until its parent has a job for it.
 *
 * It is born with three descriptors. Two are the file of its future job (process-files.ts) and the
 * reading end of a pipe that wakes it up. By the third, a socket, it reports that it is ready.
 * None has a name, so nobody else can reach it, and nothing is left when both processes are killed.
 *
 *   parent   make the job file, make the pipe, start Node
 *   spare    load Lockstep · rehearse · load the modules of `preload` · say READY · read the pipe
 *   parent   take it off its list · write the job · write one byte into the pipe · close the pipe
 *   spare    one byte: read the job, become like a new process (takeover.ts), run the target
 *            end of the pipe: `_exit`
 *
 * The parent does all of it without its event loop, so it works in a thread that blocks.
 *
 * Writers: the job's header is the parent's until the byte is in the pipe, and the child's from
 * then on. A spare that loads modules ahead writes that header as well (PARKED, REFUSED); its
 * parent gives it no job before.
 *
 * Death. Parent killed before the byte is written: the kernel closes the pipe, the spare reads its
 * end and exits. A spare that is still being started reads it as soon as it comes there; a job
 * without a header, in which its parent was killed, it leaves alone. Parent killed after: the byte
 * is in the pipe, the job in the file, and the child runs as one does whose parent was killed right
 * after start(). Spare killed before the byte is written: nobody has the reading end, the write
 * fails, and the parent starts cold. Spare killed after: the child has died before Lockstep ran in
 * it. The byte can't be missed: it waits in the pipe for a spare that is not ready yet.
 *
 * Never twice: a spare is off the list before it is written to, only its own thread has it, and a
 * job that was begun is refused (`readJob`).
 */

import type { StdioOptions } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { now } from '#clock';
import { agentsOfThread, defaultAgent } from '../../agents/membership.ts';
import { reapProcess } from '../../agents/reaper.ts';
import { readClone } from '../../codec/read-clone.ts';
import { v8 } from '../../codec/v8.ts';
import { platform } from '../../platform/current.ts';
import { identity } from '../identity.ts';
import { foldersForProcess } from '../node-options.ts';
import type { Outcome } from '../outcome.ts';
import { hasHeader, PROGRESS, readHeader, readPart, writePart } from './job-file.ts';
import type { JobFiles } from './process-files.ts';
import { makeJobFile } from './process-files.ts';
import type { Preparation, SpareEntry } from './spare-command.ts';
import { READINESS } from './spare-command.ts';
import type { StartedNode } from './spawn-node.ts';
import { spawnNode } from './spawn-node.ts';
import type { Startup } from './startup.ts';

/** Milliseconds in which one that was killed is gone, unless the kernel is stuck in a call. */
const LONGEST_DEATH = 10_000;

/** Spares that were given up while they rehearsed, perhaps in a seat of their own. */
const dying = new Set<Spare>();

export class Spare {
  readonly child: StartedNode;
  readonly files: JobFiles;
  /** As what it was born. */
  readonly startup: Startup;
  /** Resolves when it is ready, has ended, is used or is given up. */
  readonly settled: Promise<void>;
  /** The module that it could not load, if that has ended it. */
  refusal: Outcome | undefined;

  private readonly preloads: boolean;
  private readonly waking: number;
  private readonly onExit: () => void;
  private saidReady = false;
  private over = false;
  private settle!: () => void;

  /** Starts one; `onEnd`: it ended before it was used. Throws where the system refuses. */
  constructor(
    startup: Startup,
    preload: readonly string[],
    entry: SpareEntry | undefined,
    title: string,
    onEnd: (spare: Spare) => void,
  ) {
    const agent = defaultAgent();
    this.startup = startup;
    this.preloads = preload.length > 0;
    this.files = makeJobFile(agent);
    const { fd, job } = this.files;
    try {
      if (this.preloads) {
        const parent = { pid: process.pid, name: identity().process.name };
        const preparation: Preparation = { preload, folder: agent.folder, parent };
        writePart(fd, PROGRESS.PREPARING, v8().serialize(preparation));
      }
      const { start } = foldersForProcess();
      const command = `${job},spare,${entry ?? ''},${agent.folder}`;
      [this.child, this.waking] = platform.withPipe((reading, writing) => {
        const stdio: StdioOptions = ['inherit', 'inherit', 'inherit', fd, reading, 'pipe'];
        return [spawnNode(command, stdio, start, title), writing] as const;
      });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.settled = new Promise((resolve) => {
      this.settle = resolve;
    });
    const readiness = (this.child.stdio as readonly unknown[])[READINESS] as Socket;
    readiness.once('data', () => {
      this.saidReady = true;
      readiness.destroy();
      this.settle();
    });
    // Ignore it: the spare's end comes as a separate event.
    readiness.once('error', () => {});
    readiness.unref();
    this.onExit = () => {
      this.reap();
      this.refusal = this.readRefusal();
      this.settle();
      onEnd(this);
    };
    this.child.once('exit', this.onExit);
    this.child.unref();
  }

  /** Whether it waits for a job. */
  get isReady(): boolean {
    return this.saidReady && !this.over && !this.hasEnded;
  }

  /** Whether it was used or given up. */
  get isOver(): boolean {
    return this.over;
  }

  /** Whether it has ended. Looks at the process itself, also while the event loop can't run. */
  get hasEnded(): boolean {
    const { exitCode, signalCode, pid } = this.child;
    return exitCode !== null || signalCode !== null || platform.peekExit(pid) !== null;
  }

  /** Whether a job may be given to it. One that only loads Lockstep may be given it early. */
  get isUsable(): boolean {
    if (this.hasEnded) return false;
    return !this.preloads || readHeader(this.files.fd).progress === PROGRESS.PARKED;
  }

  /** Whether it keeps the event loop running. */
  keepAlive(on: boolean): void {
    if (this.over) return;
    if (on) this.child.ref();
    else this.child.unref();
  }

  /**
   * Wakes it, to do what is in its file. From then on the child and the file are the caller's.
   * Returns `false` if it has ended; then it is to be given up.
   */
  wake(): boolean {
    try {
      // One byte starts the job; EPIPE says that the spare has ended.
      writeSync(this.waking, '!');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') return false;
      throw error;
    }
    // From now on it is a child like any other.
    this.letGo();
    this.child.ref();
    return true;
  }

  /** Ends it. */
  giveUp(): void {
    if (this.over) return;
    // Without a writer its pipe ends, and so does it, also where it is another user's by now and
    // can't be killed.
    this.letGo();
    closeSync(this.files.fd);
    this.child.once('error', () => {});
    if (!this.saidReady) {
      dying.add(this);
      this.child.once('exit', () => this.reap());
    }
    this.child.kill('SIGKILL');
  }

  /** *Blocks* until all that were given up while they rehearsed have left the namespace. */
  static awaitEnds(): void {
    const limit = now() + LONGEST_DEATH;
    for (const spare of [...dying]) {
      platform.watchExit(spare.child.pid, (sleep) => {
        while (!sleep(Math.max(0, limit - now())) && now() < limit);
      });
      spare.reap();
    }
  }

  /** It may have died while it rehearsed, in a seat of its own. */
  private reap(): void {
    dying.delete(this);
    for (const agent of agentsOfThread()) reapProcess(agent, this.child.pid);
  }

  private letGo(): void {
    this.over = true;
    closeSync(this.waking);
    this.child.off('exit', this.onExit);
    this.settle();
  }

  private readRefusal(): Outcome | undefined {
    const { fd } = this.files;
    if (!hasHeader(fd) || readHeader(fd).progress !== PROGRESS.REFUSED) return undefined;
    return readClone(readPart(fd).content) as Outcome;
  }
}
