/** Library: the compiled source that is checked, as one object: the shipped one, or a mutant in another folder. */

export type Library = typeof import('../../src/index.ts') & {
  readonly Agent: typeof import('../../src/agents/agent.ts').Agent;
  readonly adopt: typeof import('../../src/agents/agent.ts').adopt;
  readonly namedFolder: typeof import('../../src/agents/folder.ts').namedFolder;
  readonly Namespace: typeof import('../../src/agents/namespace.ts').Namespace;
  readonly Deadline: typeof import('../../src/deadline.ts').Deadline;
  readonly Gate: typeof import('../../src/messaging/gate.ts').Gate;
  readonly LockedPut: typeof import('../../src/messaging/locked-put.ts').LockedPut;
  readonly RawLock: typeof import('../../src/sync/raw-lock.ts').RawLock;
  readonly takeAwaiting: typeof import('../../src/sync/taking.ts').takeAwaiting;
  readonly takeBlocking: typeof import('../../src/sync/taking.ts').takeBlocking;
  readonly waitForRoom: typeof import('../../src/messaging/room-wait.ts').waitForRoom;
  readonly Ring: typeof import('../../src/messaging/ring.ts').Ring;
  readonly registerKind: typeof import('../../src/agents/kinds.ts').registerKind;
  readonly putNaming: typeof import('../../src/agents/kept.ts').putNaming;
  readonly takeNaming: typeof import('../../src/agents/kept.ts').takeNaming;
  readonly emptyRing: typeof import('../../src/messaging/kept-items.ts').emptyRing;
  readonly namesInRing: typeof import('../../src/messaging/kept-items.ts').namesInRing;
  readonly lengthWithNames: typeof import('../../src/messaging/item-names.ts').lengthWithNames;
  readonly readNames: typeof import('../../src/messaging/item-names.ts').readNames;
  readonly writeNames: typeof import('../../src/messaging/item-names.ts').writeNames;
  readonly reap: typeof import('../../src/agents/reaper.ts').reap;
  readonly reapIfDead: typeof import('../../src/agents/reaper.ts').reapIfDead;
  readonly wakeEverybody: typeof import('../../src/agents/reaper.ts').wakeEverybody;
};

const SHIPPED = new URL('../../../dist/', import.meta.url);

/** Loads the library from `folder`, a file URL that ends with a slash. */
export async function loadLibrary(folder: URL = SHIPPED): Promise<Library> {
  const load = async (path: string): Promise<object> => await import(new URL(path, folder).href);
  const parts = [
    'index.js',
    'agents/agent.js',
    'agents/folder.js',
    'agents/kept.js',
    'agents/kinds.js',
    'agents/namespace.js',
    'agents/reaper.js',
    'deadline.js',
    'messaging/gate.js',
    'messaging/item-names.js',
    'messaging/kept-items.js',
    'messaging/locked-put.js',
    'messaging/ring.js',
    'messaging/room-wait.js',
    'sync/raw-lock.js',
    'sync/taking.js',
  ];
  return Object.assign({}, ...(await Promise.all(parts.map(load)))) as Library;
}
