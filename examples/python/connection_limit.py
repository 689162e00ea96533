"""Connection limit: twenty threads want a connection to a server that takes five."""

import time
from threading import Lock, Semaphore, Thread, current_thread

from check import check, say

LIMIT = 5


class Count:
    def __init__(self):
        self.lock, self.value, self.most = Lock(), 0, 0

    def add(self, step):
        with self.lock:
            self.value += step
            self.most = max(self.most, self.value)
            return self.value


def dots(count):
    return '●' * count + '○' * (LIMIT - count)


def query(connections, count):
    name = current_thread().name.split(' ')[0].ljust(9)
    with connections:
        say(f'{name} connected     {dots(count.add(1))}')
        time.sleep(0.15)
        say(f'{name} disconnected  {dots(count.add(-1))}')


if __name__ == '__main__':
    connections, count = Semaphore(LIMIT), Count()
    start = time.monotonic()
    threads = [Thread(target=query, args=(connections, count)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    check(count.value == 0, 'twenty threads connected and disconnected')
    check(count.most == LIMIT, 'five connections at once, never a sixth')
    check(time.monotonic() - start >= 0.6, 'twenty times 150 ms over five connections took at least 600 ms')
