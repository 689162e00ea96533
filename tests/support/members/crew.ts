/** Crew: starts members, and resolves to each when it has said hello; see member.ts. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Hello, onMessage, type Report } from '../wire.ts';
import type { Member } from './member.ts';
import { type Address, type Run, runChild, runProgram, type Target } from './run.ts';

type Arrival = (hello: Hello, socket: Socket) => Member;

export class Crew<M extends Member = Member> {
  /** Has the socket, and files that members leave. */
  readonly folder: string = mkdtempSync(join(tmpdir(), 'lockstep-crew-'));
  readonly #make: new (
    run: Run,
    hello: Hello,
    socket: Socket,
  ) => M;
  readonly #path: string = join(this.folder, 'socket');
  readonly #arrivals = new Map<number, Arrival>();
  readonly #server = createServer((socket) => {
    let member: Member | undefined;
    socket.on('error', () => socket.destroy()); // The member was killed; `close` follows.
    onMessage(socket, (message) => {
      if (member === undefined)
        member = this.#arrivals.get((message as Hello).serial)?.(message as Hello, socket);
      else member.receive(message as Report);
    });
  });
  #listening: Promise<void> | undefined;
  #serials = 0;

  constructor(make: new (run: Run, hello: Hello, socket: Socket) => M) {
    this.#make = make;
  }

  /** Starts a child process or a thread that runs the target. */
  start<Args extends unknown[]>(kind: 'process' | 'thread', target: Target<Args>, ...args: Args): Promise<M> {
    return this.startAs((address) => runChild(kind, target, [address, ...args]));
  }

  /** Starts a program that runs the function of that name, which the module exports. */
  startProgram(module: string, target: string, ...args: unknown[]): Promise<M> {
    return this.startAs((address) => runProgram(module, target, [address, ...args]));
  }

  /** Hears no more of anyone. */
  close(): void {
    this.#server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Starts one in another way. */
  async startAs(start: (address: Address) => Run): Promise<M> {
    this.#listening ??= new Promise((resolve) => this.#server.listen(this.#path, resolve));
    await this.#listening;
    const serial = ++this.#serials;
    const run = start({ path: this.#path, serial });
    const arrival = new Promise<M>((resolve) => {
      this.#arrivals.set(serial, (hello, socket) => {
        this.#arrivals.delete(serial);
        const member = new this.#make(run, hello, socket);
        resolve(member);
        return member;
      });
    });
    const failure = run.ended.then((how) => {
      throw new Error(`a member ended before it was there: ${how}`);
    });
    return await Promise.race([arrival, failure]);
  }
}
