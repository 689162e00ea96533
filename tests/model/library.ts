/**
 * Library: the compiled source that is checked, as one object: the shipped one, or a mutant in
 * another folder.
 */

export type Library = typeof import('../../src/index.ts') & {
  readonly Agent: typeof import('../../src/agents/agent.ts').Agent;
  readonly adopt: typeof import('../../src/agents/membership.ts').adopt;
  readonly namedFolder: typeof import('../../src/namespaces/paths.ts').namedFolder;
  readonly Namespace: typeof import('../../src/namespaces/namespace.ts').Namespace;
  readonly Directory: typeof import('../../src/platform/directory.ts').Directory;
  readonly Deadline: typeof import('../../src/deadline.ts').Deadline;
  readonly Gate: typeof import('../../src/messaging/ring/gate.ts').Gate;
  readonly LockedPut: typeof import('../../src/messaging/ring/locked-put.ts').LockedPut;
  readonly RawLock: typeof import('../../src/sync/lock/raw-lock.ts').RawLock;
  readonly takeAwaiting: typeof import('../../src/waiting/taking.ts').takeAwaiting;
  readonly takeBlocking: typeof import('../../src/waiting/taking.ts').takeBlocking;
  readonly waitForRoom: typeof import('../../src/messaging/ring/room-wait.ts').waitForRoom;
  readonly Ring: typeof import('../../src/messaging/ring/ring.ts').Ring;
  readonly giveUp: typeof import('../../src/pool/task-control.ts').giveUp;
  readonly killTask: typeof import('../../src/pool/task-control.ts').killTask;
  readonly wakeOldest: typeof import('../../src/agents/waiters.ts').wakeOldest;
  readonly settleDead: typeof import('../../src/pool/deaths.ts').settleDead;
  readonly Reading: typeof import('../../src/pool/reading.ts').Reading;
  readonly PoolWorker: typeof import('../../src/pool/worker.ts').PoolWorker;
  readonly Waking: typeof import('../../src/pool/waking.ts').Waking;
  readonly Replies: typeof import('../../src/pool/replies.ts').Replies;
  readonly StreamRun: typeof import('../../src/pool/stream-run.ts').StreamRun;
  readonly StreamWork: typeof import('../../src/pool/stream-work.ts').StreamWork;
  readonly Slots: typeof import('../../src/pool/slots.ts').Slots;
  readonly TaskTable: typeof import('../../src/pool/task-table.ts').TaskTable;
  readonly PHASE: typeof import('../../src/pool/slot-words.ts').PHASE;
  readonly KINDS: typeof import('../../src/kinds/all.ts').KINDS;
  readonly kindNamed: typeof import('../../src/agents/kinds.ts').kindNamed;
  readonly listKinds: typeof import('../../src/agents/kinds.ts').listKinds;
  readonly KeptRings: typeof import('../../src/agents/kept-rings.ts').KeptRings;
  readonly putNaming: typeof import('../../src/agents/kept.ts').putNaming;
  readonly takeNaming: typeof import('../../src/agents/kept.ts').takeNaming;
  readonly emptyRing: typeof import('../../src/messaging/ring/kept-items.ts').emptyRing;
  readonly namesInRing: typeof import('../../src/messaging/ring/kept-items.ts').namesInRing;
  readonly lengthWithNames: typeof import('../../src/messaging/ring/item-names.ts').lengthWithNames;
  readonly readNames: typeof import('../../src/messaging/ring/item-names.ts').readNames;
  readonly writeNames: typeof import('../../src/messaging/ring/item-names.ts').writeNames;
  readonly reap: typeof import('../../src/agents/reaper.ts').reap;
  readonly reapIfDead: typeof import('../../src/agents/reaper.ts').reapIfDead;
  readonly wakeEverybody: typeof import('../../src/agents/reaper.ts').wakeEverybody;
};

const SHIPPED = new URL('../../../build/src/', import.meta.url);
/** The same in one file, which loads in a third of the time (scripts/bundle-tests.mjs). */
const BUNDLED = new URL('../../../build/modelled/library.js', import.meta.url);
/** Whether `npm test` has just made the bundles. */
const isBundled = process.env.NODE_OPTIONS?.includes('lockstep-tested') === true;

/** The modules that make up the library of the model. */
export const PARTS: readonly string[] = [
  'index.js',
  'agents/agent.js',
  'agents/kept.js',
  'agents/kinds.js',
  'agents/membership.js',
  'kinds/all.js',
  'agents/kept-rings.js',
  'agents/waiters.js',
  'messaging/ring/item-names.js',
  'messaging/ring/kept-items.js',
  'namespaces/namespace.js',
  'namespaces/paths.js',
  'agents/reaper.js',
  'deadline.js',
  'messaging/ring/gate.js',
  'messaging/ring/locked-put.js',
  'messaging/ring/ring.js',
  'messaging/ring/room-wait.js',
  'platform/directory.js',
  'pool/deaths.js',
  'pool/gate-wait.js',
  'pool/listening.js',
  'pool/reading.js',
  'pool/replies.js',
  'pool/slot-words.js',
  'pool/slots.js',
  'pool/stream-run.js',
  'pool/stream-work.js',
  'pool/task-control.js',
  'pool/task-table.js',
  'pool/waking.js',
  'pool/worker.js',
  'sync/lock/raw-lock.js',
  'waiting/taking.js',
];

/** Loads the library from `folder`, a file URL that ends with a slash, or the shipped one. */
export async function loadLibrary(folder?: URL): Promise<Library> {
  const load = async (path: string): Promise<object> => await import(new URL(path, folder ?? SHIPPED).href);
  const parts =
    folder === undefined && isBundled
      ? ((await import(BUNDLED.href)) as { parts: object[] }).parts
      : await Promise.all(PARTS.map(load));
  return Object.assign({}, ...parts) as Library;
}
