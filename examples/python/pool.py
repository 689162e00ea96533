"""Pool: the Mandelbrot set, a row a call, by one process and then by one for each core.

`multiprocessing.Pool` draws no progress bar, so this program prints none. The interpreter needs far
longer for a step, so the program computes only the points that it draws, and skips the two large
parts of the set that a formula describes."""

import time
from math import floor, log2
from multiprocessing import Pool, cpu_count

from check import check

WIDTH, HEIGHT, DEPTH = 78, 26, 20_000
SHADES = ' .:-=+*#%@'


def steps_at(x, y):
    """How many steps it takes until the point is known to be outside."""
    distance = (x - 0.25) ** 2 + y * y
    if distance * (distance + x - 0.25) < y * y / 4 or (x + 1) ** 2 + y * y < 1 / 16:
        return DEPTH
    re = im = 0.0
    steps = 0
    while steps < DEPTH and re * re + im * im < 4:
        re, im = re * re - im * im + x, 2 * re * im + y
        steps += 1
    return steps


def row(number):
    y = (number / HEIGHT) * 2.4 - 1.2
    return [steps_at((column / WIDTH) * 3.2 - 2.2, y) for column in range(WIDTH)]


def draw(processes):
    with Pool(processes) as pool:
        pool.map(row, range(processes))  # the workers are up
        start = time.perf_counter()
        rows = pool.map(row, range(HEIGHT), chunksize=1)  # rows differ in length, so no larger chunks
        return rows, time.perf_counter() - start


def shade(steps):
    return SHADES[-1] if steps == DEPTH else SHADES[floor(log2(1 + steps)) % (len(SHADES) - 1)]


if __name__ == '__main__':
    alone, alone_seconds = draw(1)
    both, seconds = draw(cpu_count())
    for points in both:
        print(''.join(map(shade, points)))
    print(f'one process: {alone_seconds:.2f} s, {cpu_count()} processes: {seconds:.2f} s, '
          f'{alone_seconds / seconds:.2f} times as fast')
    check(alone == both and len(both) == HEIGHT, 'both have computed the same picture')
