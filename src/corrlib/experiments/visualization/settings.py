"""Parameters of the visualization experiment, and the images that they choose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from corrlib import patches
from corrlib.convnet import Network
from corrlib.data import VOC, Instance
from corrlib.experiments.visualization.units import LAYERS, sample, whole_image
from corrlib.geometry import Crop

#: Validation images that are rebuilt and scored.
SCORED = 24
#: Parts that Figure 1 enlarges, like the paper's tires and facial features: words in names of keypoints.
PARTS = ("WheelCenter", "Eye")


@dataclass(frozen=True)
class Settings:
    """Parameters of section 2; the chapter's cell of parameters has the same names and defaults.

    Attributes
    ----------
    layer : Layer whose score the chapter reports; images are rebuilt from it and from `LAYERS`.
    k : Number of neighbours that are averaged; a single neighbour is shown, too.
    database_images
        Training images in which neighbours are searched; `resolve` limits it to the number that exist.
    image_id : The image shown; empty: two of val, as `shown` chooses them.
    seed : Seed for all random choices.
    """

    layer: str = "conv3"
    k: int = 5
    database_images: int = 600
    image_id: str = ""
    seed: int = 0

    def resolve(self, data: VOC, network: Network) -> "Settings":
        """Return these settings with at most as many images in the database as there are.

        ValueError if `k` is less than 1, or the network has no such layer.
        """
        network.field(self.layer)
        if self.k < 1:
            raise ValueError(f"k must be at least 1 neighbour, got {self.k}")
        return replace(self, database_images=min(self.database_images, len(data.image_ids("train"))))

    @property
    def layers(self) -> list[str]:
        """The layers of Figures 1 and 2, and `layer`."""
        return list(dict.fromkeys([*LAYERS, self.layer]))

    @property
    def ks(self) -> list[int]:
        """Numbers of neighbours from which images are rebuilt."""
        return sorted({1, self.k})


def database(data: VOC, settings: Settings) -> list[str]:
    """Training images in which neighbours are searched."""
    return sample(data, "train", settings.database_images, seed=settings.seed)


def scored(data: VOC, settings: Settings) -> list[str]:
    """Validation images that are rebuilt and scored."""
    return sample(data, "val", SCORED, seed=settings.seed)


def shown(data: VOC, settings: Settings) -> list[str]:
    """Images of Figure 1: the chosen one, or two of val.

    These show one object, which is neither truncated nor difficult: the largest with a visible wheel, and the
    largest with a visible eye. Where there is none, the images with the largest objects take their place.
    """
    if settings.image_id:
        return [settings.image_id]
    objects = _objects(data)
    whole = [i for i in objects if len(objects[i]) == 1]
    whole = [i for i in whole if not (objects[i][0].truncated or objects[i][0].difficult)]
    with_part = ([i for i in whole if len(_visible(data, objects[i][0], [part]))] for part in PARTS)
    first = [image_id for images in with_part for image_id in images[:1]]
    return list(dict.fromkeys([*first, *objects, *data.image_ids("val")]))[:2]


def part(data: VOC, image_id: str, side: int) -> np.ndarray:
    """The point ``(x, y)`` of a whole image that Figure 1 enlarges: a keypoint of the largest object.

    Of the visible wheels and eyes, or else of all visible keypoints, it is the one with the highest contrast
    in the patch of that `side` around it. Without any, it is the middle of the object, or of the image.
    """
    image, (height, width) = whole_image(data, image_id), data.image(image_id).shape[:2]
    whole = (-0.5, -0.5, width - 0.5, height - 0.5)
    largest = _objects(data).get(image_id, [])[:1]
    box = np.array(largest[0].box if largest else whole)
    keypoints = [_visible(data, one, words) for one in largest for words in (PARTS, ("",))]
    points = next((each for each in keypoints if len(each)), box.reshape(2, 2).mean(axis=0, keepdims=True))
    points = Crop(whole, image.shape[:2]).points(points)
    contrast = patches.cut(image, points, side).mean(axis=-1).std(axis=(1, 2))
    return points[contrast.argmax()]


def _objects(data: VOC) -> dict[str, list[Instance]]:
    """Validation image -> its objects; images and objects are in order of size, the largest first."""
    result: dict[str, list[Instance]] = {}
    objects = [i for category in data.categories for i in data.instances(category, "val")]
    for each in sorted(objects, key=lambda i: -np.prod(i.box[2:] - i.box[:2])):
        result.setdefault(each.image_id, []).append(each)
    return result


def _visible(data: VOC, instance: Instance, words: Sequence[str]) -> np.ndarray:
    """The visible keypoints ``(n, 2)`` whose names contain one of some words."""
    names = data.keypoint_names(instance.category)
    named = np.array([any(word in name for word in words) for name in names], dtype=bool)
    return instance.keypoints[named & np.isfinite(instance.keypoints).all(axis=1)]
