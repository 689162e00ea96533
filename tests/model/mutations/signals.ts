/** Mutations of what is waited for without being owned. */

import { FOR_EVER, type Mutant } from '../mutants.ts';

export const signalMutants: readonly Mutant[] = [
  {
    name: 'a call takes the notification of one that came before',
    file: 'sync/condition/condition.js',
    from: 'if (this.own.hasUnclaimed)',
    to: 'if (false)',
    primitive: 'Condition',
    scenario: 'two flows of one await, one is notified',
    preemptions: 1,
    finds: /one that came later/,
  },
  {
    name: 'a dead waiter’s notification is not handed on',
    file: 'sync/condition/raw-condition.js',
    from: 'while (notified > 0 && grant(namespace, place, 1).size > 0)',
    to: 'while (false)',
    primitive: 'Condition',
    scenario: 'two wait, one is notified, one dies',
    preemptions: 1,
    finds: /a notification was lost/,
  },
  {
    name: 'a waiter that times out drops the notification that it was given',
    file: 'sync/condition/raw-condition.js',
    from: `for (const waiter of grant(agent.namespace, cell, 1))
                wake(agent, waiter, cell.number);`,
    to: '',
    primitive: 'Condition',
    scenario: 'two wait, one gives up, one is notified',
    preemptions: 2,
    finds: /a notification was lost/,
  },
  {
    name: 'a notification is struck off before the waiter has the lock again',
    file: 'sync/condition/condition.js',
    from: `            this.guard.takeBackSync(holding);
            if (notified)
                wait.finish();`,
    to: `            if (notified) wait.finish();
            this.guard.takeBackSync(holding);`,
    primitive: 'Condition',
    scenario: 'two wait, one is notified, one dies',
    preemptions: 1,
    finds: /a notification was lost/,
  },
  {
    name: 'the lock is given up before the wait entry is filled',
    file: 'sync/condition/condition.js',
    from: `        this.enter(BLOCKING_BIT);
        const holding = this.guard.giveUp();`,
    to: `        const holding = this.guard.giveUp();
        this.enter(BLOCKING_BIT);`,
    primitive: 'Condition',
    scenario: 'two wait, one is notified',
    preemptions: 2,
    finds: /a notification was lost/,
  },
  {
    name: 'set wakes nobody',
    file: 'sync/event.js',
    from: 'wakeAll(agent, this.cell);',
    to: '',
    primitive: 'Event',
    scenario: 'one sets, two wait',
    preemptions: 0,
    finds: FOR_EVER,
  },
  {
    name: 'a waiter goes by the flag alone, which may be down again',
    file: 'sync/event.js',
    from: 'return isUp(state) || (state & ~SET_BIT) !== this.generation;',
    to: 'return isUp(state);',
    primitive: 'Event',
    scenario: 'one sets and clears at once, one waits, one awaits',
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'the outcome of the next round can be wiped out by a slow party',
    file: 'sync/barrier/raw-barrier.js',
    from: 'OUTCOMES_AHEAD = 8',
    to: 'OUTCOMES_AHEAD = 1',
    primitive: 'Barrier',
    scenario: 'two meet, one gives up and tries again, another resets',
    preemptions: 1,
    finds: /passed a round that was broken/,
  },
  {
    name: 'a party that dies in its seat does not break the round',
    file: 'sync/barrier/raw-barrier.js',
    from: `(pid << PID_SHIFT) | dead);
    breakIn(words, at, generation);`,
    to: '(pid << PID_SHIFT) | dead);',
    primitive: 'Barrier',
    scenario: 'two meet with an action, one dies',
    preemptions: 1,
    finds: FOR_EVER,
  },
];
