/** The cast: the flows of the members, and how they are spread over threads. */

export const MEMBERS = 8;
/** The supervisor's number among the members: it is never killed. */
export const SUPERVISOR = MEMBERS;

export interface Part {
  readonly member: number;
  readonly thread: 'main' | 'worker';
  /** Whether it is alone in its thread, and so may block. */
  readonly alone: boolean;
  /** The name of the only act that it plays; otherwise it plays all acts that are open to all. */
  readonly only?: string;
}

type Troupe = readonly Omit<Part, 'member' | 'thread'>[];

const SOLO: Troupe = [{ alone: true }];
const CROWD: Troupe = [{ alone: false }, { alone: false }, { alone: false }];
const PARTY: Troupe = [{ alone: true, only: 'Barrier' }];

/** Each member's main thread and worker thread. */
const TROUPES: readonly { main: Troupe; worker: Troupe }[] = [
  { main: SOLO, worker: PARTY },
  { main: [...CROWD, { alone: false, only: 'Barrier' }], worker: [] },
  { main: SOLO, worker: PARTY },
  { main: CROWD, worker: [] },
  { main: SOLO, worker: CROWD },
  { main: CROWD, worker: SOLO },
  { main: SOLO, worker: [] },
  { main: CROWD, worker: SOLO },
];

/** Every flow, by its seat. The last is the supervisor's own. */
export const CAST: readonly Part[] = [
  ...TROUPES.flatMap(({ main, worker }, member): Part[] => [
    ...main.map((part): Part => ({ ...part, member, thread: 'main' })),
    ...worker.map((part): Part => ({ ...part, member, thread: 'worker' })),
  ]),
  { member: SUPERVISOR, thread: 'main', alone: false },
];

export const SUPERVISOR_SEAT: number = CAST.length - 1;

/** The seats of a member, or of one of its threads. */
export function seatsOf(member: number, thread?: Part['thread']): number[] {
  return [...CAST.keys()].filter((seat) => {
    const part = CAST[seat] as Part;
    return part.member === member && (thread === undefined || part.thread === thread);
  });
}

/** The seats of flows that only play this act. */
export function partiesOf(act: string): number[] {
  return [...CAST.keys()].filter((seat) => CAST[seat]?.only === act);
}
