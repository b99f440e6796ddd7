"""Parameters of the alignment experiment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, crops
from corrlib.experiments.neighbors import default_layer
from corrlib.metrics import ALPHAS
from corrlib.sift import Sift

PAPER_BETA = 3e-3
#: How to predict a keypoint that some of the neighbours do not show.
MISSING = ("most", "any", "next")


@dataclass(frozen=True)
class Settings:
    """Parameters of section 3; the chapter's cell of parameters has the same names and defaults.

    Attributes
    ----------
    layer : Convolution layer to align by; or ``sift``: the chapter then reports SIFT flow, beside conv4.
    radius, smoothing : Parameters of SIFT, as in `corrlib.sift.Sift`.
    alpha : Tolerance of PCK. The flows do not depend on it.
    beta
        Weight of the squared difference, in pixels, between the displacements of neighbouring nodes, for
        features of RMS norm 1. None: the best of `betas` on the training set, for each flow.
    betas
        Values of beta to try on the training set, ascending. If the best value is the first or the last, more
        values beyond it are tried.
    validated : Training objects per category on which these are tried.
    neighbors : Training objects with which each object is aligned; fewer if there are no more.
    top : Number of aligned neighbours over which the median of a keypoint is taken.
    missing
        How to treat a keypoint that some of these do not show, one of `MISSING`: predict it only if ``most``
        of them show it; take the median over ``any`` that show it; or replace those that do not by the
        ``next`` neighbours in the order that show it.
    copy_top, copy_missing : `top` and `missing` for NN transfer.
    size : Side of the object crops in pixels.
    solver, iterations : As in `corrlib.mrf.solve`.
    studied : Objects per category in the additional studies; twice as many in some of them.
    read : Objects per category on which other readings of the paper are tried.
    category : A single category; empty: all categories of the dataset.
    seed : Seed for choosing the objects shown.
    retrieval_layer
        Layer whose cosine similarity finds neighbours, as in `corrlib.experiments.neighbors`. Empty: fc7, or
        ``conv5 mean`` for a network without it.
    categories : The categories, filled in by `resolve`.
    """

    layer: str = "conv4"
    radius: float = 20.0
    smoothing: float = 0.0
    alpha: float = 0.1
    beta: float | None = None
    betas: Sequence[float] = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
    validated: int = 8
    neighbors: int = 25
    top: int = 5
    missing: str = "most"
    copy_top: int = 1
    copy_missing: str = "any"
    size: int = INPUT_SIDE
    solver: str = "bp"
    iterations: int = 100
    studied: int = 4
    read: int = 8
    category: str = ""
    seed: int = 0
    retrieval_layer: str = ""
    categories: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("missing", "copy_missing"):
            if (value := getattr(self, name)) not in MISSING:
                raise ValueError(f"{name} is {value!r}: expected one of {', '.join(MISSING)}")
        if not self.betas or not all(0 < beta < inf for beta in self.betas):
            raise ValueError(f"betas must be one or more positive numbers, got {list(self.betas)}")
        for name in ("top", "copy_top", "neighbors"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.alpha > 0:
            raise ValueError(f"alpha must be positive, got {self.alpha}")

    def resolve(self, data: VOC, network: Network) -> "Settings":
        """Return these settings with the categories of a dataset and the retrieval layer of a network.

        ValueError if the network has no such layer.
        """
        network.field(self.convnet_layer)
        categories = crops.categories(data, self.category)
        layer = self.retrieval_layer or default_layer(network)
        return replace(self, categories=categories, retrieval_layer=layer)

    @property
    def convnet_layer(self) -> str:
        """The layer by which convnet flow aligns."""
        return "conv4" if self.layer == "sift" else self.layer

    @property
    def features(self) -> dict[str, str | Sift]:
        """Method of Table 2 -> the layer, or the kind of SIFT, by which it aligns."""
        kind = Sift(self.radius, self.smoothing)
        sift = "SIFT flow" if self.radius == 20 else f"SIFT flow, radius {self.radius:g}"
        return {f"{self.convnet_layer} flow": self.convnet_layer, sift: kind}

    @property
    def alphas(self) -> list[float]:
        """The paper's tolerances, and `alpha`."""
        return list(dict.fromkeys([*ALPHAS, self.alpha]))
