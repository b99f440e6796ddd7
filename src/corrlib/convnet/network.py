"""A network with fixed weights: NumPy images in, NumPy features out, computed by torch."""

import copy
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType
from typing import Self

import numpy as np
import torch
from torch import Tensor

from corrlib.convnet.layers import LINEAR
from corrlib.geometry import ReceptiveField

#: Side of the images that the fully connected layers of all three architectures need.
INPUT_SIDE = 227
#: Images computed at once: few enough for their activations to stay in the processor's cache.
BATCH = 8


@dataclass(frozen=True)
class Preprocessing:
    """From uint8 RGB to the network's input: ``(image - mean) * scale`` in each channel.

    Parameters
    ----------
    channels : {"bgr", "rgb"}
        Channel order of the network's input, and of `mean` and `scale`.
    mean : (3,) floats
        In units of 0..255.
    scale : (3,) floats
    """

    channels: str
    mean: tuple[float, float, float]
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self):
        numbers = len(self.mean) == len(self.scale) == 3 and np.isfinite([*self.mean, *self.scale]).all()
        if self.channels not in ("bgr", "rgb") or not numbers:
            raise ValueError(
                f"expected channels 'bgr' or 'rgb' and three finite means and scales, got {self}"
            )

    def __call__(self, images: Tensor) -> Tensor:
        """Map `images` ``(N, H, W, 3)`` RGB in 0..255 to ``(N, 3, H, W)`` float32, channels last."""
        if self.channels == "bgr":
            images = torch.stack(images.unbind(-1)[::-1], dim=-1)  # faster than flipping it
        x = images.to(torch.float32, memory_format=torch.contiguous_format, copy=True)
        rows, width = x.flatten(2), x.shape[2]  # operations on whole rows are faster, too
        rows.sub_(x.new_tensor(self.mean * width)).mul_(x.new_tensor(self.scale * width))
        return x.permute(0, 3, 1, 2)


class Network(ABC):
    """A network with fixed weights, whose layers give a feature for each place of an image.

    `corrlib.convnet.AlexNet` is the paper's network and its relatives; `corrlib.convnet.Module` puts any
    other network in its place.

    Attributes
    ----------
    preprocessing : Preprocessing
    source : str
        The file that the weights are from, for error messages; its stem is the network's name.
    metadata : dict of str
        The metadata of that file.
    receptive_fields : dict of str to ReceptiveField
        Of the layers with a feature map, in order; then, before rectification, of ``conv1 linear`` ...
    digest : str
        16 hex digits of the SHA-256 of everything that determines the features.
    device : torch.device
        Chosen by `corrlib.convnet.device`.
    """

    preprocessing: Preprocessing
    source: str
    metadata: dict[str, str]
    receptive_fields: dict[str, ReceptiveField]
    digest: str
    device: torch.device
    #: conv1 ... conv5 -> the layers of another network that stand for them.
    stands_for: Mapping[str, str] = MappingProxyType({})
    #: The network whose global descriptors find neighbours, if it is another one.
    retriever: "Network | None" = None
    _channels: dict[str, int]

    @abstractmethod
    def output_shape(self, shape: tuple[int, int], layer: str) -> tuple[int, int]:
        """Shape ``(H, W)`` of the features of `layer` for images of `shape` ``(H, W)``."""

    @abstractmethod
    def activations(
        self, images: np.ndarray, layers: Sequence[str], *, dense: bool = False
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Yield each of `layers` with its features of `images` ``(N, H, W, 3)``, all computed at once.

        If `dense`, they have a stride of one pixel, as `corrlib.convnet.dense` says.
        """

    @property
    def name(self) -> str:
        """Stem of the weights' file name."""
        return PurePath(self.source).stem

    def retrieving_by(self, other: "Network") -> Self:
        """This network, with neighbours found by global descriptors of another one; its digest says so."""
        result = copy.copy(self)
        result.retriever = other
        result.digest = hashlib.sha256(f"{self.digest} {other.digest}".encode()).hexdigest()[:16]
        return result

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the outputs of fc8, if they are recorded with the weights."""
        return tuple(json.loads(self.metadata.get("categories", "[]")))

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, from conv1 to pool5 or, if there are weights for them, fc8."""
        return tuple(self._channels)

    def field(self, layer: str) -> ReceptiveField:
        """The receptive field of a layer; ValueError if the layer is unknown or fully connected."""
        if layer not in self.receptive_fields:
            layers = ", ".join(self.receptive_fields)
            raise ValueError(f"unknown layer {layer!r}: {self.name} has {layers}")
        return self.receptive_fields[layer]

    def channels(self, layer: str) -> int:
        """Number of channels of `layer`; ValueError if there are no weights for it."""
        name = layer.removesuffix(LINEAR) if layer in self.receptive_fields else layer
        if name not in self._channels:
            known = ", ".join(self.layers)
            raise ValueError(
                f"{self.source}: unknown layer {layer!r}; known layers: {known}; and, before rectification,"
                f" conv1{LINEAR} and so on"
            )
        return self._channels[name]

    def features(self, images: np.ndarray, layer: str) -> np.ndarray:
        """Activations of one layer: those of conv and fc layers, except fc8, are rectified.

        ValueError if the layer is unknown, the images have a wrong type, shape or size, or features are not
        finite.

        Parameters
        ----------
        images : array (N, H, W, 3) or (H, W, 3) uint8 RGB
            At least as large as the layer's receptive field, and 227 x 227 for fully connected layers. May be
            memory mapped: one batch is read at a time.
        layer : str
            One of `layers`; or, say, ``conv4 linear``: the outputs of conv4 before rectification.

        Returns
        -------
        array (N, h, w, C) or (h, w, C) float32; (N, C) or (C,) for fully connected layers
            Unit ``[i, j]`` is centred on ``receptive_fields[layer].centers((h, w))[i, j]``.
        """
        single = np.ndim(images) == 3
        result = self.layer_features(images[None] if single else images, [layer])
        return result[layer][0] if single else result[layer]

    def layer_features(self, images: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """`features` of several layers of `images` ``(N, H, W, 3)``, in one pass: layer -> array."""
        self.check(images, layers, axes=4)
        shapes = {name: (self.channels(name),) for name in layers}
        for name in self.receptive_fields.keys() & shapes:
            shapes[name] = (*self.output_shape(images.shape[1:3], name), self.channels(name))
        result = {name: np.empty((len(images), *shapes[name]), np.float32) for name in layers}
        for start in range(0, len(images), BATCH):
            batch = slice(start, start + BATCH)
            for name, x in self.activations(images[batch], layers):
                result[name][batch] = x
        return result

    def check(self, images: np.ndarray, layers: Sequence[str], *, axes: int) -> None:
        """Raise ValueError unless `layers` can be computed for `images`, an array of so many `axes`."""
        if not layers:
            raise ValueError("expected at least one layer, got none")
        for name in layers:
            self.channels(name)
        if np.ndim(images) != axes or images.shape[-1] != 3 or images.dtype != np.uint8:
            shape = "(N, H, W, 3)" if axes == 4 else "(H, W, 3)"
            given = f"{np.shape(images)} {getattr(images, 'dtype', '')}"
            raise ValueError(f"expected images {shape} uint8 RGB, got {given}")
        height, width = images.shape[-3:-1]
        for name in layers:
            if name not in self.receptive_fields and (height, width) != (INPUT_SIDE, INPUT_SIDE):
                raise ValueError(
                    f"{name}: expected images of {INPUT_SIDE} x {INPUT_SIDE} pixels, got {height} x {width};"
                    " warp them first (geometry.Crop)"
                )
            size = self.receptive_fields.get(name, ReceptiveField()).size
            if min(height, width) < size:
                raise ValueError(
                    f"images of {height} x {width} are smaller than the receptive field of {name}"
                    f" ({size} x {size}); enlarge them or choose an earlier layer"
                )
