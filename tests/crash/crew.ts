/**
 * The crew: the walking program's members, victims started ahead of their turn so that starts
 * overlap with deaths.
 */

import { existsSync, readFileSync } from 'node:fs';
import { Crew as BaseCrew } from '../support/members/crew.ts';
import { Member as BaseMember } from '../support/members/member.ts';
import type { SharedObject } from '../support/wire.ts';
import { type Farewell, farewellFile, type LastOrder, type LastReport, serves } from './member.ts';

/**
 * The relation of a member to the walking program: its Lockstep child, or a program that Lockstep
 * did not start.
 */
export type Relation = 'child' | 'unrelated';

/** How many victims are started ahead. */
const AHEAD = 3;
const PROGRAM = new URL('./member.js', import.meta.url).href;

export class Member extends BaseMember {
  /**
   * Calls the method of its own end of the object. Rejects with its error, or when the member dies.
   */
  call(object: SharedObject, method: string, ...args: unknown[]): Promise<unknown> {
    return this.order(method, object, ...args);
  }

  /** The order that it is to die in; resolves to `undefined` when it does. */
  async orderLast(operation: string, args: unknown[], dieAt: number): Promise<LastReport | undefined> {
    const order: Omit<LastOrder, 'id'> = { operation, args, dieAt };
    return (await this.ask(order)) as LastReport | undefined;
  }
}

export class Crew extends BaseCrew<Member> {
  /** Of the victims. */
  readonly relation: Relation;
  private readonly ahead: Promise<Member>[] = [];

  constructor(relation: Relation) {
    super(Member);
    this.relation = relation;
  }

  /** A fresh member for this turn. */
  next(): Promise<Member> {
    const member = this.upcoming();
    this.ahead.shift();
    this.recruitAhead();
    return member;
  }

  /** The one whose turn is next. */
  upcoming(): Promise<Member> {
    this.recruitAhead();
    return this.ahead[0] as Promise<Member>;
  }

  /** The leftovers of a dead member; nothing if it did not die in its operation. */
  farewellOf({ serial }: Member): Farewell | undefined {
    const file = farewellFile(this.folder, serial);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Farewell) : undefined;
  }

  /** Ends the remaining members. */
  async disband(): Promise<void> {
    await Promise.all(this.ahead.map(async (member) => (await member).kill()));
    this.close();
  }

  /** Starts a member that is no victim. */
  recruit(relation: Relation = 'child'): Promise<Member> {
    return relation === 'child' ? this.start('process', serves) : this.startProgram(PROGRAM, serves.name);
  }

  private recruitAhead(): void {
    while (this.ahead.length < AHEAD) this.ahead.push(this.recruit(this.relation));
  }
}
