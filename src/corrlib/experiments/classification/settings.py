"""Parameters of the classification experiment, and the types of features that it compares."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from corrlib.convnet import INPUT_SIDE, LINEAR, Network
from corrlib.data import VOC, Instance, crops
from corrlib.geometry import Crop
from corrlib.sift import SCALE_SPACE, Sift

#: The paper's radii of SIFT, in pixels.
RADII = (10.0, 20.0, 40.0, 80.0, 160.0)
#: A type of feature: a layer of the network, or SIFT. Its label is its ``str``.
Feature = str | Sift


class Sampling(NamedTuple):
    """How features are computed.

    The ``box`` of an object, or its whole ``image``, is warped to a square of `size` pixels. Outputs of
    convolution layers are taken after rectification or before it.
    """

    frame: str
    size: int
    rectified: bool = True

    def layer(self, name: str) -> str:
        """The network's name for the outputs of a layer that are used."""
        return name if self.rectified or not name.startswith("conv") else name.removesuffix(LINEAR) + LINEAR

    def crop(self, instance: Instance, shape: tuple[int, int], margin: int = 0) -> Crop:
        """The crop in an image of `shape` ``(H, W)``, with `margin` pixels more on each side."""
        height, width = shape
        box = np.array([-0.5, -0.5, width - 0.5, height - 0.5]) if self.frame == "image" else instance.box
        beyond = margin / self.size * (box[2:] - box[:2])
        side = self.size + 2 * margin
        return Crop((*(box[:2] - beyond), *(box[2:] + beyond)), (side, side))


@dataclass(frozen=True)
class Settings:
    """Parameters of section 4; the chapter's cell of parameters has the same names and defaults.

    Attributes
    ----------
    layers, radii : Convolution layers, and radii of SIFT (sides of its bins) in pixels, to compare.
    C : Regularisation parameter of the SVMs, for features of RMS norm 512.
    Cs : Values of C to compare by cross validation; `resolve` adds `C` to them.
    folds : Number of folds of the cross validation over the training images of each category.
    average
        Average accuracy over ``keypoints``; or over ``types``, after averaging within each keypoint type.
    rectified, frame, size : As in `Sampling`.
    category : A single category; empty: all categories of the dataset.
    shown : Category of the paper's Figures 4 and 5; the first category if the dataset lacks it.
    pointed : Keypoints of this category in Figure 4; the first two if it has none of these.
    localised
        Maximum number of its objects in the study of fine localisation; `localised_others` objects of each of
        `others` other categories are added.
    chosen : Number of categories whose cross validation chooses the best features.
    seed : Seed for drawing subsets of the training images.
    categories : The categories, filled in by `resolve`.
    """

    layers: Sequence[str] = ("conv1", "conv2", "conv3", "conv4", "conv5")
    radii: Sequence[float] = RADII
    C: float = 1e-6
    Cs: Sequence[float] = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4)
    folds: int = 5
    average: str = "keypoints"
    rectified: bool = False
    frame: str = "box"
    size: int = INPUT_SIDE
    category: str = ""
    shown: str = "cat"
    pointed: Sequence[str] = ("L_Eye", "Nose")
    localised: int = 40
    others: int = 8
    localised_others: int = 3
    chosen: int = 10
    seed: int = 0
    categories: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.frame not in ("box", "image"):
            raise ValueError(f"frame must be 'box' or 'image', got {self.frame!r}")
        if self.average not in ("keypoints", "types"):
            raise ValueError(f"average must be 'keypoints' or 'types', got {self.average!r}")
        if self.size < 1:
            raise ValueError(f"the size of object crops must be at least 1, got {self.size}")

    def resolve(self, data: VOC, network: Network) -> "Settings":
        """Return these settings with the categories of a dataset, `shown` among them, and `C` among `Cs`.

        ValueError if the network has no such layer.
        """
        for layer in self.layers:
            network.field(layer)
        categories = crops.categories(data, self.category)
        shown = self.shown if self.shown in categories else categories[0]
        return replace(self, categories=categories, shown=shown, Cs=sorted({*self.Cs, self.C}))

    @property
    def sampling(self) -> Sampling:
        """How features are computed."""
        return Sampling(self.frame, self.size, self.rectified)

    @property
    def sift(self) -> list[Sift]:
        """SIFT of each of the radii."""
        return [Sift(float(radius)) for radius in self.radii]

    @property
    def smoothed(self) -> list[Sift]:
        """The same, of images smoothed as in SIFT's scale space."""
        return [kind._replace(smoothing=SCALE_SPACE) for kind in self.sift]

    @property
    def features(self) -> list[Feature]:
        """The features of Table 3: SIFT, then the layers."""
        return [*self.sift, *self.layers]

    @property
    def validated_categories(self) -> list[str]:
        """Categories, evenly spaced, whose cross validation chooses the best features."""
        return self._evenly_spaced[: self.chosen]

    @property
    def other_categories(self) -> list[str]:
        """Categories, evenly spaced, whose objects are localised in addition to those of `shown`."""
        return [name for name in self._evenly_spaced if name != self.shown][: self.others]

    @property
    def _evenly_spaced(self) -> list[str]:
        return crops.subset(self.categories, len(self.categories))
