"""Deadlock: one thread takes lock A, then B; another takes B, then A. Python tells nobody: each has
to give up after a time, let go of what it has, and try again in the other's order."""

from threading import Barrier, Lock, Thread, current_thread

from check import check, say


def take_both(first, second, met, patience, attempts):
    name = current_thread().name.split(' ')[0]
    order = [first, second]
    for attempt in range(1, 100):
        (outer_name, outer), (inner_name, inner) = order
        with outer:
            say(f'{name} holds {outer_name}')
            if attempt == 1:
                met.wait()  # now each holds one: without this line, it would happen only on a bad day
            if inner.acquire(timeout=patience):
                say(f'{name} holds both')
                inner.release()
                attempts.append(attempt)
                return
        say(f'{name} gives up after {patience} s')
        order.reverse()


if __name__ == '__main__':
    a, b = ('A', Lock()), ('B', Lock())
    met, attempts = Barrier(2), []
    threads = [
        Thread(target=take_both, args=(a, b, met, 0.2, attempts)),
        Thread(target=take_both, args=(b, a, met, 5, attempts)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    check(sorted(attempts) == [1, 2], 'one gave up and had both at its second attempt')
    check(not a[1].locked() and not b[1].locked(), 'both locks are free')
