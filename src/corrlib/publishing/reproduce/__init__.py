"""The paper's own experiment: all four chapters at its scale, then the scoreboard."""

import dataclasses
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from joblib import cpu_count

from corrlib import cache
from corrlib.cache import contents
from corrlib.convnet import Network, load
from corrlib.data import VOC, DataError, crops, open_dataset
from corrlib.experiments import alignment, classification, prediction, visualization
from corrlib.experiments.alignment import flows, studies
from corrlib.experiments.classification.features import TOGETHER as SIFT_KINDS
from corrlib.experiments.visualization.units import sample, whole_image
from corrlib.publishing import book, chapters, results, scoreboard

#: Record of the resources that an earlier run used, in the project.
RECORDED = Path("results") / "rehearsal-stages.json"
#: Experiments of the chapters, in the order of the paper.
EXPERIMENTS = (visualization, alignment, classification, prediction)
#: Numbers in a SIFT descriptor, of one byte each.
SIFT = 128
GB = 1e9


@dataclass(frozen=True)
class Plan:
    """The inputs of a run: data, network, patches per layer in the database of section 2, and for each
    chapter the values that differ from its defaults and the settings of its experiment.
    """

    data: VOC
    network: Network
    patches: int
    parameters: dict[str, dict[str, Any]]
    settings: dict[str, Any]

    def objects(self, *splits: str) -> int:
        """Number of objects with a visible keypoint."""
        return sum(len(crops.objects(self.data, c, split)) for c in self.data.categories for split in splits)


def plan(root: Path, data: VOC, network: Network, patches: int) -> Plan:
    """Take the chapters' own parameters, but all objects, and enough images for the number of patches.

    `patches` is the number per layer; there are fewer if the training images have no more. ValueError if a
    chapter is missing, or no category has objects to train on and to score.
    """
    order, images, total = sample(data, "train", 10**9, seed=0), 0, 0
    while total < patches and images < len(order):  # the layers of Figures 1 and 2 have the same grid
        shape = whole_image(data, order[images]).shape[:2]
        total += int(np.prod(network.output_shape(shape, visualization.LAYERS[0])))
        images += 1
    shown, others = "cat" if "cat" in data.categories else data.categories[0], len(data.categories) - 1
    localised = len(crops.objects(data, shown, "val"))
    scale = {
        "visualization": dict(database_images=images),
        "classification": dict(shown=shown, localised=localised, others=others, chosen=others + 1),
    }
    common = {book.DATA: str(data.root), book.WEIGHTS: network.source}
    common |= dict(difficult=data.difficult, truncated=data.truncated)
    settings = {}
    for name, experiment in zip(scoreboard.CHAPTERS, EXPERIMENTS, strict=True):
        path = root / "book" / f"{name}.py"
        if not path.is_file():
            raise ValueError(f"no chapter at {path}: run this in the project's folder")
        fields = {field.name for field in dataclasses.fields(experiment.Settings)}
        own = {key: value for key, (_, value) in chapters.parameters(path).items() if key in fields}
        settings[name] = experiment.Settings(**own | scale.get(name, {})).resolve(data, network)
    return Plan(data, network, total, {name: common | scale.get(name, {}) for name in settings}, settings)


def reproduce(
    root: Path,
    data_root: str | Path,
    weights: str | Path,
    out: str | Path,
    *,
    patches: int = 10**6,
    difficult: bool = True,
    truncated: bool = True,
    workers: int | None = None,
    scheduler: str | None = None,
) -> Path:
    """Run the four experiments at the paper's scale, write the scoreboard and return its path.

    Results are kept in the cache, so that a run that was killed resumes. With `workers` or `scheduler`, a
    cluster computes those that take long, and the chapters then find them in the cache.

    Parameters
    ----------
    root
        The project with the chapters; also the current folder, as for the book.
    data_root, weights, difficult, truncated
        As in `open_dataset` and `convnet.load`.
    out
        Folder for ``<chapter>.ipynb``, ``results/<chapter>-<dataset>.json``, and ``scoreboard.md``, ``.csv``
        and ``.json``.
    patches
        Patches per layer in the database of section 2; the paper has "at least one million".
    workers, scheduler
        A dask cluster, as in `sweep.engine.execute`, whose workers share the cache and `out`.

    Raises
    ------
    ValueError
        Before anything starts: if data or weights cannot be used, the disk lacks space, or `out` is in use.
    cluster.TaskError
        If a task of the cluster fails.
    """
    out = Path(out)
    data, network = open_dataset(data_root, difficult=difficult, truncated=truncated), load(weights)
    _check_images(data)
    planned = plan(root, data, network, patches)
    out.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(out / ".lock", timeout=0):
            rows = _check_resources(root, planned, divided=bool(workers or scheduler))
            todo = []
            for name, given in planned.parameters.items():
                task = book.task(root, f"book/{name}", given, out / f"{name}.ipynb", results=out / "results")
                todo += [task] if task else []
            if todo and (workers or scheduler):
                from corrlib.publishing.reproduce import cluster, stages  # dask takes a second to import

                hours = stages.hours(stages.tasks(planned), rows)
                cluster.compute(planned, hours, out, workers=workers, scheduler=scheduler)
            for task in todo:
                book.execute(root, [task], out / "book.log")
            return _score(root, out, data, network)
    except filelock.Timeout:
        raise ValueError(f"another run is using {out}: wait for it, or choose another folder") from None


def disk(plan: Plan) -> dict[str, int]:
    """Bytes that the chapters keep in the cache, by content, without small parts such as the flows."""
    data, network, align = plan.data, plan.network, plan.settings["alignment"]

    def channels(*layers: str) -> int:
        return sum(network.channels(name) for name in layers)

    pairs = [(category, split) for category in crops.categories(data) for split in ("train", "val")]
    objects = {pair: len(crops.objects(data, *pair)) for pair in pairs}
    few, every = alignment.few(align).categories, sum(objects.values())
    studied = sum(objects[pair] for pair in pairs if pair[0] in few)
    visible = sum(classification.keypoints(data, *pair).visible.sum() for pair in pairs)
    detected = sum(objects[pair] * len(data.keypoint_names(pair[0])) for pair in pairs)
    nodes = np.prod(network.output_shape((align.size, align.size), flows.GRID_LAYER))
    aligned = {*align.features.values()}
    layers, radii = {*studies.LAYERS} - aligned, {*studies.RADII} - aligned
    side = plan.settings["prediction"].prior_size
    pooled = np.prod(network.output_shape((side, side), "pool5")) * channels("pool5")
    size = plan.settings["classification"].size
    columns = [name for name, field in network.receptive_fields.items() if field.size <= size]
    along, beside = 2 * channels(align.convnet_layer) + SIFT, 2 * channels(*layers) + SIFT * len(radii)
    values = {
        "visualization: features of patches": 2 * channels(*visualization.LAYERS) * plan.patches,
        "neighbours: fc7 and pool5": 4 * (pooled + channels(*{"fc7"} & {*network.layers})) * every,
        "alignment: features": along * nodes * every,
        "alignment: features of the side studies": beside * nodes * studied,
        "classification: features at keypoints": (4 * channels(*columns) + SIFT * len(SIFT_KINDS)) * visible,
        "prediction: scores": 4 * sum(_places(plan).values()) * detected,
    }
    return {name: int(value) for name, value in values.items()}


def memory(plan: Plan, *, categories: int | None = None) -> int:
    """Bytes of the largest step, the training of detectors of some categories from all their features.

    `categories` is their number; by default one per core, as in the chapter, and 1 in a worker of a cluster.
    """
    objects = {c: len(crops.objects(plan.data, c, "train")) for c in plan.data.categories}
    kinds = {c: len(plan.data.keypoint_names(c)) for c in objects}
    largest = []
    for feature, places in _places(plan).items():
        size = SIFT if feature == prediction.SIFT else 4 * plan.network.channels(feature)
        # Features, twice while they are concatenated or padded; for each keypoint, labels (twice) and scores.
        each = sorted(count * places * (2 * size + 6 * kinds[c]) for c, count in objects.items())
        largest.append(sum(each[-(categories or cpu_count()) :]))
    return max(largest)


def hours(record: Mapping[str, Any], *, objects: int, patches: int) -> list[dict[str, Any]]:
    """The stages of a run recorded by ``ci/rehearse.py``, with their processor ``hours`` on other data.

    The hours grow in proportion to the number of objects or keypoints in both splits, or of patches or images
    in section 2.
    """
    values, parameters = record["values"], record["provenance"]["parameters"]
    factors = dict.fromkeys(("objects", "keypoints"), objects / sum(values["objects"].values()))
    factors |= dict.fromkeys(("images", "patches"), patches / parameters["patches"])
    return [
        {**row, "hours": row["processor_seconds"] * factors.get(row["unit"], 1.0) / 3600}
        for row in values["stages"]
    ]


def _check_images(data: VOC) -> None:
    """Raise DataError unless the images of all objects exist."""
    objects = (each for c in data.categories for s in ("train", "val") for each in data.instances(c, s))
    needed = {each.image_id for each in objects}
    if absent := sorted(needed - data.images.keys()):
        raise DataError(
            f"{data.root} lacks {len(absent)} of {len(needed)} images that have annotations (the first is"
            f" {absent[0]}): unpack the images again"
        )


def _check_resources(root: Path, planned: Plan, *, divided: bool) -> list[dict[str, Any]]:
    """Print the resources that the chapters need; ValueError if there is not enough disk space.

    `divided` is whether a cluster computes. Returns the rows of `hours`.
    """
    folder, record, data = cache.cache_dir(), results.read(root / RECORDED), planned.data
    folder.mkdir(parents=True, exist_ok=True)
    sizes, free = disk(planned), shutil.disk_usage(folder).free / GB
    kept = sum(e.size for e in contents.list_entries() if not e.stale and data.digest in e.inputs) / GB
    needed, train, val = sum(sizes.values()) / GB, planned.objects("train"), planned.objects("val")
    rows = hours(record, objects=train + val, patches=planned.patches)
    total = sum(row["hours"] for row in rows)
    peak = max(row["peak_memory_bytes"] for row in record["values"]["stages"])
    beside = max(0, peak - record["values"]["memory_bytes_estimated"]) / GB
    each, largest = (" of each worker", memory(planned, categories=1)) if divided else ("", memory(planned))
    lines = [
        f"dataset {data.name} in {data.root}: {len(data.categories)} categories, {train:,} training and"
        f" {val:,} validation objects with a visible keypoint",
        f"network {planned.network.name} (digest {planned.network.digest})",
        f"time: {total:.1f} processor hours from an empty cache, at the speed recorded in {RECORDED}",
        *(f"  {row['hours']:8.2f} h   {row['chapter']}, {row['stage']}" for row in rows),
        f"memory{each}: {largest / GB:.1f} GB for the largest step, and {beside:.1f} GB in addition",
        f"disk: {needed:.1f} GB in {folder}; {kept:.1f} GB are already there, {free:.1f} GB are free",
        *(f"  {size / GB:8.2f} GB  {name}" for name, size in sizes.items()),
    ]
    print("\n".join(lines), flush=True)
    if free < needed - kept:
        raise ValueError(
            f"{folder} needs about {needed - kept:.1f} GB more and has {free:.1f} GB: free some space, or set"
            " CORRLIB_CACHE to another folder"
        )
    return rows


def _score(root: Path, out: Path, data: VOC, network: Network) -> Path:
    """Write the scoreboard; print the differences from the paper's numbers and the verdicts on its claims."""
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


def _places(plan: Plan) -> dict[str, int]:
    """Kind of feature -> number of places on the grid of its detectors."""
    own, network = plan.settings["prediction"], plan.network
    return {f: int(np.prod(prediction.grid(network, f, size=own.size)[1])) for f in own.features.values()}
