"""Parameters of the alignment experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC
from corrlib.experiments.neighbors import default_layer
from corrlib.metrics import ALPHAS

__all__ = ["ALPHAS", "PAPER_BETA", "Settings"]

PAPER_BETA = 3e-3


@dataclass(frozen=True)
class Settings:
    """Parameters of section 3; the chapter's cell of parameters has the same names and defaults.

    Attributes
    ----------
    layer : Convolution layer to align by, or ``sift``: then the chapter reports SIFT, beside conv4.
    radius : Of SIFT, in pixels.
    alpha : Tolerance of PCK. No flow depends on it.
    beta
        Weight of a squared pixel of difference between the displacements of neighbouring nodes, for features
        of RMS norm 1. None: the best of `betas` on the training set, for each kind of feature.
    betas : To choose from.
    neighbors : Training objects that each object is aligned with; fewer if there are no more.
    top : Aligned keypoints whose median is the prediction.
    size : Side in pixels of the object crops.
    solver, iterations : As `corrlib.mrf.solve` has them.
    studied : Objects of a category in the side studies, and twice as many in some.
    category : A single category; empty: all of the dataset.
    seed : Of the objects that are shown.
    retrieval_layer : By whose cosine neighbours are near; empty: fc7, or pool5 of a network without it.
    categories : The categories; `resolve` fills them in.
    """

    layer: str = "conv4"
    radius: float = 20.0
    alpha: float = 0.1
    beta: float | None = None
    betas: Sequence[float] = (1e-4, 2e-4, 4e-4, 8e-4, 3e-3)
    neighbors: int = 25
    top: int = 5
    size: int = INPUT_SIDE
    solver: str = "trws"
    iterations: int = 100
    studied: int = 4
    category: str = ""
    seed: int = 0
    retrieval_layer: str = ""
    categories: Sequence[str] = ()

    def resolve(self, data: VOC, network: Network) -> Settings:
        """The same with the categories and the retrieval layer that a dataset and a network give."""
        categories = (self.category,) if self.category else tuple(data.categories)
        layer = self.retrieval_layer or default_layer(network)
        return replace(self, categories=categories, retrieval_layer=layer)

    @property
    def convnet_layer(self) -> str:
        """The layer that convnet flow aligns by."""
        return "conv4" if self.layer == "sift" else self.layer

    @property
    def features(self) -> dict[str, str | float]:
        """Method of Table 2 -> the layer, or the radius of SIFT, that it aligns by."""
        sift = "SIFT flow" if self.radius == 20 else f"SIFT flow, radius {self.radius:g}"
        return {f"{self.convnet_layer} flow": self.convnet_layer, sift: self.radius}

    @property
    def alphas(self) -> list[float]:
        """The paper's tolerances, and `alpha`."""
        return list(dict.fromkeys([*ALPHAS, self.alpha]))
