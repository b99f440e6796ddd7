"""How much memory the processes take that a piece of work starts."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import psutil

#: Seconds between two looks.
EVERY = 0.5


@contextlib.contextmanager
def watched() -> Iterator[list[int]]:
    """Watch the processes that are started meanwhile, and those that they start.

    Yields
    ------
    list[int]
        One number, which grows: the most bytes that they have had in memory together, at any look. What
        several of them share, such as a file that is mapped, counts in each.
    """
    own, most, done = psutil.Process(), [0], threading.Event()
    before = set(own.children(recursive=True))

    def look() -> None:
        while not done.wait(EVERY):
            most[0] = max(most[0], sum(map(_resident, set(own.children(recursive=True)) - before)))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:  # it has ended since
        return 0
