/** Calls on a queue as arguments of a server's script or function, and the replies to them. */

import type { QueueCall, QueueReply } from '../machines/queue.ts';

/** A call as four arguments. */
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

/** Reads the reply to one call: a letter, followed by its data. */
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
