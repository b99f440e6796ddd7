"""Parameters of the visualization experiment, and the images that they choose."""

from dataclasses import dataclass, replace

import numpy as np

from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments.visualization.units import LAYERS, sample

#: Validation images that are rebuilt and scored.
SCORED = 24


@dataclass(frozen=True)
class Settings:
    """Parameters of section 2; the chapter's cell of parameters has the same names and defaults.

    Attributes
    ----------
    layer : Layer whose score the chapter reports; images are rebuilt from it and from `LAYERS`.
    k : Number of neighbours that are averaged; a single neighbour is shown, too.
    database_images
        Training images in which neighbours are searched; `resolve` limits it to the number that exist.
    image_id : The image shown; empty: the two scored validation images with the largest objects.
    seed : Seed for all random choices.
    """

    layer: str = "conv3"
    k: int = 5
    database_images: int = 300
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
    """Images of Figure 1: the chosen one, or the two of the scored images with the largest objects."""
    if settings.image_id:
        return [settings.image_id]
    boxes = _largest_boxes(data)
    return sorted(scored(data, settings), key=lambda image_id: -_area(boxes.get(image_id, np.zeros(4))))[:2]


def object_center(data: VOC, image_id: str) -> np.ndarray:
    """Middle ``(x, y)`` of a validation image's largest object; of the image if it has none."""
    height, width = data.image(image_id).shape[:2]
    whole = np.array([-0.5, -0.5, width - 0.5, height - 0.5])
    return _largest_boxes(data).get(image_id, whole).reshape(2, 2).mean(axis=0)


def _largest_boxes(data: VOC) -> dict[str, np.ndarray]:
    """Validation image -> the box of its largest object."""
    objects = [i for category in data.categories for i in data.instances(category, "val")]
    return {i.image_id: i.box for i in sorted(objects, key=lambda i: _area(i.box))}


def _area(box: np.ndarray) -> float:
    return float(np.prod(box[2:] - box[:2]))
