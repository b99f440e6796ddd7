"""The paper's own experiment: all four chapters at its scale, then the scoreboard."""

import csv
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import filelock
import numpy as np
from tqdm import tqdm

from corrlib import cache
from corrlib.cache import contents
from corrlib.convnet import Network, load
from corrlib.data import VOC, DataError, open_dataset
from corrlib.publishing import book, results, scoreboard
from corrlib.publishing.reproduce.plan import Plan, Stage, disk, hours, memory, plan, stages

__all__ = ["RECORDED", "Plan", "disk", "hours", "memory", "plan", "reproduce", "stages"]

#: What the stages of an earlier run took, in the project.
RECORDED = Path("results") / "rehearsal-stages.json"
#: Columns of ``stages.csv``.
LOGGED = ("chapter", "stage", "step", "unit", "count", "seconds", "processor_seconds", "peak_memory_bytes")
GB = 1e9


def reproduce(
    root: Path,
    data_root: str | Path,
    weights: str | Path,
    out: str | Path,
    *,
    patches: int = 10**6,
    difficult: bool = True,
    truncated: bool = True,
) -> Path:
    """Run the four experiments at the paper's scale, write the scoreboard and return its path.

    What is computed is kept in the cache, so that a run that was killed resumes.

    Parameters
    ----------
    root
        The project with the chapters; also the current folder, as for the book.
    data_root, weights, difficult, truncated
        As `open_dataset` and `convnet.load` have them.
    out
        Gets ``<chapter>.ipynb``, ``results/<chapter>-<dataset>.json``, ``stages.csv`` (time and memory of
        each step) and ``scoreboard.md``, ``.csv`` and ``.json``.
    patches
        Of each layer in the database of section 2; the paper has "at least one million".

    Raises
    ------
    ValueError
        Before anything starts: if data or weights cannot be used, the disk lacks space, or `out` is in use.
    """
    out = Path(out)
    data, network = open_dataset(data_root, difficult=difficult, truncated=truncated), load(weights)
    _check_images(data)
    planned, kept = plan(root, data, network, patches), out / "results"
    execute = {
        name: dict(root=root, name=f"book/{name}", given=own, out=out / f"{name}.ipynb", results=kept)
        for name, own in planned.parameters.items()
    }
    out.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(out / ".lock", timeout=0):
            todo = [name for name in execute if not book.unchanged(**execute[name])]
            _check_resources(root, planned, todo)
            for name, arguments in execute.items():
                if name not in todo:
                    print(f"{name}: unchanged", flush=True)
                    continue
                unit, size = "objects", planned.objects("val")
                if name == "visualization":
                    unit, size = "patches", planned.patches
                chapter = Stage("the chapter", unit, [(size, partial(book.execute, **arguments))])
                for stage in (*stages(data, network, planned.settings[name]), chapter):
                    _compute(name, stage, out)
            return _score(root, out, data, network)
    except filelock.Timeout:
        raise ValueError(f"another run is using {out}: wait for it, or choose another folder") from None


def _check_images(data: VOC) -> None:
    """Raise DataError unless all images of objects are there."""
    folder = data.root / "VOCdevkit" / "VOC2011" / "JPEGImages"
    objects = (each for c in data.categories for s in ("train", "val") for each in data.instances(c, s))
    needed = {each.image_id for each in objects}
    if absent := sorted(needed - {path.stem for path in folder.glob("*.jpg")}):
        raise DataError(
            f"{folder} lacks {len(absent)} of {len(needed)} images that have annotations, the first is"
            f" {absent[0]}.jpg: unpack the images again"
        )


def _check_resources(root: Path, planned: Plan, todo: Sequence[str]) -> None:
    """Print what the chapters to be executed take; ValueError if the disk has no space for it."""
    folder, record, data = cache.cache_dir(), results.read(root / RECORDED), planned.data
    folder.mkdir(parents=True, exist_ok=True)
    sizes, free = disk(planned), shutil.disk_usage(folder).free / GB
    kept = sum(e.size for e in contents.list_entries() if not e.stale and data.digest in e.inputs) / GB
    needed, train, val = sum(sizes.values()) / GB, planned.objects("train"), planned.objects("val")
    rows = [r for r in hours(record, objects=train + val, patches=planned.patches) if r["chapter"] in todo]
    total = sum(row["hours"] for row in rows)
    peak = max(row["peak_memory_bytes"] for row in record["values"]["stages"])
    beside = max(0, peak - record["values"]["memory_bytes_estimated"]) / GB
    lines = [
        f"dataset {data.name} in {data.root}: {len(data.categories)} categories, with a visible keypoint"
        f" {train:,} training and {val:,} validation objects",
        f"network {planned.network.name} (digest {planned.network.digest})",
        f"time: {total:.1f} processor hours from an empty cache, at the speed in {RECORDED}",
        *(f"  {row['hours']:8.2f} h   {row['chapter']}, {row['stage']}" for row in rows),
        f"memory: {memory(planned) / GB:.1f} GB for the largest step, and {beside:.1f} GB beside it",
        f"disk: {needed:.1f} GB in {folder}; {kept:.1f} GB of this dataset are there, {free:.1f} GB are free",
        *(f"  {size / GB:8.2f} GB  {name}" for name, size in sizes.items()),
    ]
    print("\n".join(lines), flush=True)
    if free < needed - kept:
        raise ValueError(
            f"{folder} needs about {needed - kept:.1f} GB more and has {free:.1f}: free some space, or name"
            " another folder in CORRLIB_CACHE"
        )


def _compute(chapter: str, stage: Stage, out: Path) -> None:
    """Run the steps of a stage and add a line for each to ``stages.csv``."""
    label, log, total = f"{chapter}, {stage.name}", out / "stages.csv", np.zeros(2)
    counted = sum(size for size, _ in stage.steps)
    with tqdm(total=counted, desc=label, unit=f" {stage.unit}", disable=None, leave=False) as bar:
        for step, (size, call) in enumerate(stage.steps):
            before = _clocks()
            try:
                call()
            finally:  # a step that failed has taken time, too
                took, peak = _clocks() - before, _peak_memory()
                row = (chapter, stage.name, step, stage.unit, size, *took.round(2), peak)
                new = not log.is_file() or not log.stat().st_size  # a kill may leave an empty file
                with log.open("a", newline="", encoding="utf-8") as file:
                    csv.writer(file).writerows([LOGGED, row] if new else [row])
            total += took
            bar.update(size)
    seconds, used = total
    text = f"{counted:,} {stage.unit} in {seconds:,.0f} s ({used:,.0f} processor seconds)"
    print(f"{label}: {text}; memory at most {peak / GB:.1f} GB so far", flush=True)


def _clocks() -> np.ndarray:
    """Seconds by the clock, and of all cores together by this process and its children."""
    return np.array([time.perf_counter(), sum(os.times()[:4])])


def _peak_memory() -> int:
    """Bytes that this process, or one of its children, has had in memory at most."""
    import resource  # Windows has no such module

    peaks = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(peaks) * (1 if sys.platform == "darwin" else 1024)


def _score(root: Path, out: Path, data: VOC, network: Network) -> Path:
    """Write the scoreboard; print the distances from the paper's numbers, and the verdict on each claim."""
    digests = {"data": data.digest, "weights": network.digest}
    ours = scoreboard.read(out / "results", f"{{chapter}}-{data.name}.json", **digests)
    photos = scoreboard.read(root / "results", "voc2011-{chapter}.json")
    datasets = {"voc2011 (recorded)": photos, data.name: ours}
    files = {"csv": scoreboard.as_csv(datasets), "json": json.dumps(scoreboard.as_json(datasets), indent=1)}
    for suffix, text in {**files, "md": scoreboard.as_markdown(datasets)}.items():
        with cache.replacing(out / f"scoreboard.{suffix}") as temporary:
            temporary.write_text(text, encoding="utf-8")
    for row in scoreboard.distances(scoreboard.numbers(datasets), data.name):
        apart = f"{row['mean']:+.1f} (mean), {row['mean absolute']:.1f} (mean absolute)"
        print(f"Table {row['table']}: differences of {row['count']} numbers from the paper's: {apart}")
    differences = scoreboard.differences(ours)
    for name, claim in scoreboard.registry().items():
        print(f"section {claim.section}: {scoreboard.verdict(name, differences)}: {claim.text}")
    return out / "scoreboard.md"
