"""The two commands: `sweep` executes the points of a grid, `collect` reads what others have executed."""

import contextlib
import functools
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import filelock
from tqdm import tqdm

from corrlib.publishing import book
from corrlib.publishing.sweep import grid, page, rows


class SweepError(RuntimeError):
    """Points failed, or another sweep is at work in the same folder."""


def plan(
    chapter: Path, values: Mapping[str, str | Sequence[str | None]], folder: Path
) -> tuple[list[dict[str, Any]], list[bool]]:
    """Return the points of a grid (see `grid.points`), and whether each is executed; nothing is written."""
    points, digest = _points(chapter, values, folder), _digests(chapter)
    return points, [_executed(each, folder, digest) for each in points]


def sweep(
    chapter: Path,
    values: Mapping[str, str | Sequence[str | None]],
    folder: Path,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
) -> list[dict[str, Any]]:
    """Execute a chapter at every point of a grid; resume where an earlier sweep was stopped.

    ``folder`` gets a notebook a point and ``results.csv``, ``.json``, ``.png`` and ``.html``. ``values`` are
    as in `grid.points`, ``workers`` and ``scheduler`` as in `engine.execute`. Returns the rows of the table.
    """
    points = _points(chapter, values, folder)
    with _alone(folder):
        digest = _digests(chapter)
        done = [_executed(each, folder, digest) for each in points]
        states = ["done" if d else "not run" for d in done]
        table = [_row(chapter, each, folder, state) for each, state in zip(points, states, strict=True)]
        if todo := [number for number, d in enumerate(done) if not d]:
            from corrlib.publishing.sweep.engine import Point  # dask takes a second to import

            some = {n: Point(grid.name(points[n]), points[n], digest(points[n])) for n in todo}
            _execute(chapter, some, table, folder, workers=workers, scheduler=scheduler)
        else:
            shutil.rmtree(folder / ".starts", ignore_errors=True)  # of a client that was killed at its end
            page.write(table, folder)
    return table


def collect(folder: Path) -> list[dict[str, Any]]:
    """Make the same table and page of all executed notebooks below a folder, and return the rows."""
    found = [
        p for p in folder.rglob("*.ipynb") if not any(q.startswith(".") for q in p.relative_to(folder).parts)
    ]
    read = (rows.read(path, folder) for path in sorted(found, key=_natural))
    if not (table := [row for row in read if row]):
        raise ValueError(f"no notebooks in {folder} that papermill has executed: it has {len(found)} in all")
    with _alone(folder):
        page.write(table, folder)
    return table


def _execute(
    chapter: Path, points: Mapping[int, Any], table: list[dict[str, Any]], folder: Path, **where: Any
) -> None:
    """Execute some of the points of a table, which is whole on disk after each, and if it is interrupted."""
    from corrlib.publishing.sweep import engine

    starts, numbers, some = folder / ".starts", list(points), list(points.values())
    shutil.rmtree(starts, ignore_errors=True)
    rows.write(table, folder)
    bar = tqdm(total=len(table), initial=len(table) - len(points), unit="point", disable=None)
    groups = grid.groups([point.values for point in some])
    try:
        with bar, contextlib.closing(engine.execute(chapter, some, groups, folder, **where)) as ended:
            for number, reason in ended:
                row = _row(chapter, some[number].values, folder, "failed" if reason else "done", reason)
                table[numbers[number]] = row
                rows.write(table, folder)
                bar.update()
                if reason:
                    last = reason.strip().splitlines()[-1]
                    tqdm.write(f"{some[number].name}: {last}", file=sys.stderr)
    finally:
        page.write(table, folder)
        shutil.rmtree(starts, ignore_errors=True)


def _points(
    chapter: Path, values: Mapping[str, str | Sequence[str | None]], folder: Path
) -> list[dict[str, Any]]:
    points = grid.points(chapter, values)
    for read in (Path("results"), Path("book"), Path(book.__file__).parent):
        if folder.resolve().is_relative_to(read.resolve()):
            raise ValueError(f"{folder} is among the files that chapters read: choose a folder such as runs")
    return points


def _row(chapter: Path, values: dict[str, Any], folder: Path, status: str, error: str = "") -> dict[str, Any]:
    """The row of a point: what its notebook says if it is done."""
    path = folder / f"{grid.name(values)}.ipynb"
    empty = dict(chapter=chapter.stem, seconds=None, numbers={}, about={}, notebook="", error=error)
    row = rows.read(path, folder) if status == "done" else empty
    return row | {"status": status, "parameters": values}


def _executed(values: dict[str, Any], folder: Path, digest: Callable[[dict[str, Any]], str]) -> bool:
    """Whether the notebook of a point is there, and of today's code and data."""
    path = folder / f"{grid.name(values)}.ipynb"
    try:
        stamp = json.loads(path.read_text(encoding="utf-8"))["metadata"]["corrlib"]["digest"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return stamp == digest(values)


def _digests(chapter: Path) -> Callable[[dict[str, Any]], str]:
    """Return a function of a point's parameters: the digest of all that its outputs depend on."""

    @functools.cache
    def of_chapter(files: tuple[tuple[str, str], ...]) -> str:
        return book.chapter_digest(Path(), chapter, dict(files))

    def digest(values: dict[str, Any]) -> str:
        files = tuple((key, values[key]) for key in (book.DATA, book.WEIGHTS) if values.get(key))
        text = json.dumps([of_chapter(files), values], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    return digest


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system takes back from whoever dies."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / ".lock", timeout=0):
            yield
    except filelock.Timeout:
        raise SweepError(
            f"another sweep is at work in {folder}: wait for it, or take another folder"
        ) from None


def _natural(path: Path) -> list[Any]:
    """A key that sorts k=2 before k=10."""
    parts = re.split(r"(\d+(?:\.\d+)?)", str(path))
    return [(float(part), "") if number % 2 else (0.0, part) for number, part in enumerate(parts)]
