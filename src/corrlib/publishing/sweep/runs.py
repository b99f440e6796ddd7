"""The two commands: `sweep` executes the points of a grid, and `collect` reads notebooks executed before."""

import contextlib
import functools
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import filelock
from tqdm import tqdm

from corrlib.publishing import book, chapters
from corrlib.publishing.sweep import grid, page, rows


class SweepError(RuntimeError):
    """Points failed, or another sweep is running in the same folder."""


def plan(chapter: Path, values: Mapping[str, str | Sequence[Any]], folder: Path) -> list[grid.Point]:
    """Return the points of a grid (see `grid.points`); nothing is written."""
    points = grid.points(chapter, values)
    for read in (Path("results"), Path("book")):
        if folder.resolve().is_relative_to(read.resolve()):
            raise ValueError(f"{folder} is among the files that chapters read: choose a folder such as runs")

    @functools.cache
    def of_chapter(*files: str | None) -> str:
        given = {key: value for key, value in zip(book.FILES, files, strict=True) if value}
        return book.chapter_digest(Path(), chapter, given)

    def point(each: dict[str, Any]) -> grid.Point:
        parts = [of_chapter(*map(each.get, book.FILES)), each]
        name, digest = grid.name(each), hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        done = chapters.stamp(folder / f"{name}.ipynb").get("digest") == digest
        return grid.Point(name, each, digest, done)

    return [point(each) for each in points]


def sweep(
    chapter: Path,
    values: Mapping[str, str | Sequence[Any]],
    folder: Path,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
) -> list[dict[str, Any]]:
    """Execute a chapter at every point of a grid; resume where an earlier sweep was stopped.

    ``folder`` gets a notebook a point and ``results.csv``, ``.json``, ``.png`` and ``.html``. ``values`` are
    as in `grid.points`, ``workers`` and ``scheduler`` as in `engine.execute`. Returns the rows of the table,
    which is whole on disk after each point, and if the sweep is interrupted.
    """
    from corrlib.publishing.sweep import engine  # dask takes a second to import

    points, starts = plan(chapter, values, folder), folder / ".starts"
    todo = [point for point in points if not point.done]
    if (folder / "results.csv").exists() and not (folder / "results.json").exists():
        raise SweepError(
            f"{folder / 'results.csv'} is not a sweep's, which would replace it: take another folder"
        )
    with _alone(folder):
        table = {p.name: _row(chapter, p, folder, "done" if p.done else "not run") for p in points}
        shutil.rmtree(starts, ignore_errors=True)
        rows.write(list(table.values()), folder)
        bar = tqdm(total=len(points), initial=len(points) - len(todo), unit="point", disable=None)
        where = dict(workers=workers, scheduler=scheduler)
        try:
            with bar, contextlib.closing(engine.execute(chapter, todo, folder, **where)) as ended:
                for point, reason in ended:
                    status = "failed" if reason else "done"
                    table[point.name] = _row(chapter, point, folder, status, reason)
                    rows.write(list(table.values()), folder)
                    bar.update()
                    if reason:
                        tqdm.write(f"{point.name}: {reason.strip().splitlines()[-1]}", file=sys.stderr)
        finally:
            page.write(list(table.values()), folder)
            shutil.rmtree(starts, ignore_errors=True)
    return list(table.values())


def collect(folder: Path) -> list[dict[str, Any]]:
    """Make the same table and page of all executed notebooks below a folder, and return the rows."""
    found = [p for p in sorted(folder.rglob("*.ipynb")) if "/." not in f"/{p.relative_to(folder).as_posix()}"]
    if not (table := [row for path in found if (row := rows.read(path, folder))]):
        raise ValueError(f"no notebooks in {folder} that papermill has executed: it has {len(found)} in all")
    with _alone(folder):
        page.write(table, folder)
    return table


def _row(chapter: Path, point: grid.Point, folder: Path, status: str, error: str = "") -> dict[str, Any]:
    """The row of a point, as `rows.read` has it: what its notebook says if it is done."""
    empty = dict(chapter=chapter.stem, seconds=None, numbers={}, about={}, notebook="", error=error)
    row = rows.read(folder / f"{point.name}.ipynb", folder) if status == "done" else empty
    return row | {"status": status, "parameters": point.values}


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system takes back from whoever dies."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / ".lock", timeout=0):
            yield
    except filelock.Timeout:
        message = f"another sweep is at work in {folder}: wait for it, or take another folder"
        raise SweepError(message) from None
