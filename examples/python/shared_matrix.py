"""Shared matrix: four processes fill one matrix in shared memory, each its own rows. A barrier lies
between the phases: only when all rows are filled does each process add up its columns."""

from multiprocessing import Array, Barrier, Process, current_process

from check import check, say

SIZE, PARTS = 400, 4


def work(matrix, sums, met, part):
    mine = range(SIZE // PARTS * part, SIZE // PARTS * (part + 1))
    for row in mine:
        matrix[row * SIZE:(row + 1) * SIZE] = [row + column for column in range(SIZE)]
    say(f'{current_process().name} filled rows {mine[0]} to {mine[-1]}')
    met.wait()
    for column in mine:
        sums[column] = sum(matrix[column::SIZE])


if __name__ == '__main__':
    matrix, sums, met = Array('d', SIZE * SIZE, lock=False), Array('d', SIZE, lock=False), Barrier(PARTS)
    workers = [Process(target=work, args=(matrix, sums, met, part)) for part in range(PARTS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    rows = SIZE * (SIZE - 1) // 2
    check(all(worker.exitcode == 0 for worker in workers), 'all four processes came through')
    check(all(each == rows + SIZE * column for column, each in enumerate(sums)), 'each column has the right sum')
    check(sum(sums) == 2 * SIZE * rows, 'and so has the whole matrix')
