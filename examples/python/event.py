"""Event: a starting signal. Five processes wait for it, and one `set` lets all of them go."""

import time
from multiprocessing import Event, Process, Queue, Value, current_process

from check import check, say


def run(go, ready, timeout, results):
    name = current_process().name
    start = time.monotonic()
    say(f'{name} waits' + (f' at most {timeout} ms' if timeout else ''))
    with ready.get_lock():
        ready.value += 1
    came = go.wait(timeout / 1000 if timeout else None)
    say(f'{name} {"goes" if came else "gives up"}')
    results.put((name, came, time.time(), time.monotonic() - start))


if __name__ == '__main__':
    go, ready, results = Event(), Value('i', 0), Queue()
    runners = [Process(target=run, args=(go, ready, None, results)) for _ in range(5)]
    for runner in runners:
        runner.start()
    while ready.value < 5:
        time.sleep(0.01)
    say('main: on your marks …')
    time.sleep(0.2)
    set_at = time.time()
    say('main: go!')
    go.set()
    runs = [results.get() for _ in runners]
    check(all(came and at >= set_at for _, came, at, _ in runs),
          'all five went, none before the event was set')

    go.clear()
    hasty = Process(target=run, args=(go, ready, 200, results), name='hasty')
    patient = Process(target=run, args=(go, ready, None, results), name='patient')
    hasty.start()
    patient.start()
    name, came, _, waited = results.get()
    say('main: go!')
    go.set()
    check(name == 'hasty' and not came and waited >= 0.2, 'the hasty one gave up, after 200 ms and not before')
    check(results.get()[1], 'the patient one saw the event')
    for process in [*runners, hasty, patient]:
        process.join()
