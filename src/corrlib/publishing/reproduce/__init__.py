"""The paper's own experiment, whole: all four chapters at its scale, then the scoreboard."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from tqdm import tqdm

from corrlib import cache
from corrlib.convnet import Network, load
from corrlib.data import VOC, DataError, crops, open_dataset
from corrlib.publishing import book, chapters, scoreboard
from corrlib.publishing.reproduce import times
from corrlib.publishing.reproduce.cost import Cost, database, estimate, kept
from corrlib.publishing.reproduce.stages import Stage, release, stages

#: Patches of each layer in the database of section 2: the paper's "at least one million".
PATCHES = 1_000_000
#: What stages took in an earlier run, by which the time is estimated.
RECORDED = Path("results") / "rehearsal-stages.json"
GB = 1e9


def reproduce(
    root: Path,
    data_root: str | Path,
    weights: str | Path,
    out: str | Path,
    *,
    patches: int = PATCHES,
    difficult: bool = True,
    truncated: bool = True,
    say: Callable[[str], None] = print,
) -> Path:
    """Run the four experiments at the paper's scale and write the scoreboard.

    What is computed is kept in the cache as it comes; a run that was killed goes on there. A chapter that was
    executed with the same text, code, parameters, data and weights is not executed again.

    Parameters
    ----------
    root
        The project, in which the chapters are; also the current folder, as for the book.
    data_root, weights
        As `open_dataset` and `convnet.load` have them.
    out
        Gets ``<chapter>.ipynb``, ``results/<chapter>.json``, ``stages.csv`` (measured time and memory of each
        step of each stage) and ``scoreboard.md``, ``.csv`` and ``.json``.
    patches
        In the database of section 2.
    difficult, truncated
        As `open_dataset` has them.
    say
        Told what happens, a line at a time.

    Returns
    -------
    Path
        ``scoreboard.md``.

    Raises
    ------
    ValueError
        Before anything starts: if data, weights or free disk space will not do, or `out` is in use.
    chapters.ChapterError
        If a chapter fails.
    """
    out = Path(out)
    data, network = open_dataset(data_root, difficult=difficult, truncated=truncated), load(weights)
    check(data)
    images, patches = database(data, network, patches)
    given = parameters(data, network, data_root, weights, images)
    every = {name: whole(root, name, own) for name, own in given.items()}
    out.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(out / ".lock", timeout=0):
            todo = [name for name, own in given.items() if not _done(root, name, own, out)]
            work = [stage for stage in stages(data, network, every) if stage.chapter in todo]
            for name in todo:
                execute = partial(_execute, root, name, given[name], out)
                size = patches if name == "visualization" else _instances(data, "val")
                unit = "patches" if name == "visualization" else "instances"
                work.append(Stage(name, "the chapter", unit, [(size, execute)]))
            _afford(
                data,
                network,
                estimate(data, network, every, patches),
                work,
                times.recorded(root / RECORDED),
                say,
            )
            for name in given:
                if name not in todo:
                    say(f"{name}: unchanged")
            for stage in work:
                _compute(stage, out, say)
            return _score(root, out, data.name, say)
    except filelock.Timeout:
        raise ValueError(f"another run is at work in {out}: wait for it, or choose another folder") from None


def parameters(
    data: VOC, network: Network, data_root: str | Path, weights: str | Path, images: int
) -> dict[str, dict[str, Any]]:
    """What each chapter is given: nothing is left out to save time. The rest is its default, the paper's.

    Parameters
    ----------
    images
        In the database of section 2.
    """
    common = {book.DATA: str(data_root), book.WEIGHTS: str(weights)}
    common |= dict(difficult=data.difficult, truncated=data.truncated)
    given: dict[str, dict[str, Any]] = {name: dict(common) for name in scoreboard.CHAPTERS}
    given["visualization"]["database_images"] = images
    given["alignment"]["retrieval_layer"] = next(n for n in crops.SIGNATURES if n in network.layers)
    categories = data.categories
    shown = "cat" if "cat" in categories else categories[0]
    given["classification"] |= {"shown": shown, "localised": len(crops.visible(data, shown, "val"))}
    given["classification"] |= {"chosen": len(categories), "others": len(categories) - 1}
    return given


def check(data: VOC) -> None:
    """Raise DataError unless every category can be trained and scored, and all its images are there."""
    missing = [
        f"{category} in {split}"
        for category in data.categories
        for split in ("train", "val")
        if not crops.visible(data, category, split)
    ]
    if missing:
        raise DataError(
            f"{data.root}: no object with a visible keypoint of {', '.join(missing)}: is it complete?"
        )
    folder = data.root / "VOCdevkit" / "VOC2011" / "JPEGImages"
    there = {path.stem for path in folder.glob("*.jpg")}
    names = {one.image_id for c in data.categories for s in ("train", "val") for one in data.instances(c, s)}
    if absent := sorted(names - there):
        raise DataError(
            f"{folder} lacks {len(absent)} of {len(names)} images that have annotations, the first is"
            f" {absent[0]}.jpg: unpack the images again"
        )


def whole(root: Path, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a chapter; ValueError if it is not there."""
    path = root / "book" / f"{name}.py"
    if not path.is_file():
        raise ValueError(f"no chapter at {path}: run this in the project's folder")
    known = chapters.parameters(path)
    return {key: given.get(key, default) for key, (_, default) in known.items()}


def _afford(
    data: VOC,
    network: Network,
    needed: Cost,
    work: Sequence[Stage],
    record: Mapping[str, Any],
    say: Callable[[str], None],
) -> None:
    """Tell what the run will take; ValueError if the disk has no room for it."""
    folder, there = cache.cache_dir(), kept(data)
    folder.mkdir(parents=True, exist_ok=True)
    free, left = shutil.disk_usage(folder).free, max(0, needed.total - there)
    say(
        f"{data.root}: tier {data.name}, {len(data.categories)} categories, {_instances(data, 'train'):,}"
        f" instances of train with a visible keypoint and {_instances(data, 'val'):,} of val"
    )
    say(f"network {network.name} (digest {network.digest})")
    say("estimates:")
    say(f"  time, at the speed in {RECORDED}:")
    for line in times.told(times.expected(work, record)):
        say(f"    {line}")
    largest, beyond = needed.memory / GB, times.overhead(record) / GB
    say(f"  memory: {largest:.1f} GB for the largest step and, as recorded, {beyond:.1f} GB for all else")
    say(
        f"  disk: {needed.total / GB:.1f} GB in {folder}, where {there / GB:.1f} GB are of this data already"
        f" and {free / GB:.1f} GB are free"
    )
    for name, size in needed.disk.items():
        say(f"  {size / GB:8.2f} GB  {name}")
    if free < left:
        raise ValueError(
            f"{folder} needs about {left / GB:.1f} GB more and has {free / GB:.1f}: free some space, or name"
            " another folder in CORRLIB_CACHE"
        )


def _instances(data: VOC, split: str) -> int:
    return sum(len(crops.visible(data, category, split)) for category in data.categories)


def _done(root: Path, name: str, given: dict[str, Any], out: Path) -> bool:
    """Whether a chapter was executed in this very way, and its result is there."""
    return book.unchanged(root, f"book/{name}", given, out / f"{name}.ipynb", results=out / "results")


def _compute(stage: Stage, out: Path, say: Callable[[str], None]) -> None:
    """Run the steps of a stage and log what they took."""
    label, spent = f"{stage.chapter}, {stage.name}", np.zeros(2)
    with tqdm(total=stage.count, desc=label, unit=f" {stage.unit}", disable=None, leave=False) as bar:
        for step, (count, call) in enumerate(stage.steps):
            before = np.array([time.perf_counter(), _processor_seconds()])
            try:
                call()
            finally:  # what has failed has taken its time, too
                took = np.array([time.perf_counter(), _processor_seconds()]) - before
                times.log(out / "stages.csv", stage, step, *took, _peak_memory())
            spent += took
            bar.update(count)
    seconds, used = spent
    text = f"{stage.count:,} {stage.unit} in {seconds:,.0f} s ({used:,.0f} of processors)"
    say(f"{label}: {text}; memory at most {_peak_memory() / GB:.1f} GB so far")


def _processor_seconds() -> float:
    """That this process and those that it ran have used, of all cores together."""
    return sum(os.times()[:4])


def _peak_memory() -> int:
    """Bytes that this process, or one that it ran, has had in memory at most."""
    import resource  # not on Windows, where nothing else of this package minds

    peaks = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(peaks) * (1 if sys.platform == "darwin" else 1024)


def _execute(root: Path, name: str, given: dict[str, Any], out: Path) -> None:
    """Execute a chapter."""
    release()
    book.execute(root, f"book/{name}", given, out / f"{name}.ipynb", results=out / "results")


def _score(root: Path, out: Path, tier: str, say: Callable[[str], None]) -> Path:
    """Write the scoreboard and say how it came out."""
    recorded = scoreboard.read(root / "results", "photos-{chapter}.json")
    tiers = {
        tier: scoreboard.read(out / "results", f"{{chapter}}-{tier}.json"),
        "photos (recorded)": recorded,
    }
    numbers, claims = scoreboard.numbers(tiers), scoreboard.claims(tiers)
    text = scoreboard.as_markdown(numbers, claims, list(tiers))
    files = {"md": text, "csv": scoreboard.as_csv(numbers, list(tiers))}
    files["json"] = json.dumps(scoreboard.as_json(numbers, claims), indent=1)
    for suffix, content in files.items():
        with cache.replacing(out / f"scoreboard.{suffix}") as temporary:
            temporary.write_text(content, encoding="utf-8")
    for row in scoreboard.summary(numbers, tier):
        say(
            f"Table {row['table']}: {row['count']} numbers, on average {row['mean']:+.1f} from the paper's,"
            f" {row['mean absolute']:.1f} away"
        )
    for claim in claims:
        say(f"section {claim.section}: {claim.verdicts.get(tier, scoreboard.NOT_RUN)}: {claim.text}")
    return out / "scoreboard.md"
