"""What takes long in the four chapters, in steps whose progress can be told.

The chapters ask for the same and find it in the cache. Were a step here no longer what they ask for, they
would compute it themselves: slower to watch, but not wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments.alignment import features as alignment_features
from corrlib.experiments.alignment import flows as alignment_flows
from corrlib.experiments.alignment import scores as alignment_scores
from corrlib.experiments.classification import keypoints, training
from corrlib.experiments.classification import scores as classification_scores
from corrlib.experiments.prediction import grids
from corrlib.experiments.prediction import training as detectors
from corrlib.experiments.visualization import units

#: Categories whose detectors are trained at a time, each in a thread: all features of each are in memory.
TOGETHER = 2
#: Chapter -> its parameters, all of them.
Parameters = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Stage:
    """One kind of work.

    Attributes
    ----------
    chapter, name
        Whose, and what.
    unit
        What is counted.
    steps
        ``(count, call)``: each is kept on disk when it returns.
    """

    chapter: str
    name: str
    unit: str
    steps: list[tuple[int, Callable[[], Any]]]

    @property
    def count(self) -> int:
        """Of all steps."""
        return sum(count for count, _ in self.steps)


def stages(data: VOC, network: Network, parameters: Parameters) -> Iterator[Stage]:
    """Yield the stages in turn: nothing is computed here, and each needs what those before have computed."""
    yield from _visualization(data, network, parameters["visualization"])
    yield from _alignment(data, network, parameters["alignment"])
    yield from _classification(data, network, parameters["classification"])
    yield from _prediction(data, network, parameters["prediction"])


def _visualization(data: VOC, network: Network, p: Mapping[str, Any]) -> Iterator[Stage]:
    database = units.sample(data, "train", p["database_images"], seed=p["seed"])
    shards = [database[i : i + units.SHARD] for i in range(0, len(database), units.SHARD)]
    layers = dict.fromkeys([*units.LAYERS, p["layer"]])
    steps = [(len(s), partial(units.units, data, network, name, s)) for name in layers for s in shards]
    yield Stage("visualization", "features of the database", "images", steps)


def _alignment(data: VOC, network: Network, p: Mapping[str, Any]) -> Iterator[Stage]:
    kinds, steps = (p["layer"], p["radius"]), []
    for c in data.categories:
        own = dict(count=p["neighbors"], layer=p["retrieval_layer"], size=p["size"])
        call = partial(alignment_features.prepare, data, network, [c], kinds, **own)
        steps.append((_count(data, c, "train") + _count(data, c, "val"), call))
    yield Stage("alignment", "neighbours and features", "instances", steps)
    how = dict(count=p["neighbors"], retrieval_layer=p["retrieval_layer"], size=p["size"])
    how |= dict(solver=p["solver"], iterations=p["iterations"], top=p["top"])

    def beta(kind: str | float, categories: Sequence[str]) -> float:
        own = dict(how, feature=kind, limit=p["studied"])
        return alignment_scores.validate(data, network, categories, p["betas"], **own)[0]

    def flows(kind: str | float, category: str) -> None:
        best = beta(kind, data.categories) if p["beta"] is None else p["beta"]
        alignment_scores.flow_errors(data, network, [category], feature=kind, beta=best, **how)

    steps = []
    for c in data.categories:
        few = min(p["studied"], _count(data, c, "train")) * len(p["betas"])
        steps += [(few, partial(beta, kind, [c])) for kind in kinds]
    yield Stage("alignment", "choice of beta", "trials", steps)
    steps = [(_count(data, c, "val"), partial(flows, kind, c)) for kind in kinds for c in data.categories]
    yield Stage("alignment", "flows", "instances", steps)


def _classification(data: VOC, network: Network, p: Mapping[str, Any]) -> Iterator[Stage]:
    square, steps, points = keypoints.Square(p["frame"], p["size"]), [], 0
    for c in data.categories:
        for split in ("train", "val"):
            count = len(keypoints.keypoints(data, c, split).kind)
            points += count * (split == "train")
            for kind in (p["layers"][0], p["radii"][0]):  # all are computed with the first
                call = partial(keypoints.features, data, network, c, split, feature=kind, square=square)
                steps.append((count, call))
    yield Stage("classification", "features", "keypoints", steps)
    wanted = [*p["radii"], *p["layers"], *keypoints.SHARP]
    world = (data, network, data.categories)
    named = partial(classification_scores.classify, *world, C=p["C"], square=square)
    yield Stage("classification", "classifiers", "keypoints", [(points, partial(named, [k])) for k in wanted])
    held = partial(training.validate, *world, Cs=[p["C"]], folds=p["folds"], square=square)
    yield Stage("classification", "validation", "keypoints", [(points, partial(held, [k])) for k in wanted])


def _prediction(data: VOC, network: Network, p: Mapping[str, Any]) -> Iterator[Stage]:
    how = {name: p[name] for name in ("context", "C", "rounds", "seed", "size")}
    groups = [data.categories[i : i + TOGETHER] for i in range(0, len(data.categories), TOGETHER)]

    def count(group: Sequence[str], split: str) -> int:
        return sum(_count(data, category, split) for category in group)

    for name, kind in (("conv", p["layer"]), ("SIFT", grids.SIFT)):
        train = partial(detectors.train, data, network, feature=kind, **how)
        score = partial(detectors.scores, data, network, split="val", feature=kind, **how)
        steps = [(count(group, "train"), partial(grids.each, train, group)) for group in groups]
        yield Stage("prediction", f"detectors, {name}", "instances", steps)
        steps = [(count(group, "val"), partial(grids.each, score, group)) for group in groups]
        yield Stage("prediction", f"responses, {name}", "instances", steps)


def _count(data: VOC, category: str, split: str) -> int:
    return len(crops.visible(data, category, split))


def release() -> None:
    """Forget the images and features that stages keep in memory for each other."""
    crops.all_images.cache_clear()
    alignment_flows._scaled.cache_clear()
