"""Tasks computed by a dask cluster, whose workers load the data and the network from their files."""

import contextlib
import functools
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from distributed import as_completed
from joblib import cpu_count
from tqdm import tqdm

from corrlib import cache
from corrlib.convnet import Network, load
from corrlib.data import VOC, open_dataset
from corrlib.publishing.book import progress
from corrlib.publishing.reproduce import Plan, stages
from corrlib.publishing.sweep import engine


class TaskError(RuntimeError):
    """A task failed; the message names it."""


def compute(
    plan: Plan,
    hours: Mapping[stages.Task, float],
    folder: Path,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
) -> None:
    """Compute tasks, those with which the longest chains begin first; their results are in the cache then.

    Parameters
    ----------
    plan
        The plan that the tasks are from.
    hours
        Task -> its expected hours, each after those that it needs.
    folder
        Folder for counting how often tasks start: one whose worker dies is started again, as in a sweep.
    workers, scheduler
        As in `engine.execute`.

    Raises
    ------
    TaskError
        At the first task that fails. What the others have computed is in the cache.
    """
    starts = folder.resolve() / ".starts"
    shutil.rmtree(starts, ignore_errors=True)
    where = dict(root=Path.cwd(), cache_dir=cache.cache_dir().resolve(), inputs=_names(plan))
    first, returning = stages.longest_chains(hours), {each for task in hours for each in task.given.values()}
    longest = f"the longest chain takes {max(first.values()):.2f} h, however many workers there are"
    print(f"cluster: {len(hours)} tasks, of which {longest}", flush=True)
    bar = tqdm(total=sum(hours.values()), bar_format=progress.LINE, smoothing=0, leave=False, disable=None)
    with engine.connected(scheduler, workers or cpu_count()) as client, bar, contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, starts, ignore_errors=True)
        futures: dict[stages.Task, Any] = {}
        for number, task in enumerate(hours):
            futures[task] = client.submit(
                _compute,
                task.name,
                task.call,
                task.arguments,
                {name: futures[other] for name, other in task.given.items()},
                [futures[other] for other in task.after],
                starts=starts / str(number),
                returning=task in returning,
                **where,
                priority=first[task],
                pure=False,
            )
        tasks = {future: task for task, future in futures.items()}
        for done, future in enumerate(as_completed(tasks, raise_errors=False), 1):
            task = tasks[future]
            if future.status != "finished":
                if future.status == "error" and isinstance(error := future.exception(), TaskError):
                    raise error
                raise TaskError(f"{task.name}: {engine.given_up(future)}")
            bar.update(hours[task])
            bar.set_description_str(f"{done} of {len(tasks)} tasks; {task.name}")


def _names(plan: Plan) -> dict[str, Any]:
    """What a worker opens, and the digests that it must find there."""
    data, network = plan.data, plan.network
    return {
        "data_root": str(data.root),
        "difficult": data.difficult,
        "truncated": data.truncated,
        "weights": network.source,
        "key": _key(data, network),
    }


def _key(data: VOC, network: Network) -> str:
    """Of code, libraries, data, weights and the kind of device: results of equal keys are interchangeable."""
    return cache.entry_path(stages.__name__, {"data": data, "network": network}).name


def _compute(
    name: str,
    call: Callable[..., Any],
    arguments: Sequence[Any],
    given: Mapping[str, Any],
    after: Sequence[None],
    *,
    starts: Path,
    returning: bool,
    root: Path,
    cache_dir: Path,
    inputs: Mapping[str, Any],
) -> Any:
    """Compute a task in the process of a worker; return what it returns if others need it."""
    if reason := engine.started(starts):
        raise TaskError(f"{name}: {reason}")
    os.environ["CORRLIB_CACHE"] = str(cache_dir)
    try:
        with contextlib.chdir(root), engine.silence():
            result = call(*_open(**inputs), *arguments, **given)
    except Exception as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise TaskError(f"{name}: {kind}{error}") from None
    starts.unlink()  # dask computes it again if the worker with its result dies, which is not its fault
    return result if returning else None


@functools.lru_cache(maxsize=1)
def _open(*, key: str, data_root: str, difficult: bool, truncated: bool, weights: str) -> tuple[VOC, Network]:
    """Open data and network, once in a worker; ValueError if they are not those of the command."""
    data, network = open_dataset(data_root, difficult=difficult, truncated=truncated), load(weights)
    if _key(data, network) != key:
        raise ValueError(
            "this worker has other code, libraries, data, weights or kind of device than the command: start"
            " both from the same environment, with the same CORRLIB_DEVICE"
        )
    return data, network
