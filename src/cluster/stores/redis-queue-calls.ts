/** Calls on a queue as arguments of its script (redis-queue.ts), and the replies to them. */

import type { CallId } from '../machines/machine.ts';
import type { QueueCall, QueueReply } from '../machines/queue.ts';

/** The state in a queue's document, beside its stream. */
export interface KeptQueue {
  readonly left: number;
  readonly out: readonly [
    call: CallId,
    until: number,
    order: string,
    tries: number,
    put: string,
    text: string,
  ][];
  readonly back: readonly [order: string, tries: number, put: string, text: string][];
  readonly takers: readonly CallId[];
  readonly putters: readonly [call: CallId, most: number][];
  readonly joins: readonly CallId[];
}

/** The number of items that wait in a queue whose stream has that many entries. */
export function waitingIn({ out, back }: KeptQueue, entries: number): number {
  const delivered = out.filter(([, , , , , text]) => text === '').length;
  const beside = back.filter(([, , , text]) => text !== '').length;
  return entries - delivered + beside;
}

/** A call as four arguments of the script. */
export function argumentsOf(call: QueueCall): readonly [op: string, id: string, about: string, text: string] {
  const { op } = call;
  if (op === 'look') return [op, '', '', ''];
  const id = call.call;
  switch (op) {
    case 'put':
      return [op, id, `${call.most} ${call.wait ? 1 : 0}`, call.text];
    case 'get':
      return [op, id, `${call.wait ? 1 : 0} 0`, ''];
    case 'receive':
      return [op, id, `${call.wait ? 1 : 0} ${call.visible}`, ''];
    case 'ack':
    case 'nack':
      return [op, id, call.of, ''];
    case 'unput':
      return [op, id, `${call.order} ${call.of}`, ''];
    case 'back': {
      const [order, text, tries, put] = call.item;
      return [op, id, `${order} ${tries} ${put}`, text];
    }
    case 'join':
      return [op, id, call.joins ? '1' : '0', ''];
    default:
      return [op, id, '', ''];
  }
}

const PLAIN: Readonly<Record<string, QueueReply>> = {
  d: { is: 'done' },
  b: { is: 'busy' },
  g: { is: 'gone' },
  t: { is: 'tooMany' },
};

/** Reads the script's reply to one call: a letter, followed by its data. */
export function replyIn(text: string): QueueReply {
  const letter = text[0]!;
  const plain = PLAIN[letter];
  if (plain !== undefined) return plain;
  if (letter === 'w') return { is: 'waiting', look: Number(text.slice(1)) };
  if (letter === 'p') return { is: 'put', order: Number(text.slice(1)) };
  if (letter === 'v') {
    const [size, received, unfinished, waiting] = text.slice(1).split(' ').map(Number);
    return {
      is: 'view',
      view: { size: size!, received: received!, unfinished: unfinished!, waiting: waiting! },
    };
  }
  const [order, tries, put] = text.slice(1).split(' ', 3) as [string, string, string];
  const item = text.slice(4 + order.length + tries.length + put.length);
  return { is: 'got', item: [Number(order), item, Number(tries), put] };
}
