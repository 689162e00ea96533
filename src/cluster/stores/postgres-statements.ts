/** Statements: sends statements to PostgreSQL, and distinguishes refusals from unknown outcomes. */

import { createHash } from 'node:crypto';
import { clearTimeout, setTimeout } from '#clock';
import { Unreachable } from '../store.ts';
import type { Connections } from './postgres-connections.ts';
import type { PgError } from './postgres-errors.ts';
import { isForgotten, isRefusal, refused } from './postgres-errors.ts';

export class Statements {
  /** Milliseconds to wait for an answer. */
  patience: number;
  /** The operation that messages begin with. */
  doing = 'connect';
  /** The store has ended: no outcome matters. */
  ended = false;
  private readonly title: string;
  private readonly connections: Connections;
  private prepares: boolean;

  constructor(title: string, connections: Connections, patience: number, prepares: boolean) {
    this.title = title;
    this.connections = connections;
    this.patience = patience;
    this.prepares = prepares;
  }

  /** Statements with values are prepared, once in each connection. */
  async query(text: string, values?: unknown[]): Promise<unknown[]> {
    if (values === undefined) return (await this.ask(this.connections.query({ text }))).rows;
    if (this.prepares) {
      try {
        const name = nameOf(text);
        return (await this.ask(this.connections.query({ name, text, values }))).rows;
      } catch (error) {
        // A pooler has given the connection to other clients meanwhile. Nothing was done.
        if (!isForgotten(((error as Error).cause ?? error) as PgError)) throw error;
        this.prepares = false;
      }
    }
    return (await this.ask(this.connections.query({ text, values }))).rows;
  }

  /** Waits for an answer, but not forever. An error with an SQLSTATE is the server's own word. */
  private ask<Answer>(answer: Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Unreachable(`${this.title} has not answered for ${this.patience} ms`));
      }, this.patience);
      answer.then(
        (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        (error: PgError) => {
          clearTimeout(timer);
          if (this.ended || isRefusal(error)) reject(refused(this.doing, this.title, error));
          else reject(new Unreachable(error.message, { cause: error }));
        },
      );
    });
  }
}

const names = new Map<string, string>();

/** The name under which a statement is prepared: the same text has the same in every version. */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `lockstep_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
    names.set(text, name);
  }
  return name;
}
