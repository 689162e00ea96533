// Pipe: a child answers requests that it receives through its end of a pipe. Messages arrive as
// they were sent: objects, dates, bytes, errors. When our end is closed, the child's loop ends.
// When the child has ended, our end reports it.

import { type Connection, EndOfStreamError, isMainProcess, Pipe, Process } from 'lockstep';
import { check } from './check.ts';

type Request = { add: number[] } | { reverse: Uint8Array } | { divide: [bigint, bigint] };
type Reply = { value: number | bigint | Uint8Array; at: Date } | { error: Error };

function answer(request: Request): Reply {
  const at = new Date();
  if ('add' in request) return { value: request.add.reduce((sum, each) => sum + each, 0), at };
  if ('reverse' in request) return { value: request.reverse.toReversed(), at };
  const [dividend, divisor] = request.divide;
  return { value: dividend / divisor, at };
}

export async function serve(requests: Connection<Request, Reply>) {
  let answered = 0;
  for await (const request of requests) {
    try {
      await requests.send(answer(request));
    } catch (error) {
      await requests.send({ error: error as Error });
    }
    answered++;
  }
  return answered;
}

/** Sends one message, and ends. */
export function sayGoodbye(to: Connection<never, string>) {
  to.sendSync('goodbye');
}

if (isMainProcess) {
  const [here, there] = Pipe<Reply, Request>();
  const server = new Process({ target: serve, args: [there], name: 'server' });
  server.start();

  const ask = async (request: Request): Promise<Reply> => {
    await here.send(request);
    const reply = await here.recv();
    console.log(request, '→', 'error' in reply ? String(reply.error) : reply.value);
    return reply;
  };
  const sum = await ask({ add: [1, 2, 39] });
  check('value' in sum && sum.value === 42 && sum.at instanceof Date, 'numbers were added: 42');
  there.close(); // the child has answered, so it has that end open, and from now on nobody else
  const reversed = await ask({ reverse: new Uint8Array([1, 2, 3]) });
  check('value' in reversed && String(reversed.value) === '3,2,1', 'bytes came back, the last first');
  const failed = await ask({ divide: [1n, 0n] });
  check('error' in failed && failed.error instanceof RangeError, 'an error came back as what it is');
  here.close();
  check((await server.result) === 3, 'the server saw the end after 3 requests');

  const [heard, said] = Pipe<string, never>();
  const child = new Process({ target: sayGoodbye, args: [said], name: 'child' });
  child.start();
  await child.join();
  said.close();
  check((await heard.recv()) === 'goodbye', 'what a process sent is there after it has ended');
  const end = await heard.recv().catch((error: unknown) => error);
  check(end instanceof EndOfStreamError, 'then comes the end of the stream');
}
