"""A network with fixed weights: NumPy images in, NumPy features out, computed by torch."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from corrlib.convnet.device import device
from corrlib.convnet.layers import LINEAR, Architecture, apply, architecture, receptive_fields, to_numpy
from corrlib.geometry import ReceptiveField

#: Side of the images that the fully connected layers of all three architectures need.
INPUT_SIDE = 227
#: Images computed at once.
BATCH = 32


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
        x = images.to(torch.float32)
        if self.channels == "bgr":
            x = x.flip(-1)
        x = (x - x.new_tensor(self.mean)) * x.new_tensor(self.scale)
        return x.permute(0, 3, 1, 2)


class Network:
    """CaffeNet, BVLC AlexNet or torchvision's AlexNet, of any width, with fixed weights.

    ValueError if parameters are missing, unknown or of a wrong shape, or the device does not exist.

    Parameters
    ----------
    architecture_name : {"caffenet", "alexnet", "torchvision"}
    parameters : dict of arrays
        ``conv1.weight`` (O, I, k, k), ``conv1.bias`` (O,) ... ``conv5.bias``, and optionally those of fc6,
        fc7 and fc8. They determine the number of channels; groups and kernels must match the architecture.
    preprocessing : Preprocessing
    source : str
        The file that the weights are from, for error messages; its stem is the network's name.
    metadata : dict of str
        The metadata of that file.

    Attributes
    ----------
    receptive_fields : dict of str to ReceptiveField
        Of conv1 ... pool5, in the architecture's order; then, before rectification, of ``conv1 linear`` ...
    digest : str
        16 hex digits of the SHA-256 of architecture, preprocessing and parameters.
    device : torch.device
        Chosen by `corrlib.convnet.device`.
    """

    def __init__(
        self,
        architecture_name: str,
        parameters: dict[str, np.ndarray],
        preprocessing: Preprocessing,
        *,
        source: str = "<memory>",
        metadata: dict[str, str] | None = None,
    ):
        self.architecture: Architecture = architecture(architecture_name)
        self.preprocessing = preprocessing
        self.source = source
        self.metadata = dict(metadata or {})
        self.receptive_fields: dict[str, ReceptiveField] = receptive_fields(architecture_name)
        convolutions = [layer.name for layer in self.architecture.layers if layer.kind == "conv"]
        self.receptive_fields |= {f"{name}{LINEAR}": self.receptive_fields[name] for name in convolutions}
        arrays = {key: np.ascontiguousarray(value, dtype=np.float32) for key, value in parameters.items()}
        self._channels = _check_parameters(self.architecture, arrays, source)
        self.digest = _digest(self.architecture, preprocessing, arrays)
        self.device = device()
        self._tensors = {
            key: torch.from_numpy(value).to(
                self.device,
                memory_format=torch.channels_last if value.ndim == 4 else torch.contiguous_format,
            )
            for key, value in arrays.items()
        }

    def __repr__(self) -> str:
        return f"Network({self.name!r}, {self.architecture.name}, digest {self.digest})"

    @property
    def name(self) -> str:
        """Stem of the weights' file name."""
        return PurePath(self.source).stem

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

    def parameters(self, layer: str) -> tuple[Tensor | None, Tensor | None]:
        """Weight and bias of a layer, on the device; None for layers without parameters."""
        return self._tensors.get(f"{layer}.weight"), self._tensors.get(f"{layer}.bias")

    def output_shape(self, shape: tuple[int, int], layer: str) -> tuple[int, int]:
        """Shape ``(H, W)`` of the features of `layer` for images of `shape` ``(H, W)``."""
        return self.architecture.output_shape(shape, layer)

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

    @torch.inference_mode()
    def activations(
        self, images: np.ndarray, layers: Sequence[str], *, dense: bool = False
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Yield each of `layers` with its features of `images` ``(N, H, W, 3)``, all computed at once.

        If `dense`, every layer has stride one, and its window is dilated by the strides of those before it.
        """
        x, dilation = self.preprocessing(torch.from_numpy(np.array(images)).to(self.device)), 1
        last = max(map(self.architecture.index, layers))
        for step in self.architecture.layers[: last + 1]:
            parameters = self.parameters(step.name)
            if dense:
                shifted = replace(step, stride=1, padding=step.padding * dilation, ceil=False)
                x, dilation = apply(shifted, x, *parameters, dilation), dilation * step.stride
            else:
                x = apply(step, x, *parameters)
            if (linear := f"{step.name}{LINEAR}") in layers:
                yield linear, to_numpy(x, linear, self.source)
            x = functional.relu(x, inplace=linear not in layers) if step.rectified else x
            if step.name in layers:
                yield step.name, to_numpy(x, step.name, self.source)


def _check_parameters(net: Architecture, arrays: dict[str, np.ndarray], source: str) -> dict[str, int]:
    """Channels of every layer; ValueError if the arrays are not those of a network of this architecture."""
    present = {key.partition(".")[0] for key in arrays}
    expected_shapes, channels, last = {}, {}, 3
    for layer in net.layers:
        if layer.kind in ("conv", "fc") and (layer.kind == "conv" or layer.name in present):
            inputs = last * (6 * 6 if layer.name == "fc6" else 1)
            window = (layer.kernel, layer.kernel) if layer.kind == "conv" else ()
            outputs, *_ = (*np.shape(arrays.get(f"{layer.name}.weight")), 0)
            expected_shapes[f"{layer.name}.weight"] = (outputs, inputs // layer.groups, *window)
            expected_shapes[f"{layer.name}.bias"] = (outputs,)
            if inputs % layer.groups or outputs % layer.groups:
                raise ValueError(
                    f"{source}: the {layer.groups} groups of {layer.name} do not divide its {inputs} inputs"
                    f" and {outputs} outputs"
                )
            last = outputs
        if layer.kind != "fc" or layer.name in present:
            channels[layer.name] = last
    for key, shape in expected_shapes.items():
        found = arrays[key].shape if key in arrays else "nothing"
        if found != shape:
            raise ValueError(f"{source}: expected {key} of shape {shape} for {net.name}, found {found}")
        if not np.isfinite(arrays[key]).all():
            raise ValueError(f"{source}: {key} holds NaN or infinity: the weights are corrupt or diverged")
    if unknown := sorted(set(arrays) - set(expected_shapes)):
        raise ValueError(f"{source}: parameters {', '.join(unknown)} do not belong to {net.name}")
    return channels


def _digest(net: Architecture, preprocessing: Preprocessing, arrays: dict[str, np.ndarray]) -> str:
    sha = hashlib.sha256(json.dumps([net.name, asdict(preprocessing)]).encode())
    for key in sorted(arrays):
        sha.update(f"{key} {arrays[key].shape}".encode())
        sha.update(arrays[key].astype("<f4").tobytes())
    return sha.hexdigest()[:16]
