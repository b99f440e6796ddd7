"""Run points on single-threaded dask workers, because papermill needs a process of its own."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Future, LocalCluster, WorkerPlugin, as_completed
from distributed.utils import get_mp_context
from joblib import cpu_count

from corrlib import cache
from corrlib.publishing import chapters
from corrlib.publishing.sweep.grid import Point
from corrlib.publishing.sweep.rows import COLOURS

#: Number of times that a point whose worker dies is started before it is given up.
STARTS = 3
#: Seconds until a scheduler that does not answer is given up.
PATIENCE = 10
#: What libraries read the number of their threads from; joblib's `cpu_count` is that of our own pools.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
THREADS += ("OPENCV_FOR_THREADS_NUM", "LOKY_MAX_CPU_COUNT")
#: Where papermill finds a port taken that it had chosen, as many kernels start at once; and the tries in all.
_UNLUCKY, KERNELS = "Kernel died before replying to kernel_info", 3
#: Parameters that only the evaluation reads, in every chapter: points that differ only in these share all
#: expensive results. Points that differ in others may share some of them, which the cache handles.
FREE = ("alpha",)


def execute(
    chapter: Path,
    points: Sequence[Point],
    folder: Path,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
) -> Iterator[tuple[Point, str]]:
    """Execute points, and yield each as it ends, with the reason if it failed ("" if not).

    Of points that differ only in `FREE`, one runs first, and the others then find its results in the cache.

    Parameters
    ----------
    folder
        Folder for their notebooks.
    workers
        Number of processes on this machine, each with an equal share of its cores. By default, one per core.
    scheduler
        Address of a running dask scheduler, whose workers have one thread each and see the same files.
    """
    where = dict(chapter=chapter.resolve(), folder=folder.resolve(), root=Path.cwd())
    where["cache_dir"] = cache.cache_dir().resolve()
    groups: dict[str, list[Point]] = {}
    for point in points:
        heavy = {name: value for name, value in point.values.items() if name not in FREE}
        groups.setdefault(repr(heavy), []).append(point)
    if not points:
        return
    with connected(scheduler, workers or cpu_count()) as client:
        submit = partial(client.submit, _execute, **where, pure=False)
        futures = {submit(first, priority=1): (first, others) for first, *others in groups.values()}
        # Results are fetched at once: by the time of its turn, the worker that has one may be dead.
        running = as_completed(futures, with_results=True, raise_errors=False)
        for future, reason in running:
            point, others = futures.pop(future)
            for other in others:
                futures[later := submit(other)] = other, []
                running.add(later)
            yield point, reason if isinstance(reason, str) else given_up(future)


def _execute(point: Point, *, chapter: Path, folder: Path, root: Path, cache_dir: Path) -> str:
    """Execute one point in the process of a worker; return the reason if it fails, otherwise ""."""
    starts, end = (folder / ".starts" / f"{point.name}{kind}" for kind in ("", "~ended"))
    if end.is_file():  # the worker that had the answer has died since, of a later point
        return end.read_text(encoding="utf-8")
    if reason := started(starts):
        return reason
    os.environ["CORRLIB_CACHE"] = str(cache_dir)  # on a cluster, too, all use one cache
    out, kept = folder / f"{point.name}.ipynb", folder / "results" / point.name
    for _ in range(KERNELS):
        reason = ""
        try:
            with contextlib.chdir(root), silence():
                about = dict(digest=point.digest, results=kept, exercises=False)
                chapters.run(chapter, out, point.values, **about)
        except Exception as error:
            kind = "" if isinstance(error, chapters.ChapterError) else f"{type(error).__name__}: "
            reason = COLOURS.sub("", f"{kind}{error}")
        if _UNLUCKY not in reason:
            break
        time.sleep(1)
    with cache.replacing(end) as temporary:
        temporary.write_text(reason, encoding="utf-8")
    return reason


def started(starts: Path) -> str:
    """Count in a file that something starts in a worker; return the reason if it is to be given up, or ""."""
    starts.parent.mkdir(parents=True, exist_ok=True)
    with starts.open("a") as file:
        file.write(".")
    return f"its worker died {STARTS} times: out of memory?" if starts.stat().st_size > STARTS else ""


def given_up(future: Future) -> str:
    """Why dask has no result: it lost the workers, or somebody cancelled it there."""
    error = future.exception() if future.status == "error" else future.status
    return f"dask gave it up: {error!r}"


class _Uninterrupted(WorkerPlugin):
    """Workers ignore an interrupt at the terminal: it is for the command, which stops them."""

    def setup(self, worker: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep warnings, progress bars and messages of killed kernels off the terminal."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextlib.contextmanager
def connected(scheduler: str | None, workers: int) -> Iterator[Client]:
    """Yield a client of a scheduler, or of a new one on this machine, without output to the terminal."""
    quiet = {"distributed": "critical", "distributed.worker": "critical", "tornado": "critical"}
    # A death counts against all points that wait for the same worker: ours are counted in `_execute`.
    config: dict[str, Any] = {"scheduler.allowed-failures": 1_000_000, "scheduler.worker-ttl": None}
    # Workers are forked from a process that has imported what they need: another one is there at once.
    config |= {"worker.multiprocessing-method": "forkserver", "worker.profile.enabled": False}
    config |= {"worker.daemon": False}  # a daemon could not fork kernels
    config = {f"distributed.{key}": value for key, value in config.items()} | {"logging": quiet}
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(config))
        if scheduler:
            client = stack.enter_context(Client(scheduler, timeout=PATIENCE))
            several = [w["name"] for w in client.scheduler_info(-1)["workers"].values() if w["nthreads"] > 1]
            if several:
                raise ValueError(
                    f"{scheduler}: its worker {several[0]} has several threads, but papermill needs a process"
                    " of its own: start workers with --nthreads 1 --nworkers N"
                )
            yield client
            return
        get_mp_context()
        multiprocessing.get_context("forkserver").set_forkserver_preload([__name__])
        threads = str(max(1, cpu_count() // workers))
        # What counts is the memory of the kernels, which dask does not see: no limit that it would enforce.
        try:
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address=None,
                scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},  # else port 8787
                memory_limit=None,
                silence_logs="CRITICAL",
                env={name: os.environ.get(name, threads) for name in THREADS},
            )
        except RuntimeError as error:
            reason: BaseException = error
            while reason.__cause__:
                reason = reason.__cause__
            raise ValueError(f"dask cannot start: {reason}; see its configuration") from error
        client = stack.enter_context(Client(stack.enter_context(cluster)))
        client.register_plugin(_Uninterrupted())
        yield client
