/**
 * The crew: the walking program's members, victims started ahead of their turn so that starts
 * overlap with deaths.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Process } from 'lockstep';
import { encode, onMessage, type SharedObject, toReferences } from '../support/wire.ts';
import { type Answer, type Farewell, farewellFile, type Order, serve } from './member.ts';

/**
 * The relation of a member to the walking program: its Lockstep child, or a program that Lockstep
 * did not start.
 */
export type Relation = 'child' | 'unrelated';

/** How many victims are started ahead. */
const AHEAD = 3;

export class Member {
  readonly serial: number;
  readonly pid: number;
  /** Resolves when it is dead and, where it was a child, reaped. */
  readonly ended: Promise<void>;
  hasEnded = false;
  private readonly socket: Socket;
  private readonly calls = new Map<number, { what: string; settle: (answer: Answer | undefined) => void }>();
  private lastId = 0;

  constructor(serial: number, pid: number, socket: Socket, ended: Promise<void>) {
    this.serial = serial;
    this.pid = pid;
    this.socket = socket;
    this.ended = ended.then(() => {
      this.hasEnded = true;
      for (const { settle } of this.calls.values()) settle(undefined);
      this.calls.clear();
    });
  }

  /** Orders that it has not answered. */
  get pending(): string[] {
    return [...this.calls.values()].map(({ what }) => what);
  }

  /**
   * Calls the method of its own end of the object. Rejects with its error, or when the member dies.
   */
  async call(object: SharedObject, method: string, ...args: unknown[]): Promise<unknown> {
    return await this.order(method, object, ...args);
  }

  /** The same for what is no method; see `Order`. */
  async order(operation: string, ...args: unknown[]): Promise<unknown> {
    const answer = await this.ask(operation, args, 0);
    if (answer === undefined) throw new Error(`process ${this.pid} died in ${operation}`);
    if (answer.error === undefined) return answer.value;
    const { message, ...fields } = answer.error;
    throw Object.assign(new Error(`in process ${this.pid}: ${message}`), fields);
  }

  /** Resolves to `undefined` when the member dies. */
  async ask(operation: string, args: unknown[], dieAt: number): Promise<Answer | undefined> {
    if (this.hasEnded) return undefined;
    const order: Order = { id: ++this.lastId, operation, args: toReferences(args) as unknown[], dieAt };
    return await new Promise<Answer | undefined>((settle) => {
      this.calls.set(order.id, { what: operation, settle });
      this.socket.write(encode(order));
    });
  }

  receive(answer: Answer): void {
    this.calls.get(answer.id)?.settle(answer);
    this.calls.delete(answer.id);
  }

  /** SIGKILL from outside; resolves when it is over. */
  async kill(): Promise<void> {
    if (!this.hasEnded) process.kill(this.pid, 'SIGKILL');
    await this.ended;
  }
}

export class Crew {
  /** Of the victims. */
  readonly relation: Relation;
  private readonly folder: string = mkdtempSync(join(tmpdir(), 'lockstep-crash-'));
  private readonly server: Server;
  private readonly arrivals = new Map<number, (pid: number, socket: Socket) => Member>();
  private readonly ahead: Promise<Member>[] = [];
  private serials = 0;

  private constructor(relation: Relation) {
    this.relation = relation;
    this.server = createServer((socket) => {
      let member: Member | undefined;
      socket.on('error', () => socket.destroy());
      onMessage(socket, (message) => {
        const { serial, pid } = message as { serial: number; pid: number };
        if (member === undefined) member = this.arrivals.get(serial)?.(pid, socket);
        else member.receive(message as Answer);
      });
    });
  }

  static async gather(relation: Relation): Promise<Crew> {
    const crew = new Crew(relation);
    await new Promise<void>((resolve) => crew.server.listen(join(crew.folder, 'socket'), resolve));
    return crew;
  }

  /** A fresh member for this turn. */
  next(): Promise<Member> {
    const member = this.upcoming();
    this.ahead.shift();
    this.recruit();
    return member;
  }

  /** The one whose turn is next. */
  upcoming(): Promise<Member> {
    this.recruit();
    return this.ahead[0] as Promise<Member>;
  }

  /** The leftovers of a dead member; nothing if it did not die in its operation. */
  farewellOf({ serial }: Member): Farewell | undefined {
    const file = farewellFile(this.folder, serial);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Farewell) : undefined;
  }

  /** Ends the remaining members. */
  async disband(): Promise<void> {
    await Promise.all(this.ahead.map(async (member) => (await member).kill()));
    this.server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Starts a member that is no victim. */
  start(relation: Relation = 'child'): Promise<Member> {
    const serial = ++this.serials;
    const ended = relation === 'child' ? startChild(this.folder, serial) : startProgram(this.folder, serial);
    const arrival = new Promise<Member>((resolve) => {
      this.arrivals.set(serial, (pid, socket) => {
        const member = new Member(serial, pid, socket, ended);
        resolve(member);
        return member;
      });
    });
    const failure = ended.then(() => {
      throw new Error('a member ended before it was there');
    });
    return Promise.race([arrival, failure]);
  }

  private recruit(): void {
    while (this.ahead.length < AHEAD) this.ahead.push(this.start(this.relation));
  }
}

async function startChild(folder: string, serial: number): Promise<void> {
  const child = new Process({ target: serve, args: [folder, serial], daemon: true });
  child.start();
  await child.join();
}

function startProgram(folder: string, serial: number): Promise<void> {
  const program = fileURLToPath(new URL('./member-program.js', import.meta.url));
  const args = [...process.execArgv, program, folder, String(serial)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
