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
#: How a keypoint is predicted that some of the neighbours do not show.
MISSING = ("most", "any", "next")


@dataclass(frozen=True)
class Settings:
    """Parameters of section 3; the chapter's cell of parameters has the same names and defaults.

    Attributes
    ----------
    layer : Convolution layer to align by, or ``sift``: then the chapter reports SIFT, beside conv4.
    radius, smoothing : Of SIFT, as `corrlib.sift.Sift` has them.
    alpha : Tolerance of PCK. No flow depends on it.
    beta
        Weight of the squared difference, in pixels, between the displacements of neighbouring nodes, for
        features of RMS norm 1. None: the best of `betas` on the training set, for each flow.
    betas
        That are tried on the training set, ascending. If the best is the first or the last, so are more
        beyond it.
    validated : Training objects of a category on which these are tried.
    neighbors : Training objects that each object is aligned with; fewer if there are no more.
    top : Aligned neighbours whose keypoints' median is the prediction.
    missing
        What becomes of a keypoint that some of these do not show, one of `MISSING`: it is predicted only if
        ``most`` of them show it; the median is of ``any`` that show it; or the ``next`` neighbours in the
        order that show it take their places.
    copy_top, copy_missing : `top` and `missing` of NN transfer.
    size : Side in pixels of the object crops.
    solver, iterations : As `corrlib.mrf.solve` has them.
    studied : Objects of a category in the side studies, and twice as many in some.
    read : Objects of a category for which other readings of the paper are tried.
    category : A single category; empty: all of the dataset.
    seed : Of the objects that are shown.
    retrieval_layer
        By whose cosine neighbours are near, as `corrlib.experiments.neighbors` has it. Empty: fc7, or ``conv5
        mean`` of a network without it.
    categories : The categories; `resolve` fills them in.
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
        """The same with the categories and the retrieval layer that a dataset and a network give.

        ValueError if the network has no such layer.
        """
        network.field(self.convnet_layer)
        categories = crops.categories(data, self.category)
        layer = self.retrieval_layer or default_layer(network)
        return replace(self, categories=categories, retrieval_layer=layer)

    @property
    def convnet_layer(self) -> str:
        """The layer that convnet flow aligns by."""
        return "conv4" if self.layer == "sift" else self.layer

    @property
    def features(self) -> dict[str, str | Sift]:
        """Method of Table 2 -> the layer, or the kind of SIFT, that it aligns by."""
        kind = Sift(self.radius, self.smoothing)
        sift = "SIFT flow" if self.radius == 20 else f"SIFT flow, radius {self.radius:g}"
        return {f"{self.convnet_layer} flow": self.convnet_layer, sift: kind}

    @property
    def alphas(self) -> list[float]:
        """The paper's tolerances, and `alpha`."""
        return list(dict.fromkeys([*ALPHAS, self.alpha]))
