"""Coroutines: a producer and a consumer in one thread, in turn. First by generators; then the same
two as async functions that hand over with Events."""

import asyncio

from check import check

ITEMS = [1, 2, 3]
log = []


def tell(text):
    print(text)
    log.append(text)


def consumer():
    while True:
        tell(f'consumer got {(yield)}')


def producer(consuming):
    next(consuming)  # runs the consumer to its first yield
    for item in ITEMS:
        tell(f'producer made {item}')
        consuming.send(item)


async def produce(box, filled, emptied):
    for item in ITEMS:
        tell(f'producer made {item}')
        box.append(item)
        filled.set()
        await emptied.wait()
        emptied.clear()


async def consume(box, filled, emptied):
    for _ in ITEMS:
        await filled.wait()
        filled.clear()
        tell(f'consumer got {box.pop()}')
        emptied.set()


async def by_events():
    box, filled, emptied = [], asyncio.Event(), asyncio.Event()
    await asyncio.gather(produce(box, filled, emptied), consume(box, filled, emptied))


if __name__ == '__main__':
    in_turn = [text for item in ITEMS for text in (f'producer made {item}', f'consumer got {item}')]
    producer(consumer())
    check(log == in_turn, 'by yield: made and got in turn')
    log.clear()
    asyncio.run(by_events())
    check(log == in_turn, 'by Event: made and got in turn')
