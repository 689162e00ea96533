/**
 * The internals of the library that the model has to know: its types, and where things lie in
 * shared memory.
 */

export type Agent = import('../../src/agents/agent.ts').Agent;
export type Bell = import('../../src/namespaces/doorbell.ts').Bell;
export type Bells = import('../../src/namespaces/doorbell.ts').Bells;
export type Berth = import('../../src/namespaces/berth.ts').Berth;
export type Cell = import('../../src/agents/cell.ts').Cell;
export type Hold = import('../../src/contracts.ts').Hold;
export type Directory = import('../../src/platform/directory.ts').Directory;
export type Namespace = import('../../src/namespaces/namespace.ts').Namespace;
export type Kind = import('../../src/agents/kinds.ts').Kind;
export type Named = import('../../src/memory/place.ts').Named;
export type RingOfKind = import('../../src/agents/kinds.ts').RingOfKind;
export type Ring = import('../../src/messaging/ring/ring.ts').Ring;
export type OwnLife = import('../../src/namespaces/life.ts').OwnLife;
export type ControlHost = import('../../src/pool/task-control.ts').ControlHost;
export type Engine = import('../../src/pool/engine.ts').Engine;
export type PoolSlots = import('../../src/pool/slots.ts').Slots<{ slot: number }>;
export type Place = import('../../src/memory/place.ts').Place;
export type SharedObject = import('../../src/objects/shared-object.ts').SharedObject;
export type TaskTable = import('../../src/pool/task-table.ts').TaskTable;
export type Watch = import('../../src/namespaces/life.ts').Watch;
export type Words = import('../../src/memory/atomics.ts').Words;

export const {
  AGENT_BLOCKED_ON,
  AGENT_ENTRIES,
  AGENT_LIVE_BIT,
  AGENT_PARK,
  AGENT_SLEEPING,
  AGENT_STATE,
  AGENT_WAITS,
  AGENT_WORDS,
  agentWord,
  CELL_BODY,
  CELL_GENERATION,
  CELL_HEADER,
  CELL_OPEN,
  CELL_STATE,
  CELL_TICKETS,
  CELL_WORDS,
  CONTROL_WORDS,
  cellWord,
  ENTRY_WORDS,
  LIVE_WORD,
  OPEN_WORDS,
  PHASE_LIVE,
  phaseOf,
}: typeof import('../../src/memory/layout.ts') = await import(
  new URL('../../../build/src/memory/layout.js', import.meta.url).href
);
