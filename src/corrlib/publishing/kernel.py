"""The kernel in which chapters are executed, and the memory and time that its processes use."""

import contextlib
import multiprocessing
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import LocalProvisioner

from corrlib import cache

#: Seconds between two measurements.
EVERY = 0.5
#: What the process that kernels are forked from has imported.
IMPORTED = ["ipykernel.kernelapp", "corrlib.publishing.page", "corrlib.publishing.explorer"]
#: For glibc: memory that is freed is kept. Large arrays come and go, and clearing new pages for each takes a
#: tenth of the time.
TUNING = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**32)}
#: For OpenBLAS: its threads sleep after a product, instead of keeping the processor busy until the next one.
TUNING |= {"OPENBLAS_THREAD_TIMEOUT": "4"}


class Kernel(AsyncKernelManager):
    """A kernel of this Python with IPython's defaults, whatever kernels and settings the user has."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        with contextlib.suppress(OSError):  # IPython makes its folder there, but not those above it
            cache.cache_dir().mkdir(parents=True, exist_ok=True)
        # A kernel that is forked does not import everything again, but not everywhere is it safe to fork.
        own = multiprocessing.current_process()
        if sys.platform == "linux" and not own.daemon:  # else it may not have children
            self.provisioner = _Forking(parent=self, kernel_id=self.kernel_id, kernel_spec=self.kernel_spec)

    @property
    def kernel_spec(self) -> KernelSpec:
        """The command that starts it."""
        # The kernel would log an error when it is stopped, because Jupyter interrupts it first.
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=CRITICAL"]
        # What ipykernel reads in the user's environment; of PyCharm's backend, say, there is none here.
        env = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONSTARTUP": ""}
        env["IPYTHONDIR"] = str(cache.cache_dir() / "ipython")
        return KernelSpec(argv=argv, language="python", env=env)


def prepare() -> None:
    """Start the process that kernels are forked from, which takes seconds, without waiting for it."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(IMPORTED)
    for name, value in TUNING.items():
        os.environ.setdefault(name, value)
    forkserver.ensure_running()


class _Forking(LocalProvisioner):
    """Forks kernels from a server that has imported what chapters need."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Fork a kernel; `cmd` is the command that would start it otherwise."""
        prepare()
        arguments = (cmd[cmd.index("ipykernel_launcher") + 1 :], options["env"], options.get("cwd"))
        streams = [DupFd(1), DupFd(2)]  # those of this process, not those that the server was started with
        process = multiprocessing.get_context("forkserver").Process(target=_serve, args=(*arguments, streams))
        process.start()
        self.process, self.pid, self.pgid = _Forked(process), process.pid, process.pid
        self.cwd = options.get("cwd", Path.cwd())
        return self.connection_info


@dataclass
class _Forked:
    """A process with those methods of `subprocess.Popen` that a provisioner calls."""

    process: BaseProcess
    stdin = stdout = stderr = None

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self) -> int | None:
        self.process.join()
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        if self.process.is_alive():
            os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.process.kill()

    def terminate(self) -> None:
        self.process.terminate()


def end_with_parent() -> None:
    """End this process, from now on, as soon as the process that asked for it ends, or forked it."""
    asked, forked = multiprocessing.parent_process(), os.getppid()

    def watch() -> None:
        while asked.is_alive() and os.getppid() == forked:
            time.sleep(EVERY)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _serve(
    arguments: Sequence[str], environment: Mapping[str, str], folder: str | None, streams: Sequence[Any]
) -> None:
    """Be a kernel, in a forked process."""
    import matplotlib
    from ipykernel.kernelapp import IPKernelApp
    from threadpoolctl import threadpool_limits

    end_with_parent()
    os.setsid()  # an interrupted command stops its kernels itself
    for number, stream in enumerate(streams, 1):
        os.dup2(given := stream.detach(), number)
        os.close(given)
    os.environ.clear()
    os.environ.update(environment)
    os.environ.pop("JPY_PARENT_PID", None)  # which is not that of the server
    if threads := os.environ.get("OMP_NUM_THREADS"):  # which libraries have read in the server
        threadpool_limits(int(threads))
    if folder:
        os.chdir(folder)
    matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]  # `use` would load it before there is a shell
    IPKernelApp.launch_instance(argv=list(arguments))


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


class Used:
    """What the processes have used that were started since this was made, and their child processes.

    Attributes
    ----------
    memory : Their peak memory in total, in bytes; what they share counts for each.
    seconds : Process -> its processor seconds when it was last measured.
    """

    def __init__(self) -> None:
        self._own = psutil.Process()
        self._before = set(self._own.children(recursive=True))
        self.memory, self.seconds = 0, {}

    def measure(self) -> None:
        """Measure the processes that are there now."""
        total = 0
        for process in set(self._own.children(recursive=True)) - self._before:
            with contextlib.suppress(psutil.Error):  # it has ended since
                total += process.memory_info().rss
                times = process.cpu_times()
                self.seconds[process.pid] = times.user + times.system
        self.memory = max(self.memory, total)


@contextlib.contextmanager
def watched(also: Callable[[], object] = lambda: None) -> Iterator[Used]:
    """Measure meanwhile what is used by processes that are started.

    ``also`` is called at each measurement, for example to update a clock.
    """
    used, done = Used(), threading.Event()

    def watch() -> None:
        while not done.wait(EVERY):
            used.measure()
            also()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield used
    finally:
        done.set()
        thread.join()
