/**
 * Channels of `node:diagnostics_channel`: the messages on this thread's waits, for monitors.
 *
 *   lockstep.request.start   a call begins to wait: it could not be served at once   WaitMessage
 *   lockstep.request.grant   it has what it waited for                               WaitMessage
 *   lockstep.request.miss    its time has passed                                     WaitMessage
 *   lockstep.request.end     it is over in whatever way, after one of these          WaitMessage
 *   lockstep.deadlock        a call was refused with a DeadlockError           DeadlockMessage
 *   lockstep.recovered       a lock was taken in which a holder has died       RecoveredMessage
 *   lockstep.agent.died      this thread has cleared up after a dead one       DeathMessage
 *
 * The first four are called, and have the fields, as those of Node's own Web Locks. All are
 * published on slow paths alone: a call that is served immediately, or by spinning, is not
 * reported. Without a monitor a message costs nothing.
 */

import type { Channel } from 'node:diagnostics_channel';
import { channel } from 'node:diagnostics_channel';
import { now } from '#clock';

/** The object of a message. */
export interface ObjectOfMessage {
  /** Its name, or its label; `null` where it has neither. */
  readonly name: string | null;
  /** Its class: `Lock`, say. */
  readonly kind: string;
  /** The folder of its namespace. */
  readonly folder: string;
  /** Its number in the namespace, as `lockstep ls` shows it. */
  readonly cell: number;
}

export interface WaitMessage extends ObjectOfMessage {
  readonly mode: 'exclusive' | 'shared';
  /** Whether the thread is blocked; otherwise its event loop continues. */
  readonly blocking: boolean;
  /** Milliseconds for which the call has waited; 0 at its start. */
  readonly waited: number;
  /** Why it was refused; `undefined` where it was not. Its signal's reason, for one. */
  readonly error: unknown;
}

interface Channels {
  readonly start: Channel;
  readonly grant: Channel;
  readonly miss: Channel;
  readonly end: Channel;
  readonly deadlock: Channel;
  readonly recovered: Channel;
  readonly died: Channel;
}

let channels: Channels | undefined;

/** Made for the first message: most programs never wait. */
function open(): Channels {
  channels ??= {
    start: channel('lockstep.request.start'),
    grant: channel('lockstep.request.grant'),
    miss: channel('lockstep.request.miss'),
    end: channel('lockstep.request.end'),
    deadlock: channel('lockstep.deadlock'),
    recovered: channel('lockstep.recovered'),
    died: channel('lockstep.agent.died'),
  };
  return channels;
}

/** A wait that a monitor follows. */
export interface Request {
  /** The wait is over: it was served, or its time has passed. */
  over(served: boolean): void;
  /** The wait was refused, or its signal ended it. */
  failed(error: unknown): void;
}

/** Reports that a call begins to wait; `undefined` if no monitor listens. */
export function requestBegins(
  about: () => ObjectOfMessage,
  mode: WaitMessage['mode'],
  blocking: boolean,
): Request | undefined {
  const { start, grant, miss, end } = open();
  if (!(start.hasSubscribers || grant.hasSubscribers || miss.hasSubscribers || end.hasSubscribers))
    return undefined;
  const object = about();
  const since = now();
  const message = (waited: number, error: unknown): WaitMessage => ({
    ...object,
    mode,
    blocking,
    waited,
    error,
  });
  start.publish(message(0, undefined));
  return {
    over(served) {
      const told = message(now() - since, undefined);
      (served ? grant : miss).publish(told);
      end.publish(told);
    },
    failed(error) {
      end.publish(message(now() - since, error));
    },
  };
}

/** Reports an event, if a monitor listens. */
export function tell(what: 'deadlock' | 'recovered' | 'died', message: () => object): void {
  const { [what]: wanted } = open();
  if (wanted.hasSubscribers) wanted.publish(message());
}
