/** Mutations of how a pool's workers put their results, and of how the pool waits for them. */

import type { Mutant } from '../mutants.ts';
import { FOR_EVER } from '../mutants.ts';

const primitive = 'Results of a pool';
const withoutBellBeforeRoom = {
  file: 'pool/replies.js',
  from: `        this.gate.announce();
        try {
            await this.queue.put(reply);`,
  to: `        try {
            await this.queue.put(reply);`,
};

export const poolResultMutants: readonly Mutant[] = [
  {
    name: 'the result of a call rings no bell',
    file: 'pool/replies.js',
    from: `        if (!silently)
            this.gate.announce();`,
    to: '',
    primitive,
    scenario: 'two workers put results, the pool awaits them',
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'results that were put silently and have filled the ring ring no bell',
    ...withoutBellBeforeRoom,
    primitive,
    scenario: 'late results fill a ring, the pool awaits them',
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'the same, while the pool blocks',
    ...withoutBellBeforeRoom,
    primitive,
    scenario: 'late results fill a ring, the pool blocks',
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'a result that had to wait for room rings no bell',
    file: 'pool/replies.js',
    from: `            return;
        }
        this.gate.announce();
    }
    /** Puts an error`,
    to: `            return;
        }
    }
    /** Puts an error`,
    primitive,
    scenario: 'late results fill a ring, the pool awaits them',
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'the pool falls asleep without a second look at the rings of results',
    file: 'pool/gate-wait.js',
    from: 'if (!waiter.isReady())',
    to: 'if (true)',
    primitive,
    scenario: 'two workers put results, the pool awaits them',
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'the pool looks at the rings of results, and only then marks that it sleeps',
    file: 'pool/gate-wait.js',
    from: `            gate.mark();
            if (!waiter.isReady())
                return false;`,
    to: `            const isReady = waiter.isReady();
            gate.mark();
            if (!isReady)
                return false;`,
    primitive,
    scenario: 'two workers put results, the pool blocks',
    preemptions: 1,
    finds: FOR_EVER,
  },
];
