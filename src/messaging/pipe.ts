/**
 * Pipe: makes two ends that are connected (connection.ts), with one or two channels between them.
 */

import { inspect } from 'node:util';
import type { Cell, Host } from '../agents/cell.ts';
import { defaultAgent } from '../agents/membership.ts';
import { InvalidTypeError } from '../errors.ts';
import { Opened } from '../objects/opened.ts';
import { notePart } from '../objects/parts.ts';
import { checkOptions } from '../options.ts';
import { CONNECTION_KIND, Connection, IN_WORD, OUT_WORD, PEER_WORD, PIPE_KIND } from './connection.ts';
import { Channel } from './ring/channel.ts';

const PIPE_BYTES: number = 1024 * 1024;

export interface PipeOptions {
  /**
   * Whether both ends send and receive (the default), or the first only receives and the second
   * only sends.
   */
  duplex?: boolean | undefined;
}

/**
 * Makes a pipe and returns its two ends. A message that is sent at one end is received at the
 * other. With `duplex: false`, the first end only receives and the second only sends.
 *
 * @example
 * const [here, there] = Pipe();
 * new Process({ target: serve, args: [there] }).start();
 * here.sendSync({ question: 1 });
 * console.log(here.recvSync());
 */
export function Pipe<First = unknown, Second = unknown>(
  options: PipeOptions = {},
): [Connection<First, Second>, Connection<Second, First>] {
  checkOptions('Pipe', options, 'Pipe', '{ duplex: false }');
  const { duplex = true } = options;
  if (typeof duplex !== 'boolean') {
    throw new InvalidTypeError(`Pipe: refused, duplex is ${inspect(duplex)}; pass true or false`);
  }
  const agent = defaultAgent();
  const toFirst = makeChannel(agent);
  const toSecond = duplex ? makeChannel(agent) : undefined;
  const [first, second] = [agent.create(CONNECTION_KIND, () => {}), agent.create(CONNECTION_KIND, () => {})];
  connect(first, second, toSecond, toFirst);
  connect(second, first, toFirst, toSecond);
  return [
    new Connection<First, Second>(new Opened(first, undefined)),
    new Connection<Second, First>(new Opened(second, undefined)),
  ];
}

function makeChannel(agent: Host): Cell {
  return agent.create(PIPE_KIND, (place) => Channel.init(place, agent, { capacity: PIPE_BYTES, most: 0 }));
}

function connect(end: Cell, peer: Cell, out: Cell | undefined, received: Cell | undefined): void {
  notePart(end, PEER_WORD, peer);
  if (out !== undefined) notePart(end, OUT_WORD, out);
  if (received !== undefined) notePart(end, IN_WORD, received);
}
