"""The kernel in which chapters are executed, and the memory that its processes use."""

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
    """A kernel of this Python with IPython's defaults, whatever kernels and settings the user has."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The command that starts it."""
        # The kernel would log an error when it is stopped, because Jupyter interrupts it first.
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=CRITICAL"]
        # What ipykernel reads in the user's environment; of PyCharm's backend, say, there is none here.
        env = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONSTARTUP": ""}
        env["IPYTHONDIR"] = str(cache.cache_dir() / "ipython")
        return KernelSpec(argv=argv, language="python", env=env)


def warned(said: str) -> bool:
    """Whether a text from standard error contains a warning from a cell or from this package.

    Warnings from other packages are ignored. A warning of a corrupt cache entry concerns those who run a
    chapter, not its readers, and is ignored as well.
    """
    ours = re.compile(rf"{re.escape(str(Path(__file__).parents[1]))}|ipykernel_")  # where IPython has cells
    warnings = re.findall(r"(?m)^(.+):\d+: (\w+): ", said)
    return any(ours.search(file) and category != "CorruptEntryWarning" for file, category in warnings)


@contextlib.contextmanager
def results_in(folder: Path | None) -> Iterator[None]:
    """Make kernels that start now write their results to a folder."""
    given = os.environ.get("CORRLIB_RESULTS", "")  # an empty value is the same as none
    os.environ["CORRLIB_RESULTS"] = str(folder.resolve()) if folder else given
    try:
        yield
    finally:
        os.environ["CORRLIB_RESULTS"] = given


@contextlib.contextmanager
def watched(also: Callable[[], object] = lambda: None) -> Iterator[list[int]]:
    """Watch the memory of the processes that are started in the meantime, and of their child processes.

    Yields a list of one number: their peak memory in total, in bytes (shared memory counts for each process).
    ``also`` is called at each measurement, for example to update a clock.
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
