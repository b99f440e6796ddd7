"""The layer lists of CaffeNet, BVLC AlexNet and torchvision's AlexNet, and the computation of one layer.

A layer list is the whole description of a network: receptive fields, output shapes, the checks of a weights
file and the computation itself all follow from it. Rectification is part of the ``conv`` and ``fc`` layers:
``conv4`` means the rectified activations, and ``conv4 linear`` the same before rectification.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from corrlib.geometry import ReceptiveField

#: Ends the name of a convolution layer's outputs before rectification.
LINEAR = " linear"
#: Krizhevsky's local response normalisation: x / (1 + alpha / n * sum of squares of n channels) ** beta.
LRN_SIZE, LRN_ALPHA, LRN_BETA = 5, 1e-4, 0.75


@dataclass(frozen=True)
class Layer:
    """One layer: `kind` is "conv", "pool", "norm" or "fc"; `ceil`: pool partial windows at the end, too."""

    name: str
    kind: str
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    groups: int = 1
    ceil: bool = False

    @property
    def rectified(self) -> bool:
        """Whether its outputs are rectified, as all of convolution and fully connected layers but fc8's."""
        return self.kind in ("conv", "fc") and self.name != "fc8"

    def output_side(self, side: int) -> int:
        """Number of output units along an axis of `side` inputs."""
        if self.kind in ("norm", "fc"):
            return side
        span = side + 2 * self.padding - self.kernel
        return (-(-span // self.stride) if self.ceil else span // self.stride) + 1


@dataclass(frozen=True)
class Architecture:
    """A named layer list, from the image to fc8."""

    name: str
    layers: tuple[Layer, ...]

    def output_shape(self, shape: tuple[int, int], layer: str) -> tuple[int, int]:
        """Shape ``(H, W)`` of the feature map of `layer` for an image of `shape` ``(H, W)``."""
        height, width = shape
        for step in self.layers[: self.index(layer) + 1]:
            height, width = step.output_side(height), step.output_side(width)
        return height, width

    def index(self, layer: str) -> int:
        """Position of `layer`, or of the layer whose linear outputs it names; ValueError if it is unknown."""
        names = [step.name for step in self.layers]
        linear = [f"{step.name}{LINEAR}" if step.kind == "conv" else "" for step in self.layers]
        for known in (names, linear):
            if layer in known:
                return known.index(layer)
        raise ValueError(f"unknown layer {layer!r} of {self.name}; known layers: {', '.join(names)}")


_CAFFENET = [
    Layer("conv1", "conv", 11, 4),
    Layer("pool1", "pool", 3, 2, ceil=True),
    Layer("norm1", "norm"),
    Layer("conv2", "conv", 5, padding=2, groups=2),
    Layer("pool2", "pool", 3, 2, ceil=True),
    Layer("norm2", "norm"),
    Layer("conv3", "conv", 3, padding=1),
    Layer("conv4", "conv", 3, padding=1, groups=2),
    Layer("conv5", "conv", 3, padding=1, groups=2),
    Layer("pool5", "pool", 3, 2, ceil=True),
    *(Layer(name, "fc") for name in ("fc6", "fc7", "fc8")),
]
_CONV1, _POOL1, _NORM1, _CONV2, _POOL2, _NORM2, *_TOP = _CAFFENET
_TORCHVISION = [replace(layer, groups=1, ceil=False) for layer in _CAFFENET if layer.kind != "norm"]
_TORCHVISION[0] = replace(_CONV1, padding=2)

ARCHITECTURES = {
    name: Architecture(name, tuple(layers))
    for name, layers in {
        # The Caffe reference model, the paper's network: pooling before normalisation (footnote 1).
        "caffenet": _CAFFENET,
        # Caffe's replication of AlexNet: normalisation before pooling.
        "alexnet": [_CONV1, _NORM1, _POOL1, _CONV2, _NORM2, _POOL2, *_TOP],
        # torchvision's AlexNet ("one weird trick"): padded conv1, floor pooling, no normalisation, no groups.
        "torchvision": _TORCHVISION,
    }.items()
}


def architecture(name: str) -> Architecture:
    """The architecture called "caffenet", "alexnet" or "torchvision"; ValueError for another name."""
    if name not in ARCHITECTURES:
        raise ValueError(f"unknown architecture {name!r}; known: {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def receptive_fields(name: str) -> dict[str, ReceptiveField]:
    """Receptive fields of the convolution, pooling and normalisation layers of an architecture, in order.

    Those of "caffenet" are the paper's Table 1.
    """
    field, table = ReceptiveField(), {}
    for layer in architecture(name).layers:
        if layer.kind != "fc":
            field = table[layer.name] = field.then(layer.kernel, layer.stride, layer.padding)
    return table


def apply(
    layer: Layer, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, dilation: int = 1
) -> Tensor:
    """Outputs of `layer` before rectification, for `x` ``(N, C, H, W)``, which fc layers flatten."""
    if layer.kind == "conv":
        return functional.conv2d(x, weight, bias, layer.stride, layer.padding, dilation, layer.groups)
    if layer.kind == "pool":
        return functional.max_pool2d(x, layer.kernel, layer.stride, layer.padding, dilation, layer.ceil)
    if layer.kind == "norm":
        return normalize(x)
    return functional.linear(x.flatten(1), weight, bias)


def normalize(x: Tensor) -> Tensor:
    """Local response normalisation across channels of `x` ``(N, C, H, W)``.

    Squares are summed by a 1 x 1 convolution with a band matrix, and the power -3/4 is the product of two
    roots: equal to ``torch.nn.LocalResponseNorm``, two to five times faster on a CPU.
    """
    scale = 1.0 + functional.conv2d(x * x, _band(x.shape[1], x.device))
    root = torch.rsqrt(scale)
    return x * root * torch.sqrt(root)


@lru_cache(maxsize=16)
def _band(channels: int, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # a cached inference tensor could not be used in training later
        index = torch.arange(channels, device=device)
        near = (index[:, None] - index[None, :]).abs() <= LRN_SIZE // 2
        return (near.float() * (LRN_ALPHA / LRN_SIZE))[:, :, None, None]


def to_numpy(x: Tensor, layer: str, source: str) -> np.ndarray:
    """Features as an array ``(N, h, w, C)``, or ``(N, C)`` of a fully connected layer.

    ValueError if they are not finite, which is blamed on the weights from `source`.
    """
    x = (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).cpu()
    if not torch.isfinite(x.amax() - x.amin()):  # twenty times as fast as isfinite of all
        raise ValueError(f"{source}: features of {layer} are not finite: the weights are corrupt or diverged")
    return x.numpy()
