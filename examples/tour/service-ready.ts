// Service ready: two workers need a server that takes a while to start. They wait for an Event. The
// main program sets it as soon as the server accepts connections. If REDIS_URL is set, that Redis
// is the server.

import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, Event, isMainProcess, Process, Value } from 'lockstep';
import { check } from './check.ts';
import { ping, serve, serviceAddress } from './service.ts';

export async function work(ready: Event, waiting: Value, url: string, patience?: number) {
  const { name } = currentProcess();
  console.log(`${name} waits for the service`);
  waiting.add(1);
  let timeouts = 0;
  while (!(await ready.wait({ timeout: patience }))) {
    console.log(`${name}: not ready after ${patience} ms (${++timeouts}), waiting on`);
  }
  const answer = await ping(url);
  console.log(`${name}: PING -> ${answer}`);
  return { answer, timeouts };
}

if (isMainProcess) {
  const redis = process.env.REDIS_URL;
  const url = await serviceAddress(redis);
  const [ready, waiting] = [new Event(), new Value('i32', 0)];
  const quiet = new Process({ target: work, args: [ready, waiting, url], name: 'quiet worker' });
  const talkative = new Process({ target: work, args: [ready, waiting, url, 200], name: 'talkative worker' });
  quiet.start();
  talkative.start();

  while (waiting.value < 2) await sleep(10);
  const server = redis ? undefined : sleep(700).then(() => serve(Number(new URL(url).port)));
  while (!(await ping(url).catch(() => false))) await sleep(50);
  console.log(`main: ${redis ? 'Redis' : 'the server'} accepts connections`);
  ready.set();

  const [first, second] = await Promise.all([quiet.result, talkative.result]);
  (await server)?.close();
  check(first.answer === '+PONG' && second.answer === '+PONG', 'both workers got their answer');
  check(first.timeouts === 0, 'the quiet one waited in one piece');
  if (server)
    check(second.timeouts > 0, `the talkative one said that it was waiting (times: ${second.timeouts})`);
}
