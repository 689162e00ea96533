"""Producer and consumer: two processes around a shelf that holds 1 to 10 items. A Condition lets
the one sleep until the other has changed the shelf."""

import time
from multiprocessing import Condition, Process, Queue, Value, current_process

from check import check, say

EMPTY, FULL, ITEMS = 1, 10, 24


def move(changed, shelf, step, results):
    """Moves items one at a time, onto the shelf (step 1) or from it (step -1)."""
    name = current_process().name.ljust(8)
    limit = FULL if step == 1 else EMPTY
    seen, waits = [], 0
    for n in range(1, ITEMS + 1):
        # The consumer starts slowly, the producer gets tired.
        slow = n > 12 if step == 1 else n <= 6
        time.sleep(0.04 if slow else 0.002)
        with changed:
            if shelf.value == limit:
                waits += 1
                say(f'{name} waits, the shelf is {"full" if step == 1 else "empty"}')
                changed.wait_for(lambda: shelf.value != limit)
            shelf.value += step
            seen.append(shelf.value)
            say(f'{name} {"+" if step == 1 else "-"}  {"■" * shelf.value} {shelf.value}')
            changed.notify()
    results.put((step, waits, seen))


if __name__ == '__main__':
    changed, shelf, results = Condition(), Value('i', EMPTY), Queue()
    producer = Process(name='producer', target=move, args=(changed, shelf, 1, results))
    consumer = Process(name='consumer', target=move, args=(changed, shelf, -1, results))
    producer.start()
    consumer.start()
    (_, consumer_waits, consumed), (_, producer_waits, produced) = sorted(results.get() for _ in range(2))
    producer.join()
    consumer.join()

    seen = produced + consumed
    check(len(seen) == 2 * ITEMS and shelf.value == EMPTY, f'{ITEMS} items came and went')
    check(min(seen) == EMPTY and max(seen) == FULL, 'the shelf always held from 1 to 10')
    check(producer_waits > 0, f'the producer waited at a full shelf (times: {producer_waits})')
    check(consumer_waits > 0, f'the consumer waited at an empty shelf (times: {consumer_waits})')
