"""Parameters of the prediction experiment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.metrics import ALPHAS

PAPER_ETA = 0.1
#: The kind of feature that is not a layer of the network.
SIFT = "sift"


@dataclass(frozen=True)
class Settings:
    """Parameters of section 5; the chapter's cell of parameters has the same names and defaults.

    Attributes
    ----------
    layer : Layer whose features the detectors use; they are compared with SIFT.
    alpha : Tolerance of PCK. The detectors do not depend on it.
    eta : Weight of the prior, from 0 (the detector alone) to 1 (the prior alone).
    etas : Values below 1; the best on the training set for each kind of feature is shown beside `eta`.
    smoothing : Smoothing of the image before SIFT, in bins, as in `corrlib.sift.descriptors`.
    sigma : Standard deviation of the prior, in pixels of the object crops.
    prior_layer, prior_size
        The means of the prior are the keypoints of the nearest neighbour by the cosine of this layer, as in
        `corrlib.experiments.neighbors`, computed on object crops of this size in pixels.
    prior_missing
        If this neighbour does not show a keypoint, ``any`` place is as likely; or the prior is that of the
        ``next`` neighbour that does.
    calibrated
        Whether scores become probabilities by logistics fitted to held-out scores, or by the plain logistic.
    context : Side in units of the windows of the layer that are concatenated into one feature.
    stride : Pixels between the positions that detectors of the layer score. None: the layer's own stride.
    C, rounds : As in `corrlib.hard_negatives.train`.
    size : Side of the object crops in pixels.
    studied : Objects per category on which strides are compared.
    category : A single category; empty: all categories of the dataset.
    seed
        Seed for the images with which training begins, for the halves of the training set, and for choosing
        the objects shown.
    categories : The categories, filled in by `resolve`.
    """

    layer: str = "conv5"
    alpha: float = 0.1
    eta: float = PAPER_ETA
    etas: Sequence[float] = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
    smoothing: float = 0.0
    sigma: float = 22.0
    prior_layer: str = "pool5"
    prior_size: int = 500
    prior_missing: str = "any"
    calibrated: bool = True
    context: int = 3
    stride: int | None = None
    C: float = 1e-6
    rounds: int = 200
    size: int = 500
    studied: int = 4
    category: str = ""
    seed: int = 0
    categories: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.prior_missing not in ("any", "next"):
            raise ValueError(f"prior_missing must be 'any' or 'next', got {self.prior_missing!r}")
        if not self.alpha > 0:
            raise ValueError(f"alpha must be positive, got {self.alpha}")
        if not 0 <= self.eta <= 1:
            raise ValueError(f"eta must be 0 (the detector alone) to 1 (the prior alone), got {self.eta}")
        if not self.etas or not all(0 <= eta < 1 for eta in self.etas):
            raise ValueError(
                f"etas must be one or more numbers from 0 to below 1, got {list(self.etas)}: 1 leaves no"
                " detector, and the prior alone has a row of its own"
            )

    def resolve(self, data: VOC, network: Network) -> "Settings":
        """Return these settings with the categories of a dataset and the stride of a network.

        ValueError if the network has no such layer, or its stride is not a multiple of `stride`.
        """
        own = network.field(self.layer).stride
        allowed = [stride for stride in range(1, own + 1) if own % stride == 0]
        if self.stride is not None and self.stride not in allowed:
            raise ValueError(
                f"a stride of {self.stride} pixels does not divide that of {self.layer}, {own}: expected one"
                f" of {', '.join(map(str, allowed))}"
            )
        categories = crops.categories(data, self.category)
        return replace(self, categories=categories, stride=self.stride or own)

    @property
    def features(self) -> dict[str, str]:
        """Method of Table 4 without the prior -> the layer, or `SIFT`, that its detectors use."""
        return {self.layer: self.layer, "SIFT": SIFT}

    @property
    def methods(self) -> list[str]:
        """The four methods of Table 4, in its order."""
        return ["SIFT", "SIFT+prior", self.layer, f"{self.layer}+prior"]

    @property
    def alphas(self) -> list[float]:
        """`ALPHAS`, and `alpha`."""
        return list(dict.fromkeys([*ALPHAS, self.alpha]))
