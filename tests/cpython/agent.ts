/**
 * An agent: the Lockstep process or thread that stands for a Python thread, and carries out its
 * calls. With more than one connection, it is a process in which every connection is one
 * asynchronous flow.
 *
 * It listens on a Unix socket. One connection is one Python thread, which has one request under way
 * at a time:
 *
 *   Python -> agent   {"i": number, "o": operation, …}              a request
 *                     {"x": number}                                 gives the request up
 *   agent -> Python   {"i": number, "r": result}  or  {"i", "e"}    its result, or its error
 *                     {"c": what}                                   asks Python to run a predicate
 *                                                                   or a barrier's action
 *
 * The answer to `c` comes through a FIFO, which is read blocking: a predicate is a plain function
 * to Lockstep, and Python's has its value only when Python was asked. While the agent waits there,
 * Python may make further requests, as {"q": request}.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { closeSync, openSync, readSync, renameSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import { Lock } from 'lockstep';
import { ACTION } from './action.ts';
import type { Json } from './codec.ts';
import { encode } from './codec.ts';
import type { Request } from './operations.ts';
import { carryOut } from './operations.ts';

/** Where an agent lives. */
export type Placement = 'process' | 'thread' | 'flow';

interface Place {
  readonly dir: string;
  readonly name: string;
  readonly placement: Placement;
}

/** An incoming message: a request, or the giving up of one. */
type Message = Request & { x?: number };

/** A message through the FIFO. */
interface Reply {
  q?: Request;
  v?: boolean;
  failed?: boolean;
}

const CHUNK = 65_536;

const within = new AsyncLocalStorage<Connection>();

class Connection {
  /** Handles of what this thread has used, and not closed. */
  readonly opened = new Set<string>();
  private readonly socket: Socket;
  private readonly place: Place;
  private readonly all: ReadonlySet<Connection>;
  private number = '';
  private sync = true;
  private ended = false;
  private fifo: number | undefined;
  private rest = '';
  private readonly requests: Request[] = [];
  private next: (() => void) | undefined;
  private aborter: AbortController | undefined;
  private current: number | undefined;

  constructor(socket: Socket, place: Place, all: ReadonlySet<Connection>) {
    this.socket = socket;
    this.place = place;
    this.all = all;
    let pending = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      pending += String(chunk);
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) this.arrived(JSON.parse(line) as Message);
    });
  }

  /** Carries out one request after the other, until the connection ends. */
  async serve(): Promise<void> {
    for (const event of ['error', 'end', 'close']) this.socket.on(event, () => this.end());
    // A flow is a scope of its own, as everything that `run` runs: it owns what it takes, and other
    // flows of this thread do not.
    using scope = new Lock();
    await scope.run(() => this.loop());
  }

  /** Asks Python, and carries out what Python asks meanwhile. Blocks. */
  callback(what: string): boolean {
    this.write({ c: what });
    for (;;) {
      const reply = this.readNow();
      if (reply.q === undefined) {
        if (reply.failed) throw new Error('raised in Python');
        return reply.v === true;
      }
      this.write(this.answerNow(reply.q));
    }
  }

  private arrived(message: Message): void {
    if (message.x !== undefined) {
      if (message.x === this.current) this.aborter?.abort(new Error('given up'));
      return;
    }
    this.requests.push(message);
    this.next?.();
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.fifo !== undefined) closeSync(this.fifo);
    this.next?.();
  }

  private async loop(): Promise<void> {
    while (!this.ended) {
      const request = this.requests.shift();
      if (request === undefined) {
        await new Promise<void>((resolve) => {
          this.next = resolve;
        });
        continue;
      }
      if (request.o === 'hello') {
        this.sync = request.calls === 'sync';
        this.number = request.number ?? '';
      }
      const answer = within.run(this, () =>
        this.sync ? this.answerNow(request) : this.answerLater(request),
      );
      this.write(await answer);
    }
  }

  private answerNow(request: Request): Record<string, Json> {
    const { i } = request;
    this.noteUsed(request);
    try {
      return { i, r: this.noteMade(carryOut(request, { sync: true, signal: undefined, ...this.context })) };
    } catch (error) {
      return { i, e: told(error) };
    }
  }

  private async answerLater(request: Request): Promise<Record<string, Json>> {
    const { i } = request;
    this.noteUsed(request);
    this.current = i;
    this.aborter = request.s ? new AbortController() : undefined;
    try {
      const { signal } = this.aborter ?? {};
      return { i, r: this.noteMade(await carryOut(request, { sync: false, signal, ...this.context })) };
    } catch (error) {
      return { i, e: told(error) };
    } finally {
      this.current = undefined;
    }
  }

  private get context() {
    return {
      callback: (what: string) => this.callback(what),
      isUsedByOthers: (handle: string) =>
        [...this.all].some((other) => other !== this && other.opened.has(handle)),
      forget: (handle: string) => this.opened.delete(handle),
    };
  }

  private noteUsed({ h }: Request): void {
    if (h !== undefined) this.opened.add(h);
  }

  /** Notes what it has just made, and encodes it. */
  private noteMade(made: unknown): Json {
    for (const each of Array.isArray(made) ? made : [made]) {
      const { handle } = (each ?? {}) as { handle?: unknown };
      if (typeof handle === 'string') this.opened.add(handle);
    }
    return encode(made);
  }

  /**
   * The message is with the system when this returns: libuv writes at once what fits. `w`: when,
   * on the clock that Python has, too.
   */
  private write(message: Record<string, Json>): void {
    const at = message.i === undefined ? {} : { w: Number(process.hrtime.bigint()) / 1e9 };
    this.socket.write(`${JSON.stringify({ ...message, ...at })}\n`);
  }

  private readNow(): Reply {
    this.fifo ??= openSync(`${this.place.dir}/fifo/${this.place.name}.${this.number}`, 'r');
    const chunk = Buffer.alloc(CHUNK);
    for (;;) {
      const end = this.rest.indexOf('\n');
      if (end >= 0) {
        const line = this.rest.slice(0, end);
        this.rest = this.rest.slice(end + 1);
        return JSON.parse(line) as Reply;
      }
      const count = readSync(this.fifo, chunk);
      if (count === 0) throw new Error('Python is gone');
      this.rest += chunk.toString('utf8', 0, count);
    }
  }
}

function told(error: unknown): Json {
  const { name, code, message, cause, stack } = error as Error & { code?: string; cause?: Error };
  return { name, code: code ?? null, message, cause: cause?.message ?? null, stack: stack ?? null };
}

/** Target of every agent. */
export async function serve(place: Place): Promise<void> {
  const { dir, name, placement } = place;
  ACTION.run = () => within.getStore()?.callback('action');
  const connections = new Set<Connection>();
  await new Promise<void>((resolve) => {
    // Half open: a Python process that ends waits until its agents have ended, and sees it by the
    // end of the connection.
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = new Connection(socket, place, connections);
      connections.add(connection);
      if (placement !== 'flow') server.close();
      connection
        .serve()
        .catch((error) => console.error('agent:', error))
        .finally(() => {
          connections.delete(connection);
          if (connections.size > 0) {
            socket.destroy();
            return;
          }
          socket.unref();
          server.close();
          resolve();
        });
    });
    server.listen(`${dir}/new/${name}`, () => {
      renameSync(`${dir}/new/${name}`, `${dir}/free-${placement}/${name}`);
    });
  });
  // Its holds and open objects end with it.
  if (placement !== 'thread') process.exit(0);
}
