"""Pipe: a child answers requests that come by its end of a pipe. When our end is closed, the child's
loop ends; when the child is gone, we are told."""

from datetime import datetime
from multiprocessing import Pipe, Process, Queue

from check import check


def answer(what, value):
    if what == 'add':
        return sum(value)
    if what == 'reverse':
        return value[::-1]
    dividend, divisor = value
    return dividend // divisor


def serve(requests, ours, answered):
    ours.close()  # it came along by fork, and would keep the pipe open
    count = 0
    while True:
        try:
            request = requests.recv()
        except EOFError:
            break
        try:
            requests.send((answer(*request), datetime.now()))
        except ArithmeticError as error:
            requests.send(error)
        count += 1
    answered.put(count)


def say_goodbye(to):
    """Sends one message, and ends."""
    to.send('goodbye')


if __name__ == '__main__':
    here, there = Pipe()
    answered = Queue()
    server = Process(target=serve, args=(there, here, answered), name='server')
    server.start()
    there.close()  # the child has that end, and from now on nobody else

    def ask(*request):
        here.send(request)
        reply = here.recv()
        print(request, '→', reply[0] if isinstance(reply, tuple) else repr(reply), flush=True)
        return reply

    total = ask('add', [1, 2, 39])
    check(total[0] == 42 and isinstance(total[1], datetime), 'numbers were added: 42')
    check(list(ask('reverse', bytes([1, 2, 3]))[0]) == [3, 2, 1], 'bytes came back, the last first')
    check(isinstance(ask('divide', (1, 0)), ZeroDivisionError), 'an error came back as what it is')
    here.close()
    check(answered.get() == 3, 'the server saw the end after 3 requests')
    server.join()

    heard, said = Pipe(duplex=False)
    child = Process(target=say_goodbye, args=(said,), name='child')
    child.start()
    child.join()
    said.close()
    check(heard.recv() == 'goodbye', 'what a process sent is there after it has ended')
    try:
        end = heard.recv()
    except EOFError as error:
        end = error
    check(isinstance(end, EOFError), 'then comes the end of the stream')
