"""Deadlock, cured: where the same thread needs A and B in any order, let both be one RLock."""

import time
from threading import RLock, Thread, current_thread

from check import check, say


def take_both(first, second, order, taken):
    with first:
        time.sleep(0.01)  # time enough for another thread to take the second lock, were it another one
        with second:
            say(f'{current_thread().name.split(" ")[0].ljust(9)} took {order}  (held 2 times)')
            taken.append(order)


def work(a, b, taken):
    take_both(a, b, 'A, then B', taken)
    take_both(b, a, 'B, then A', taken)


if __name__ == '__main__':
    lock, taken = RLock(), []
    threads = [Thread(target=work, args=(lock, lock, taken)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    check(not any(thread.is_alive() for thread in threads), 'all ten threads finished')
    check(len(taken) == 20, 'each held both locks, taken in either order')
    check(lock.acquire(blocking=False), 'and the lock is free')
    lock.release()
