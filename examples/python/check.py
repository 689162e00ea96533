"""What the programs share: `check`, by which a program says whether its outcome is what it should be."""

import atexit
import os
import sys

failed = False


def check(condition, text):
    global failed
    say(f'✓ {text}' if condition else f'✗ FAILED: {text}')
    if not condition and not failed:
        failed = True
        atexit.register(lambda: (sys.stdout.flush(), os._exit(1)))


def say(text):
    """One write a line, so that processes do not tear each other's lines apart."""
    sys.stdout.flush()
    os.write(1, f'{text}\n'.encode())
