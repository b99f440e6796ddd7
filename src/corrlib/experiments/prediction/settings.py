"""Parameters of the prediction experiment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.metrics import ALPHAS

PAPER_ETA = 0.1
#: The kind of feature that is no layer of the network.
SIFT = "sift"


@dataclass(frozen=True)
class Settings:
    """Parameters of section 5; the chapter's cell of parameters has the same names and defaults.

    Attributes
    ----------
    layer : Whose features keypoints are found by, beside SIFT.
    alpha : Tolerance of PCK. No detector depends on it.
    eta : Weight of the prior, 0 (the detector alone) to 1 (the prior alone).
    etas : Beside it the best of these on the training set, below 1, is shown for each kind of feature.
    smoothing : Of the image before SIFT, in bins, as `corrlib.sift.descriptors` has it.
    sigma : Standard deviation of the prior, in pixels of the object crops.
    prior_layer, prior_size
        The neighbour whose keypoints are the prior's means is the nearest by the cosine of this layer, as
        `corrlib.experiments.neighbors` has it, of object crops of so many pixels.
    prior_missing
        Of a keypoint that this neighbour does not show, ``any`` place is as likely; or the prior is that of
        the ``next`` neighbour that does.
    calibrated
        Whether the logistics that make scores probabilities are fitted to held out scores, or plain.
    context : Side in units of the windows of the layer that are joined to one feature.
    stride : Pixels between predictions by the layer. None: the layer's own.
    C, rounds : As `corrlib.hard_negatives.train` has them.
    size : Side in pixels of the object crops.
    studied : Objects of a category on which strides are compared.
    category : A single category; empty: all of the dataset.
    seed
        Of the images that training begins with, of the halves of the training set, and of the objects that
        are shown.
    categories : The categories; `resolve` fills them in.
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
        """The same with the categories and the stride that a dataset and a network give.

        ValueError if the network has no such layer, or its stride is no multiple of `stride`.
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
        """Method of Table 4, without the prior -> the layer, or `SIFT`, that its detectors see."""
        return {self.layer: self.layer, "SIFT": SIFT}

    @property
    def methods(self) -> list[str]:
        """The four methods of Table 4, in its order."""
        return ["SIFT", "SIFT+prior", self.layer, f"{self.layer}+prior"]

    @property
    def alphas(self) -> list[float]:
        """`ALPHAS`, and `alpha`."""
        return list(dict.fromkeys([*ALPHAS, self.alpha]))
