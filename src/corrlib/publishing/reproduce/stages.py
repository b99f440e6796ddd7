"""What takes long in the chapters, in steps whose results the cache keeps, where the chapters find them.

If a step were no longer what its chapter asks for, the chapter would compute that itself: the same numbers,
but without the progress of the steps.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments import alignment, classification, prediction, visualization
from corrlib.experiments.classification.features import features

#: Categories whose detectors are trained at a time: all features of their objects are in memory.
TOGETHER = 2


class Stage(NamedTuple):
    """Work in steps ``(count, call)``, each of which is kept on disk when it returns; ``unit`` is counted."""

    name: str
    unit: str
    steps: list[tuple[int, Callable[[], Any]]]


def stages(data: VOC, network: Network, settings: Any) -> Iterator[Stage]:
    """Yield the stages of a chapter, given the ``Settings`` of its experiment; nothing is computed here."""
    by_experiment = {
        visualization.Settings: _visualization,
        alignment.Settings: _alignment,
        classification.Settings: _classification,
        prediction.Settings: _prediction,
    }
    return by_experiment[type(settings)](data, network, settings)


def _visualization(data: VOC, network: Network, settings: visualization.Settings) -> Iterator[Stage]:
    call, images = partial(visualization.reconstruct, data, network, settings), settings.database_images
    steps = [(images, partial(call, layer)) for layer in settings.layers]
    yield Stage("features and neighbours", "images", steps)


def _alignment(data: VOC, network: Network, settings: alignment.Settings) -> Iterator[Stage]:
    prepare = partial(alignment.prepare, data, network)
    yield Stage("neighbours and features", "objects", _steps(data, settings, prepare, "train", "val"))
    betas = cache(lambda: alignment.validate(data, network, settings)[0])
    align = _steps(data, settings, lambda some: alignment.errors(data, network, some, betas()), "val")
    yield Stage("flows", "objects", align)


def _classification(data: VOC, network: Network, settings: classification.Settings) -> Iterator[Stage]:
    def describe(some: classification.Settings) -> None:
        for split in ("train", "val"):
            for feature in (some.layers[0], some.sift[0]):  # the others are computed with them
                features(data, network, *some.categories, split, feature=feature, sampling=some.sampling)

    yield Stage("features", "objects", _steps(data, settings, describe, "train", "val"))
    # The first step is the category that is shown; each of the others is one category more.
    nested = [replace(settings, others=count) for count in range(len(settings.other_categories) + 1)]
    counts = [settings.localised, *(settings.localised_others for _ in nested[1:])]
    calls = [partial(classification.peaks, data, network, some) for some in nested]
    yield Stage("localisation", "objects", list(zip(counts, calls, strict=True)))


def _prediction(data: VOC, network: Network, settings: prediction.Settings) -> Iterator[Stage]:
    train = partial(prediction.mining, data, network)
    yield Stage("detectors", "objects", _steps(data, settings, train, "train", size=TOGETHER))
    etas = dict.fromkeys(settings.features, prediction.PAPER_ETA)  # no score depends on them
    score = partial(prediction.errors, data, network, etas=etas)
    yield Stage("scores", "objects", _steps(data, settings, score, "val", size=TOGETHER))


def _steps(
    data: VOC, settings: Any, call: Callable[[Any], Any], *splits: str, size: int = 1
) -> list[tuple[int, Callable[[], Any]]]:
    """A call with the settings of so many categories at a time, and the number of their objects."""
    result, names = [], settings.categories
    for group in (names[i : i + size] for i in range(0, len(names), size)):
        count = sum(len(crops.objects(data, category, split)) for category in group for split in splits)
        result.append((count, partial(call, replace(settings, categories=group))))
    return result
