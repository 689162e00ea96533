// Cluster, stale: a process is stopped while it holds a lock, as a debugger or a sleeping laptop
// does. Its lease ends, and another process gets the lock. Then the first process goes on, and
// still believes that it holds the lock. No lock service can prevent that. Its token makes it
// harmless: the value refuses a write whose token is smaller than one that it has seen.

import type { Connection } from 'lockstep';
import { isMainProcess, Pipe, Process } from 'lockstep';
import { connect } from 'lockstep/cluster';
import { check } from './check.ts';
import { startRedis } from './redis-server.ts';

const LEASE = 1_000;
const NAMESPACE = `tour-stale-${process.ppid}`;

export async function write(
  url: string,
  namespace: string,
  parent: Connection<string, string>,
): Promise<void> {
  await using cluster = await connect({ redis: url, namespace, lease: LEASE });
  const balance = cluster.value('balance');
  const hold = await cluster.lock('account').acquire();
  await balance.set(1, { hold });
  await parent.send('I hold the lock, and have written 1');
  await parent.recv(); // stopped meanwhile
  // As a request that was on its way when the process was stopped: with the token that it had.
  const outcome = await balance.set(2, { hold }).then(
    () => 'my write was accepted',
    (error: Error) => `my write was refused: ${error.name}`,
  );
  await parent.send(outcome);
  await hold.release().catch((error: Error) => console.log(`  ${error.message}`));
}

if (isMainProcess) {
  const server = await startRedis();
  const [here, there] = Pipe<string, string>();
  const writer = new Process({ target: write, args: [server.url, NAMESPACE, there] });
  writer.start();
  console.log(`first:  ${await here.recv()}`);
  process.kill(writer.pid!, 'SIGSTOP');
  console.log('first is stopped …');

  {
    await using cluster = await connect({ redis: server.url, namespace: NAMESPACE, lease: LEASE });
    const balance = cluster.value('balance');
    const hold = await cluster.lock('account').acquire();
    console.log(`second: I hold it now${hold.recovered ? '; its last holder is taken for dead' : ''}`);
    await balance.set(10, { hold });
    await hold.release();

    process.kill(writer.pid!, 'SIGCONT');
    await here.send('go on');
    const outcome = await here.recv();
    console.log(`first:  ${outcome}`);
    check(/refused/.test(outcome), 'the late write was refused');
    check((await balance.get()) === 10, 'what the second has written stands');
  }
  await writer.join();
  await server.stop();
}
