"""How much memory the processes take that a piece of work starts."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import psutil

#: Seconds between two measurements.
EVERY = 0.5


@contextlib.contextmanager
def watched(also: Callable[[], object] = lambda: None) -> Iterator[list[int]]:
    """Watch the memory of the processes that are started meanwhile, and of those that they start.

    Yields a list of one number: the most bytes that they have had together (shared memory counts for each).
    ``also`` is called at each measurement, to keep a clock going.
    """
    own, most, done = psutil.Process(), [0], threading.Event()
    before = set(own.children(recursive=True))

    def measure() -> None:
        while not done.wait(EVERY):
            total = 0
            for process in set(own.children(recursive=True)) - before:
                with contextlib.suppress(psutil.Error):  # it has ended since
                    total += process.memory_info().rss
            most[0] = max(most[0], total)
            also()

    thread = threading.Thread(target=measure, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()
