"""Service ready: two workers need a server that takes a while to start. They wait for an Event,
which the main program sets when it has seen the server accept a connection."""

import socket
import socketserver
import threading
import time
from multiprocessing import Event, Process, Queue, Value, current_process

from check import check, say


class Redis(socketserver.StreamRequestHandler):
    """Answers PING with PONG."""

    def handle(self):
        for line in self.rfile:
            self.wfile.write(b'+PONG\r\n' if line.strip() == b'PING' else b'-ERR unknown command\r\n')


def ping(port):
    with socket.create_connection(('127.0.0.1', port), timeout=5) as connection:
        connection.sendall(b'PING\r\n')
        return connection.makefile().readline().strip()


def work(ready, waiting, port, patience, results):
    name = current_process().name
    say(f'{name} waits for the service')
    with waiting.get_lock():
        waiting.value += 1
    timeouts = 0
    while not ready.wait(patience):
        timeouts += 1
        say(f'{name}: not ready after {int(patience * 1000)} ms ({timeouts}), waiting on')
    answer = ping(port)
    say(f'{name}: PING -> {answer}')
    results.put((name, answer, timeouts))


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


if __name__ == '__main__':
    port = free_port()
    ready, waiting, results = Event(), Value('i', 0), Queue()
    workers = [
        Process(target=work, args=(ready, waiting, port, None, results), name='quiet worker'),
        Process(target=work, args=(ready, waiting, port, 0.2, results), name='talkative worker'),
    ]
    for worker in workers:
        worker.start()
    while waiting.value < 2:
        time.sleep(0.01)
    time.sleep(0.7)
    socketserver.TCPServer.allow_reuse_address = True
    server = socketserver.ThreadingTCPServer(('127.0.0.1', port), Redis)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while ping(port) != '+PONG':
        time.sleep(0.05)
    say('main: the server accepts connections')
    ready.set()
    (_, first, timeouts), (_, second, said) = sorted(results.get() for _ in workers)
    for worker in workers:
        worker.join()
    server.shutdown()

    check(first == second == '+PONG', 'both workers got their answer')
    check(timeouts == 0, 'the quiet one waited in one piece')
    check(said > 0, f'the talkative one said that it was waiting (times: {said})')
