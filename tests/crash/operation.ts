/**
 * Operation: the steps that a victim is taken through, point by point, and the promises that must
 * hold each time.
 */

import type { Relation } from './crew.ts';
import type { Scene } from './scene.ts';

/** The named namespace of objects that have a name. */
export const NAMESPACE = 'crash';

export interface Operation {
  readonly name: string;
  /**
   * Points that it is known to have at the least: fewer mean that the walk does not go where it
   * should.
   */
  readonly atLeast: number;
  /** How the victims are related to the walking program. */
  readonly relation: Relation;
  /** Plays one scene: brings the victim to die in the operation, then checks the survivors. */
  play(scene: Scene): Promise<void>;
}

export type Suite = readonly Operation[];

/** An operation whose victims are Lockstep children of the walking program. */
export function operation(name: string, atLeast: number, play: Operation['play']): Operation {
  return { name, atLeast, relation: 'child', play };
}

/** The operations of that name, with victims that are programs which Lockstep did not start. */
export function byUnrelated(suite: Suite, ...names: string[]): Suite {
  const chosen = suite.filter(({ name }) => names.includes(name));
  return chosen.map((each) => ({
    ...each,
    name: `${each.name}, by an unrelated program`,
    relation: 'unrelated',
  }));
}
