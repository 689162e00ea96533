"""Shared file: two processes append to one file, each line in several writes. One lock keeps the
lines whole."""

import os
import re
import tempfile
import time
from multiprocessing import Lock, Process

from check import check


def append(file, line):
    for word in re.split(r'(?<= )', line):
        with open(file, 'a') as out:
            out.write(word)
        time.sleep(0.03)
    with open(file, 'a') as out:
        out.write('\n')


def write_by_with(file, lock):
    with lock:
        append(file, 'written while a using block held the lock')


def write_by_finally(file, lock):
    lock.acquire()
    try:
        append(file, 'written between acquire and a release in finally')
    finally:
        lock.release()


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as folder:
        file, lock = os.path.join(folder, 'shared.txt'), Lock()
        writers = [Process(target=target, args=(file, lock)) for target in (write_by_with, write_by_finally)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        with open(file) as written:
            lines = written.read().splitlines()

    for line in lines:
        print(f'| {line}')
    check(len(lines) == 2, 'two lines in the file')
    check('written while a using block held the lock' in lines, 'the one is whole')
    check('written between acquire and a release in finally' in lines, 'and so is the other')
