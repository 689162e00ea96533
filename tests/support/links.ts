/** Link: how a stage reaches an actor, and what it can do to it. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';
import { Process, type Thread } from 'lockstep';
import type { Kind, Member, Style } from './backends/backend.ts';
import { Performer } from './performer.ts';
import { until } from './until.ts';
import { type Command, encode, type Hello, type Reply } from './wire.ts';

export interface Link {
  readonly kind: Kind;
  readonly hello: Hello;
  /** Whether the actor has ended, by itself or not. */
  readonly isCut: boolean;
  send(command: Command): void;
  /** As SIGKILL: at once. Resolves when the actor is gone. */
  kill(): Promise<void>;
  /** Ends it normally, with whatever it holds. */
  leave(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): void;
  /** After the last test. */
  end(): Promise<void>;
}

/** To an actor that is a process or a thread. */
export class WorkerLink implements Link {
  readonly kind: Kind;
  readonly hello: Hello;
  private readonly worker: Process | Thread;
  private readonly socket: Socket;

  constructor(worker: Process | Thread, hello: Hello, socket: Socket) {
    this.kind = worker instanceof Process ? 'process' : 'thread';
    this.worker = worker;
    this.hello = hello;
    this.socket = socket;
  }

  get isCut(): boolean {
    return this.socket.destroyed;
  }

  send(command: Command): void {
    this.socket.write(encode(command));
  }

  /** SIGKILL for a process, `terminate()` for a thread. */
  async kill(): Promise<void> {
    if (this.worker instanceof Process) this.worker.kill();
    else await this.worker.terminate();
    await this.worker.join();
  }

  async leave(): Promise<void> {
    this.socket.end();
    await this.worker.join();
  }

  /** Stops a process in its tracks. */
  async freeze(): Promise<void> {
    assert.equal(this.kind, 'process');
    const { pid } = this.hello;
    process.kill(pid, 'SIGSTOP');
    await until(
      () => /^\d+ \(.*\) [Tt]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8')),
      'SIGSTOP to take effect',
    );
  }

  thaw(): void {
    process.kill(this.hello.pid, 'SIGCONT');
  }

  async end(): Promise<void> {}
}

/** To an actor in the test's own process: what goes to and fro is copied as on a socket. */
export class HereLink implements Link {
  readonly kind = 'here';
  readonly hello: Hello;
  isCut = false;
  private readonly member: Member;
  private readonly performer: Performer;
  private readonly receive: (reply: Reply) => void;
  private readonly hangUp: () => void;

  constructor(
    member: Member,
    serial: number,
    style: Style,
    { receive, hangUp }: { receive(reply: Reply): void; hangUp(): void },
  ) {
    const { identity, name } = member;
    this.member = member;
    this.hello = { serial, pid: process.pid, threadId: 0, name, identity };
    this.performer = new Performer(member, style);
    this.receive = receive;
    this.hangUp = hangUp;
  }

  send(command: Command): void {
    const copy = deserialize(serialize(command)) as Command;
    setImmediate(() => {
      void this.performer.obey(copy).then((reply) => {
        if (!this.isCut) this.receive(deserialize(serialize(reply)) as Reply);
      });
    });
  }

  async kill(): Promise<void> {
    this.isCut = true;
    this.member.die();
    this.hangUp();
  }

  leave(): Promise<void> {
    return this.kill();
  }

  async freeze(): Promise<void> {
    this.member.freeze();
  }

  thaw(): void {
    this.member.thaw();
  }

  end(): Promise<void> {
    return this.member.end();
  }
}
