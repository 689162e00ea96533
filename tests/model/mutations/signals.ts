/** Mutations of what is waited for without being owned. */

import { FOR_EVER, type Mutant } from '../mutants.ts';

export const signalMutants: readonly Mutant[] = [
  {
    name: 'a call takes the notification of an earlier call',
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
    name: 'a reset lets the waiting parties pass',
    file: 'sync/barrier/raw-barrier.js',
    from: 'if (moveOn(cell, state, LAST_BROKEN_BIT))',
    to: 'if (moveOn(cell, state, 0))',
    primitive: 'Barrier',
    scenario: 'two meet, one gives up and tries again, another resets',
    preemptions: 1,
    finds: /passed a round that was broken/,
  },
  {
    name: 'a reset breaks the round before it begins a new one',
    file: 'sync/barrier/raw-barrier.js',
    from: 'if (moveOn(cell, state, LAST_BROKEN_BIT))',
    to: `if (!isRefusing(state) && breakIn(words, at, generationOf(state)))
            wakeAll(cell.agent, cell);
        if (moveOn(cell, stateOf(cell), LAST_BROKEN_BIT))`,
    primitive: 'Barrier',
    scenario: 'one is freed by a reset and comes again at once',
    preemptions: 2,
    finds: /found the new round broken/,
  },
  {
    name: 'how a round ended is forgotten with the next round',
    file: 'sync/barrier/raw-barrier.js',
    from: '(state & LAST_BROKEN_BIT ? 1 : 0)) & HISTORY_MASK',
    to: '0) & HISTORY_MASK',
    primitive: 'Barrier',
    scenario: 'two meet, one gives up and tries again, another resets',
    preemptions: 2,
    finds: /passed a round that was broken/,
  },
  {
    name: 'a party that comes early and gives up breaks the round whose action runs',
    file: 'sync/barrier/round-waits.js',
    from: 'breakNext(this.cell, this.generation)',
    to: 'breakRound(this.cell, this.generation)',
    primitive: 'Barrier',
    scenario: 'two meet with an action, one comes early and gives up',
    preemptions: 2,
    finds: /disturbed|is broken/,
  },
  {
    name: 'a party that dies in its seat does not break the round',
    file: 'sync/barrier/raw-barrier.js',
    from: 'breakBecauseOf(words, at, generation, identify(pid, dead));',
    to: 'identify(pid, dead);',
    primitive: 'Barrier',
    scenario: 'two meet with an action, one dies',
    preemptions: 1,
    finds: FOR_EVER,
  },
];
