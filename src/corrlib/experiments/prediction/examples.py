"""Objects with their keypoints and the predicted ones, as pictures (paper, Figure 6)."""

from dataclasses import dataclass, replace

import numpy as np

from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments.prediction.evaluation import predict
from corrlib.experiments.prediction.settings import Settings
from corrlib.experiments.shown import clear


@dataclass(frozen=True, eq=False)
class Example:
    """A validation object.

    Attributes
    ----------
    names : Names of its K keypoints.
    image : Its crop ``(size, size, 3)``.
    truth : ``(K, 2)`` in the crop; NaN where invisible.
    predicted, correct
        Method -> ``(K, 2)`` places in the crop, NaN where the keypoint is invisible and not scored; and
        ``(K,)`` whether they are within the tolerance.
    """

    names: tuple[str, ...]
    image: np.ndarray
    truth: np.ndarray
    predicted: dict[str, np.ndarray]
    correct: dict[str, np.ndarray]


def shown(settings: Settings, count: int = 5) -> list[str]:
    """Categories to show: the paper's, or the first ones if there are none of these."""
    paper = ("aeroplane", "cat", "cow", "pottedplant", "horse")
    return [name for name in paper if name in settings.categories] or list(settings.categories[:count])


def examples(data: VOC, network: Network, settings: Settings) -> list[Example]:
    """Draw one of the `clear` objects of each `shown` category, and predict its keypoints."""
    settings = replace(settings, categories=shown(settings))
    rng, result = np.random.default_rng(settings.seed), []
    predicted = {}
    for method in settings.methods[::2]:
        feature = settings.features[method]  # with the weights of `errors`, so that the cache has the places
        (_, predicted[f"{method}+prior"]), _ = predict(data, network, settings, feature, [None, settings.eta])
    for c, category in enumerate(settings.categories):
        objects = crops.objects(data, category, "val")
        row = int(rng.choice(clear(objects)))
        truth = crops.keypoints(objects, settings.size)[row]
        points = {m: np.where(np.isfinite(truth), each[c][row], np.nan) for m, each in predicted.items()}
        one = [objects[row]]
        correct = {
            m: crops.errors(places[None], one, settings.size)[0] < settings.alpha
            for m, places in points.items()
        }
        image = crops.images(data, one, settings.size)[0]
        result.append(Example(data.keypoint_names(category), image, truth, points, correct))
    return result
