/**
 * The driver of the run with two hosts. It runs in a network namespace of its own, with a Redis
 * server. A cable, a veth pair, leads to each host. The first host takes a lock, and its cable is
 * pulled out for longer than its lease.
 */

import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from '../../support/until.ts';
import { RedisServer } from '../servers/redis.ts';
import type { HostSeen, Obeyed, Order, Orders } from './host.ts';

const LEASE_MS = 2_000;
const HOST = fileURLToPath(new URL('./host.js', import.meta.url));

/** What the test checks. */
export interface DriverSeen {
  readonly lease: number;
  /** When the cable was pulled out, and when the second host had the lock. */
  readonly cutAt: number;
  readonly takenAt: number;
  readonly recovered: boolean;
  readonly first: HostSeen;
  readonly second: HostSeen;
  readonly tokens: readonly [first: number, second: number, again: number];
  /** Of the second host's write, and of the first one's when its cable is back. */
  readonly writes: readonly [second: string, stale: string];
  /** Of the first host's release. */
  readonly release: string;
}

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}

class Host {
  readonly device: string;
  private readonly number: number;
  private readonly child: ChildProcess;
  private readonly settles = new Map<number, (obeyed: Obeyed) => void>();
  private orders = 0;

  constructor(number: number) {
    this.number = number;
    this.device = `host${number}`;
    this.child = spawn('unshare', ['--net', process.execPath, HOST], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.child.on('message', (obeyed: Obeyed) => this.settles.get(obeyed.id)?.(obeyed));
    this.child.on('exit', () => {
      for (const [id, settle] of this.settles) settle({ id, error: `host ${number} has ended` });
    });
  }

  /** The address of the driver's end of the cable. */
  get gateway(): string {
    return `10.0.${this.number}.1`;
  }

  async plug(): Promise<void> {
    await this.reply(0);
    const pid = String(this.child.pid);
    ip('link', 'add', this.device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pid);
    ip('address', 'add', `${this.gateway}/24`, 'dev', this.device);
    ip('link', 'set', this.device, 'up');
    await this.tell('address', 'eth0', `10.0.${this.number}.2/24`);
  }

  async tell<Name extends keyof Orders>(
    name: Name,
    ...args: Parameters<Orders[Name]>
  ): Promise<Awaited<ReturnType<Orders[Name]>>> {
    const id = ++this.orders;
    const obeyed = this.reply(id);
    this.child.send({ id, name, args } satisfies Order);
    const { value, error } = await obeyed;
    if (error !== undefined) throw new Error(`host ${this.number}, ${name}: ${error}`);
    return value as Awaited<ReturnType<Orders[Name]>>;
  }

  end(): void {
    this.child.kill('SIGKILL');
  }

  private reply(id: number): Promise<Obeyed> {
    return new Promise((resolve) => this.settles.set(id, resolve));
  }
}

const clock = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

async function run(server: RedisServer, one: Host, two: Host): Promise<DriverSeen> {
  await Promise.all([one.plug(), two.plug()]);
  for (const host of [one, two]) {
    await host.tell('connect', `redis://${host.gateway}:${server.port}`, LEASE_MS);
  }
  const first = await one.tell('acquire');
  const taking = two.tell('acquire');
  await until(async () => (await two.tell('waiting')) === 1, 'the second host to wait');

  ip('link', 'set', one.device, 'down');
  const cutAt = clock();
  const second = await taking;
  const alone = await one.tell('seen');
  const write = await two.tell('write');

  ip('link', 'set', one.device, 'up');
  const stale = await one.tell('write');
  const release = await one.tell('release');
  const again = one.tell('acquire');
  await until(async () => (await two.tell('waiting')) === 1, 'the first host to wait again');
  await two.tell('release');
  const { token } = await again;
  await Promise.all([one.tell('close'), two.tell('close')]);
  return {
    lease: LEASE_MS,
    cutAt,
    takenAt: second.at,
    recovered: second.recovered,
    first: alone,
    second: await two.tell('seen'),
    tokens: [first.token, second.token, token],
    writes: [write, stale],
    release,
  };
}

ip('link', 'set', 'lo', 'up');
const server = await RedisServer.start({ everywhere: true });
const [one, two] = [new Host(1), new Host(2)];
try {
  process.send!(await run(server, one, two));
} finally {
  one.end();
  two.end();
  await server.stop();
  process.disconnect();
}
