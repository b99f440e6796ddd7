"""The kernel that chapters are executed in, and how much memory its processes take."""

import contextlib
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec

from corrlib import cache

#: Seconds between two measurements.
EVERY = 0.5


class Kernel(AsyncKernelManager):
    """This Python, whatever kernels are installed, with IPython's own settings, whatever the user's are."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """How it is started."""
        # It logs an error when it is stopped, as Jupyter interrupts it first.
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=CRITICAL"]
        # What ipykernel reads in the user's environment; of PyCharm's backend, say, there is none here.
        env = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONSTARTUP": ""}
        env["IPYTHONDIR"] = str(cache.cache_dir() / "ipython")
        return KernelSpec(argv=argv, language="python", env=env)


def warned(said: str) -> bool:
    """Whether a cell, or this package, warns in what is on standard error.

    Others may. A corrupt entry of the cache is news for those who run a chapter, not for its readers.
    """
    ours = re.compile(rf"{re.escape(str(Path(__file__).parents[1]))}|ipykernel_")  # where IPython has cells
    warnings = re.findall(r"(?m)^(.+):\d+: (\w+): ", said)
    return any(ours.search(file) and category != "CorruptEntryWarning" for file, category in warnings)


@contextlib.contextmanager
def results_in(folder: Path | None) -> Iterator[None]:
    """Have kernels that start now write their results there."""
    given = os.environ.get("CORRLIB_RESULTS", "")  # empty is as good as none
    os.environ["CORRLIB_RESULTS"] = str(folder.resolve()) if folder else given
    try:
        yield
    finally:
        os.environ["CORRLIB_RESULTS"] = given


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
