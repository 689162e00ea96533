#!/usr/bin/env python3
"""Runs CPython's own tests of its synchronization classes against Lockstep.

    npm run test:cpython -- [--mode sync|async|thread|await|mixed|all] [--repeat N] [-v] [TestClass[.test_name] ...]

Without --mode: sync, then async. A name may be a regular expression. Ends with `N passed, M failed, K not applicable`, and status 1 if anything failed or was left behind.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MODES = ['sync', 'async', 'thread', 'await', 'mixed']


def left_processes(mark):
    """Processes whose environment says that they belong to this run."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/environ', 'rb') as file:
                if mark.encode() in file.read() and int(pid) != os.getpid():
                    found.append(int(pid))
        except OSError:
            continue
    return found


def run_mode(mode, args):
    work = tempfile.mkdtemp(prefix='lockstep-cpython-')
    shared = tempfile.mkdtemp(prefix='lockstep-cpython-', dir=os.environ.get('LOCKSTEP_DIR') or '/dev/shm')
    report = f'{work}/report.json'
    env = {**os.environ, 'LOCKSTEP_DIR': shared, 'CPYTHON_DIR': work,
           'PYTHONDONTWRITEBYTECODE': '1'}
    log = open(f'{work}/hub.log', 'w+')
    problems = []
    hub = subprocess.Popen([args.node, args.hub], env=env, stdin=subprocess.PIPE, stdout=log, stderr=log)
    suite = None
    try:
        deadline = time.monotonic() + 30
        while not os.path.exists(f'{work}/hub'):
            if hub.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                raise SystemExit(f'the hub did not start:\n{log.read()}')
            time.sleep(0.02)
        command = [sys.executable, f'{HERE}/suite.py', '--mode', mode, '--report', report, '--seed', str(args.seed),
                   '--repeat', str(args.repeat)]
        if args.verbose:
            command.append('--verbose')
        if args.trace:
            command.append('--trace')
        if args.heavy:
            command.append('--heavy')
        # In the work folder: some of the tests make files where they are.
        suite = subprocess.Popen([*command, *args.patterns], env=env, cwd=work)
        code = suite.wait()
        if code != 0:
            problems.append(f'the suite ended with status {code}')
    finally:
        if suite is not None and suite.poll() is None:
            suite.kill()
            suite.wait()
        hub.stdin.close()
        try:
            hub.wait(20)
        except subprocess.TimeoutExpired:
            problems.append('the hub did not end')
            hub.kill()
            hub.wait()
        deadline = time.monotonic() + 3
        while (left := left_processes(shared)) and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in left:
            problems.append(f'process {pid} was left behind')
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        folders = os.listdir(shared)
        if folders:
            problems.append(f'left behind in {shared}: {folders}')
        log.seek(0)
        said = log.read().strip()
        if said:
            problems.append(f'the agents said:\n{said[:4000]}')
        log.close()
        results = {'results': [], 'requests': 0, 'callbacks': 0}
        if os.path.exists(report):
            with open(report) as file:
                results = json.load(file)
        shutil.rmtree(shared, ignore_errors=True)
        shutil.rmtree(work, ignore_errors=True)
    return results, problems


def show(mode, results, problems, seconds):
    counts = {}
    reasons = {}
    for each in results['results']:
        of = counts.setdefault(each['class'], {'pass': 0, 'fail': 0, 'n/a': 0, 'seconds': 0.0})
        of[each['outcome']] += 1
        of['seconds'] += each['seconds']
        if each['outcome'] == 'n/a':
            reasons.setdefault(each['details'], []).append(f'{each["class"]}.{each["test"]}')
    print(f'\nmode {mode}')
    print(f'  {"class":34} {"pass":>5} {"fail":>5} {"n/a":>5} {"s":>7}')
    for name, of in counts.items():
        print(f'  {name:34} {of["pass"]:5} {of["fail"]:5} {of["n/a"]:5} {of["seconds"]:7.1f}')
    for reason, names in reasons.items():
        shown = ', '.join(names) if len(names) <= 4 else f'{", ".join(names[:3])} and {len(names) - 3} more'
        print(f'  not applicable: {shown}\n      {reason}')
    for each in problems:
        print(f'  PROBLEM: {each}')
    total = [sum(of[key] for of in counts.values()) for key in ('pass', 'fail', 'n/a')]
    print(f'  {mode}: {total[0]} passed, {total[1]} failed, {total[2]} not applicable; '
          f'{results["requests"]} calls, {results["callbacks"]} back, {seconds:.0f} s', flush=True)
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--mode', choices=[*MODES, 'all'])
    parser.add_argument('--seed', type=int, default=0, help='which kind the first thread is of, in mode mixed')
    parser.add_argument('--repeat', type=int, default=1)
    parser.add_argument('--hub', required=True, help='the compiled hub')
    parser.add_argument('--node', default=os.environ.get('NODE', 'node'))
    parser.add_argument('-v', '--verbose', action='store_true')
    parser.add_argument('--trace', action='store_true', help='show every call of a test that has failed')
    parser.add_argument('--heavy', action='store_true', help='also what takes a hundred processes')
    parser.add_argument('patterns', nargs='*')
    args = parser.parse_args()
    if sys.version_info[:2] != (3, 11):
        print(f'warning: written for the tests of CPython 3.11, this is {sys.version.split()[0]}')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    total = [0, 0, 0]
    failed = False
    for mode in {None: ['sync', 'async'], 'all': MODES}.get(args.mode, [args.mode]):
        started = time.monotonic()
        results, problems = run_mode(mode, args)
        counts = show(mode, results, problems, time.monotonic() - started)
        total = [a + b for a, b in zip(total, counts)]
        failed = failed or bool(problems) or counts[1] > 0 or counts[0] == 0
    print(f'{total[0]} passed, {total[1]} failed, {total[2]} not applicable')
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
