"""What a run computes, in which steps, and what it takes: estimates from counts and a recorded run."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, crops
from corrlib.experiments import alignment, classification, prediction, visualization
from corrlib.experiments.alignment import flows, studies
from corrlib.experiments.classification.features import TOGETHER as SIFT_KINDS
from corrlib.experiments.classification.features import features
from corrlib.experiments.classification.responses import category_peaks
from corrlib.experiments.classification.settings import UNRECTIFIED
from corrlib.experiments.visualization.units import sample, whole_image
from corrlib.publishing import book, chapters, scoreboard

#: Of the chapters, in the order of the paper.
EXPERIMENTS = (visualization, alignment, classification, prediction)
#: Numbers in a SIFT descriptor, each a byte.
SIFT = 128
#: Categories whose detectors are trained at a time: all features of their objects are in memory.
TOGETHER = 2


@dataclass(frozen=True)
class Plan:
    """What a run computes: data, network, patches per layer in section 2's database, and for each chapter the
    values that are not its defaults and the settings of its experiment.
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
    """Take the chapters' own parameters, but all objects, and the images that have so many patches.

    The number of patches is of each layer; fewer if the training images have no more. ValueError if there is
    no such chapter, or a category has no object to train on, or to score.
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
        own = {key: value for key, (_, value) in chapters.parameters(path).items() if key not in common}
        settings[name] = experiment.Settings(**own | scale.get(name, {})).resolve(data, network)
    return Plan(data, network, total, {name: common | scale.get(name, {}) for name in settings}, settings)


class Stage(NamedTuple):
    """Work in steps ``(count, call)``, each of which is kept on disk when it returns; ``unit`` is counted."""

    name: str
    unit: str
    steps: list[tuple[int, Callable[[], Any]]]


def stages(data: VOC, network: Network, settings: Any) -> Iterator[Stage]:
    """Yield what takes long in a chapter, given the ``Settings`` of its experiment; nothing is computed here.

    The cache keeps the results of each step where the chapter finds them. If a step were no longer what its
    chapter asks for, the chapter would compute that itself: the same numbers, without the progress.
    """

    def stage(name: str, call: Callable[..., Any], *splits: str, together: int = 1) -> Stage:
        """A call with the settings of so many categories at a time; their objects are counted."""
        names, steps = settings.categories, []
        for group in (names[i : i + together] for i in range(0, len(names), together)):
            count = sum(len(crops.objects(data, category, split)) for category in group for split in splits)
            steps.append((count, partial(call, data, network, replace(settings, categories=group))))
        return Stage(name, "objects", steps)

    def describe(data: VOC, network: Network, some: classification.Settings) -> None:
        for split in ("train", "val"):
            for feature in (some.layers[0], some.sift[0]):  # the others are computed with them
                features(data, network, *some.categories, split, feature=feature, warp=some.warp)

    if isinstance(settings, visualization.Settings):
        call, images = partial(visualization.reconstruct, data, network, settings), settings.database_images
        steps = [(images, partial(call, layer)) for layer in settings.layers]
        yield Stage("features and neighbours", "images", steps)
    elif isinstance(settings, alignment.Settings):
        yield stage("neighbours and features", alignment.prepare, "train", "val")
        betas = cache(lambda: alignment.validate(data, network, settings)[0])
        yield stage("flows", lambda *some: alignment.errors(*some, betas()), "val")
    elif isinstance(settings, classification.Settings):
        yield stage("features", describe, "train", "val")
        limits = {settings.shown: settings.localised}
        limits |= dict.fromkeys(settings.other_categories, settings.localised_others)
        peaks = partial(category_peaks, data, network, settings)
        yield Stage("localisation", "objects", [(n, partial(peaks, c, n)) for c, n in limits.items()])
    else:
        yield stage("detectors", prediction.mining, "train", together=TOGETHER)
        etas = dict.fromkeys(settings.features, prediction.PAPER_ETA)  # no score depends on them
        yield stage("scores", partial(prediction.errors, etas=etas), "val", together=TOGETHER)


def disk(plan: Plan) -> dict[str, int]:
    """Bytes that the chapters keep in the cache, by what they are, without small parts such as the flows."""
    data, network, align = plan.data, plan.network, plan.settings["alignment"]

    def channels(*layers: str) -> int:
        return sum(network.channels(name) for name in layers)

    pairs = [(category, split) for category in data.categories for split in ("train", "val")]
    objects = {pair: len(crops.objects(data, *pair)) for pair in pairs}
    few, every = alignment.few(align).categories, sum(objects.values())
    studied = sum(objects[pair] for pair in pairs if pair[0] in few)
    visible = sum(classification.keypoints(data, *pair).visible.sum() for pair in pairs)
    detected = sum(objects[pair] * len(data.keypoint_names(pair[0])) for pair in pairs)
    nodes = np.prod(network.output_shape((align.size, align.size), flows.GRID_LAYER))
    layers, radii = {*studies.LAYERS} - {align.convnet_layer}, {*studies.RADII} - {align.radius}
    pooled = np.prod(network.output_shape((INPUT_SIDE, INPUT_SIDE), "pool5")) * channels("pool5")
    size = plan.settings["classification"].size
    columns = [name for name, field in network.receptive_fields.items() if field.size <= size]
    columns += [name for name in columns if name in UNRECTIFIED]
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


def memory(plan: Plan) -> int:
    """Bytes of the largest step, the training of the detectors of `TOGETHER` categories."""
    objects = {c: len(crops.objects(plan.data, c, "train")) for c in plan.data.categories}
    kinds = {c: len(plan.data.keypoint_names(c)) for c in objects}
    largest = []
    for feature, places in _places(plan).items():
        size = SIFT if feature == prediction.SIFT else 4 * plan.network.channels(feature)
        # Features, twice while they are put together or padded; for each keypoint labels, twice, and scores.
        each = sorted(count * places * (2 * size + 6 * kinds[c]) for c, count in objects.items())
        largest.append(sum(each[-TOGETHER:]))
    return max(largest)


def hours(record: Mapping[str, Any], *, objects: int, patches: int) -> list[dict[str, Any]]:
    """The stages of a run recorded by ``ci/rehearse.py``, with their processor ``hours`` on other data.

    Those grow in proportion to the objects or keypoints of both splits, or the patches and images of
    section 2. ``device_share`` is the part that a GPU can do.
    """
    values, parameters = record["values"], record["provenance"]["parameters"]
    factors = dict.fromkeys(("objects", "keypoints"), objects / sum(values["objects"].values()))
    factors |= dict.fromkeys(("images", "patches"), patches / parameters["patches"])
    return [
        {**row, "hours": row["processor_seconds"] * factors.get(row["unit"], 1.0) / 3600}
        for row in values["stages"]
    ]


def _places(plan: Plan) -> dict[str, int]:
    """Kind of feature -> places of the grid that its detectors see."""
    own, network = plan.settings["prediction"], plan.network
    return {f: int(np.prod(prediction.grid(network, f, size=own.size)[1])) for f in own.features.values()}
