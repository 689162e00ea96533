/**
 * Member: a process, thread or program that a test has started and gives orders to. Its side of the
 * conversation is serving.ts. The protocol is the same for every cast of members:
 *
 *   start      crew.ts starts a member with its address: the crew's socket, and a serial number.
 *   readiness  The member connects and says hello. A member that ends before is a failure.
 *   orders     Each has a number. They need not be answered in order: the member takes up each in a
 *              turn of its event loop, and one that awaits takes up others meanwhile.
 *   reports    The value that an order came to, or its error, and how long it took.
 *   death      The connection closes: each order that was not answered fails with `MEMBER_ENDED`.
 *              `ended` resolves when the member is gone, and reaped if it was a child.
 *   ending     `leave` hangs up, and the member returns. `kill` is SIGKILL, or `terminate()`.
 *   timeouts   None. A test has its own (until.ts), and `pending` says what the members are at.
 *   output     Standard error is that of the test.
 *
 * Members that take no orders, and work on their own until they are killed, are a company
 * (company.ts).
 */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { freeze, thaw } from '../processes.ts';
import { encode, type Hello, type Order, type Report, toReferences } from '../wire.ts';
import type { Run } from './run.ts';

export class Member {
  readonly serial: number;
  readonly pid: number;
  readonly threadId: number;
  readonly name: string;
  /** What objects name as their owner while it holds them. */
  readonly identity: unknown;
  /** Resolves when it is gone, to how it ended: `exit code 0`. */
  readonly ended: Promise<string>;
  readonly #run: Run;
  readonly #socket: Socket;
  readonly #orders = new Map<number, { operation: string; settle: (report?: Report) => void }>();
  #lastId = 0;
  #isOver = false;

  constructor(run: Run, hello: Hello, socket: Socket) {
    this.serial = hello.serial;
    this.pid = hello.pid;
    this.threadId = hello.threadId;
    this.name = hello.name;
    this.identity = hello.identity;
    this.#run = run;
    this.#socket = socket;
    this.ended = run.ended.then((how) => {
      this.#isOver = true;
      return how;
    });
    socket.on('close', () => {
      for (const { settle } of this.#orders.values()) settle();
      this.#orders.clear();
    });
  }

  /** Whether it has ended, was killed, or was asked to leave. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Orders that it has not answered. */
  get pending(): string[] {
    return [...this.#orders.values()].map(({ operation }) => operation);
  }

  /** Resolves to the outcome of the order; rejects with its error, or when the member dies. */
  async order(operation: string, ...args: unknown[]): Promise<unknown> {
    return (await this.reportOf(operation, args)).value;
  }

  /** As `order`, with the time that it took the member. */
  protected async reportOf(operation: string, args: readonly unknown[]): Promise<Report> {
    const report = await this.ask({ operation, args });
    if (report === undefined)
      throw Object.assign(new Error(`${this.name} (${this.pid}) ended in ${operation}`), {
        code: 'MEMBER_ENDED',
      });
    if (report.error === undefined) return report;
    const { message, ...fields } = report.error;
    throw Object.assign(new Error(message), fields);
  }

  /** The report as it is; `undefined` when the member dies. */
  protected async ask(order: Omit<Order, 'id'>): Promise<Report | undefined> {
    if (this.#socket.destroyed) return undefined;
    const id = ++this.#lastId;
    const args = toReferences(order.args, (value) => this.refer(value)) as unknown[];
    return await new Promise((settle) => {
      this.#orders.set(id, { operation: order.operation, settle });
      this.#socket.write(encode({ ...order, id, args }));
    });
  }

  /** How an argument travels that is not an object in shared memory. */
  protected refer(_value: unknown): string | undefined {
    return undefined;
  }

  receive(report: Report): void {
    this.#orders.get(report.id)?.settle(report);
    this.#orders.delete(report.id);
  }

  /** Kills it, wherever it stands; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#isOver = true;
    await this.#run.kill();
    await this.ended;
  }

  /** Ends it normally, with whatever it holds; resolves to how it ended. */
  leave(): Promise<string> {
    this.#isOver = true;
    this.#socket.end();
    return this.ended;
  }

  /** Stops its process in its tracks. */
  async freeze(): Promise<void> {
    if (this.#run.freeze !== undefined) {
      this.#run.freeze();
      return;
    }
    assert.equal(this.threadId, 0, 'a thread is not stopped alone');
    await freeze(this.pid);
  }

  thaw(): void {
    if (this.#run.thaw !== undefined) this.#run.thaw();
    else thaw(this.pid);
  }
}
