/** Rows: every call of the cluster that waits, and what it waits for. */

import type { Cluster, WaitOptions } from 'lockstep/memory';

export interface Row {
  /** The beginning of its errors. */
  readonly title: string;
  /** Sees to it that the call has to wait. */
  arrange?(holder: Cluster): Promise<unknown>;
  call(cluster: Cluster, options: WaitOptions): Promise<unknown>;
  /** Calls that wait for the object. */
  waiting(holder: Cluster): Promise<number>;
  /** Lets a call that waits go on; missing: such a call ends with its session. */
  free?(holder: Cluster): Promise<unknown>;
}

async function waitingFor(object: { describe(): Promise<{ waiting: number }> }): Promise<number> {
  return (await object.describe()).waiting;
}

/** A row for each object that is acquired, and is held by the holder. */
function acquirables(mark: string): Row[] {
  type Make = (cluster: Cluster) => Pick<ReturnType<Cluster['lock']>, 'acquire' | 'release'>;
  const row = (title: string, make: Make, at: (cluster: Cluster) => Described, held = make): Row => ({
    title,
    arrange: (holder) => held(holder).acquire(),
    call: async (cluster, options) => make(cluster).acquire(options),
    waiting: (holder) => waitingFor(at(holder)),
    free: (holder) => held(holder).release(),
  });
  type Described = { describe(): Promise<{ waiting: number }> };
  const same = (title: string, make: (cluster: Cluster) => Described & ReturnType<Make>): Row =>
    row(title, make, make);
  const book = (cluster: Cluster): ReturnType<Cluster['rwlock']> => cluster.rwlock(`${mark}-book`);
  return [
    same(`Lock "${mark}-lock"`, (cluster) => cluster.lock(`${mark}-lock`)),
    same(`RLock "${mark}-rlock"`, (cluster) => cluster.rlock(`${mark}-rlock`)),
    same(`BoundedSemaphore "${mark}-seats"`, (cluster) => cluster.boundedSemaphore(`${mark}-seats`, 1)),
    same(`Semaphore "${mark}-signal"`, (cluster) => cluster.semaphore(`${mark}-signal`, 1)),
    row(
      `Condition "${mark}-condition"`,
      (cluster) => cluster.condition(`${mark}-condition`),
      (cluster) => cluster.condition(`${mark}-condition`).lock,
    ),
    row(
      `RWLock "${mark}-book"`,
      (cluster) => book(cluster).read,
      book,
      (cluster) => book(cluster).write,
    ),
    {
      ...row(
        `RWLock "${mark}-page"`,
        (cluster) => cluster.rwlock(`${mark}-page`).write,
        (cluster) => cluster.rwlock(`${mark}-page`),
      ),
      call: (cluster, options) => cluster.rwlock(`${mark}-page`).write.run(() => 'ran', options),
    },
  ];
}

/** All rows, with objects of their own: `mark` begins the names. */
export function rowsOf(mark: string): readonly Row[] {
  const event = (cluster: Cluster): ReturnType<Cluster['event']> => cluster.event(`${mark}-event`);
  const latch = (cluster: Cluster): ReturnType<Cluster['latch']> => cluster.latch(`${mark}-latch`, 1);
  const queue = (name: string, cluster: Cluster): ReturnType<Cluster['joinableQueue']> =>
    cluster.joinableQueue(`${mark}-${name}`, { maxSize: 1 });
  const queueRow = (name: string, rest: Pick<Row, 'arrange' | 'call' | 'free'>): Row => ({
    title: `JoinableQueue "${mark}-${name}"`,
    waiting: (holder) => waitingFor(queue(name, holder)),
    ...rest,
  });
  return [
    ...acquirables(mark),
    {
      title: `Event "${mark}-event"`,
      call: (cluster, options) => event(cluster).wait(options),
      waiting: (holder) => waitingFor(event(holder)),
      free: (holder) => event(holder).set(),
    },
    {
      title: `Latch "${mark}-latch"`,
      call: (cluster, options) => latch(cluster).wait(options),
      waiting: (holder) => waitingFor(latch(holder)),
      free: (holder) => latch(holder).countDown(),
    },
    {
      title: `Barrier "${mark}-barrier"`,
      call: (cluster, options) => cluster.barrier(`${mark}-barrier`, 2).wait(options),
      waiting: (holder) => holder.barrier(`${mark}-barrier`, 2).nWaiting,
    },
    queueRow('get', {
      call: (cluster, options) => queue('get', cluster).get(options),
      free: (holder) => queue('get', holder).put(1),
    }),
    queueRow('receive', {
      call: (cluster, options) => queue('receive', cluster).receive(options),
      free: (holder) => queue('receive', holder).put(1),
    }),
    queueRow('put', {
      arrange: (holder) => queue('put', holder).put(1),
      call: (cluster, options) => queue('put', cluster).put(2, options),
      free: (holder) => queue('put', holder).get(),
    }),
    queueRow('join', {
      arrange: (holder) => queue('join', holder).put(1),
      call: (cluster, options) => queue('join', cluster).join(options),
      free: (holder) => queue('join', holder).taskDone(),
    }),
  ];
}
