"""The network: NumPy images in, NumPy features out, torch in between."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from corrlib.convnet.device import device
from corrlib.convnet.layers import Architecture, apply, architecture, receptive_fields, to_numpy
from corrlib.geometry import ReceptiveField

__all__ = ["INPUT_SIDE", "Network", "Preprocessing"]

# Side of the images that the fully connected layers of all three architectures accept.
INPUT_SIDE = 227


@dataclass(frozen=True)
class Preprocessing:
    """How uint8 RGB becomes the network's input: ``(channels of the image - mean) * scale``.

    Parameters
    ----------
    channels : "bgr" or "rgb"
        Channel order of the network's input; `mean` and `scale` are in this order.
    mean : (3,) floats
        Subtracted, in units of 0..255.
    scale : (3,) floats
        Multiplied afterwards.
    """

    channels: str
    mean: tuple[float, float, float]
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self):
        if self.channels not in ("bgr", "rgb") or len(self.mean) != 3 or len(self.scale) != 3:
            raise ValueError(f"expected channels 'bgr' or 'rgb' and three means and scales, got {self}")
        if not np.isfinite([*self.mean, *self.scale]).all():
            raise ValueError(f"means and scales must be finite, got {self}")

    def __call__(self, images: Tensor) -> Tensor:
        """Map `images` ``(N, H, W, 3)`` RGB in 0..255 to ``(N, 3, H, W)`` float32, channels last."""
        x = images.to(torch.float32)
        if self.channels == "bgr":
            x = x.flip(-1)
        x = (x - x.new_tensor(self.mean)) * x.new_tensor(self.scale)
        return x.permute(0, 3, 1, 2)


class Network:
    """CaffeNet, BVLC AlexNet or torchvision's AlexNet, of any width, with fixed weights.

    Parameters
    ----------
    architecture_name : str
        "caffenet", "alexnet" or "torchvision".
    parameters : dict of arrays
        ``conv1.weight`` (O, I, k, k), ``conv1.bias`` (O,) ... ``conv5.bias``, and optionally fc6, fc7, fc8.
        The number of channels of each layer is read from them; groups and kernels must fit the architecture.
    preprocessing : Preprocessing
    source : str
        The file they came from, for error messages; its stem is the network's name.
    metadata : dict of str
        What the file says about itself.

    Attributes
    ----------
    receptive_fields : dict of str to ReceptiveField
        Of conv1 ... pool5, in the architecture's order.
    digest : str
        16 hex digits of the SHA-256 over architecture, preprocessing and parameters.
    device : torch.device
        Where it computes: `corrlib.convnet.device` chose it.

    Raises
    ------
    ValueError
        If parameters are missing, superfluous or of a wrong shape; names the source, the layer and the
        shapes. If there is no such device as `corrlib.convnet.device` is told to use.
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
        return self.source.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the outputs of fc8, as recorded with the weights; empty if they are not."""
        return tuple(json.loads(self.metadata.get("categories", "[]")))

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that there are weights for, from conv1 to, maybe, fc8."""
        return tuple(self._channels)

    def channels(self, layer: str) -> int:
        """Number of channels of `layer`."""
        self.architecture.index(layer)
        if layer not in self._channels:
            raise ValueError(f"{self.source}: the weights have no layer {layer!r}")
        return self._channels[layer]

    def parameters(self, layer: str) -> tuple[Tensor | None, Tensor | None]:
        """Weight and bias of a layer, on the device; None for a layer that has none."""
        return self._tensors.get(f"{layer}.weight"), self._tensors.get(f"{layer}.bias")

    def output_shape(self, shape: tuple[int, int], layer: str) -> tuple[int, int]:
        """Shape ``(H, W)`` of the features of `layer` for images of `shape` ``(H, W)``."""
        return self.architecture.output_shape(shape, layer)

    def features(
        self, images: np.ndarray, layer: str, *, batch_size: int = 32, progress: bool = False
    ) -> np.ndarray:
        """Activations of one layer (conv layers: rectified) for images of any size from the receptive field
        on.

        Parameters
        ----------
        images : array (N, H, W, 3) or (H, W, 3) uint8 RGB
            May be memory mapped: one batch is read at a time.
        layer : str
            A convolution, pooling or normalisation layer, "conv1" ... "pool5".
        batch_size : int
            Images computed at once.
        progress : bool
            Show a progress bar.

        Returns
        -------
        array (N, h, w, C) or (h, w, C) float32
            Unit ``[i, j]`` is centred on ``receptive_fields[layer].centers((h, w))[i, j]``.

        Raises
        ------
        ValueError
            For an unknown layer (listing the known ones), a wrong array, or images smaller than the receptive
            field; if the weights are such that features are not finite.
        """
        if layer not in self.receptive_fields:
            known = ", ".join(self.receptive_fields)
            raise ValueError(
                f"features: unknown layer {layer!r} of {self.architecture.name}; known layers: {known}"
            )
        images, single = _check_images(images)
        size = self.receptive_fields[layer].size
        if min(images.shape[1:3]) < size:
            raise ValueError(
                f"features: images of {images.shape[1]} x {images.shape[2]} are smaller than the receptive"
                f" field of {layer} ({size} x {size}); enlarge them or choose an earlier layer"
            )
        grid = self.output_shape(images.shape[1:3], layer)
        result = np.empty((len(images), *grid, self.channels(layer)), dtype=np.float32)
        for part in _batches(len(images), batch_size, progress, layer):
            result[part] = self._forward(images[part], layer)
        return result[0] if single else result

    def fc7(self, images: np.ndarray, *, batch_size: int = 64, progress: bool = False) -> np.ndarray:
        """Rectified activations of fc7, ``(N, D)`` float32 (``(D,)`` for one image), of 227 x 227 images.

        The paper retrieves neighbours by them (section 3). ValueError if the weights have no fully connected
        layers or the images another size.
        """
        return self._fully_connected(images, "fc7", batch_size, progress)

    def fc8(self, images: np.ndarray, *, batch_size: int = 64, progress: bool = False) -> np.ndarray:
        """Class scores before the softmax, ``(N, K)`` float32 (or ``(K,)``), of 227 x 227 images."""
        return self._fully_connected(images, "fc8", batch_size, progress)

    def _fully_connected(self, images: np.ndarray, layer: str, batch_size: int, progress: bool) -> np.ndarray:
        if layer not in self._channels:
            raise ValueError(
                f"{self.source}: the weights have no {layer}; retrieve by the features of pool5 instead"
            )
        images, single = _check_images(images)
        if images.shape[1:3] != (INPUT_SIDE, INPUT_SIDE):
            raise ValueError(
                f"{layer}: expected images of {INPUT_SIDE} x {INPUT_SIDE} pixels, got"
                f" {images.shape[1]} x {images.shape[2]}; warp them first (geometry.Crop)"
            )
        result = np.empty((len(images), self._channels[layer]), dtype=np.float32)
        for part in _batches(len(images), batch_size, progress, layer):
            result[part] = self._forward(images[part], layer)
        return result[0] if single else result

    @torch.inference_mode()
    def _forward(self, images: np.ndarray, layer: str) -> np.ndarray:
        x = self.preprocessing(torch.from_numpy(np.array(images)).to(self.device))
        for step in self.architecture.layers[: self.architecture.index(layer) + 1]:
            x = apply(step, x, *self.parameters(step.name))
        return to_numpy(x, layer, self.source)


def _batches(count: int, batch_size: int, progress: bool, label: str):
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    starts = tqdm(range(0, count, batch_size), desc=label, unit="batch", disable=not progress)
    return (slice(start, start + batch_size) for start in starts)


def _check_images(images: np.ndarray) -> tuple[np.ndarray, bool]:
    single = np.ndim(images) == 3
    images = images[None] if single else images
    if np.ndim(images) != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(
            "expected images (N, H, W, 3) or (H, W, 3) uint8 RGB, got"
            f" {np.shape(images)} {getattr(images, 'dtype', '')}"
        )
    return images, single


def _check_parameters(net: Architecture, arrays: dict[str, np.ndarray], source: str) -> dict[str, int]:
    """Channels of every layer; ValueError unless the arrays are exactly a network of this architecture."""
    present = {key.partition(".")[0] for key in arrays}
    expected_shapes, channels, last = {}, {}, 3
    for layer in net.layers:
        if layer.kind in ("conv", "fc") and (layer.kind == "conv" or layer.name in present):
            weight = arrays.get(f"{layer.name}.weight")
            if weight is None:
                raise ValueError(
                    f"{source}: no weights for {layer.name}; expected a {net.name} with conv1 ... conv5"
                )
            inputs = last * (6 * 6 if layer.name == "fc6" else 1)
            window = (layer.kernel, layer.kernel) if layer.kind == "conv" else ()
            outputs = weight.shape[0] if weight.ndim else 0
            expected_shapes[f"{layer.name}.weight"] = (outputs, inputs // layer.groups, *window)
            expected_shapes[f"{layer.name}.bias"] = (outputs,)
            if inputs % layer.groups or outputs % layer.groups:
                raise ValueError(
                    f"{source}: the {layer.groups} groups of {layer.name} do not divide its {inputs} inputs"
                    f" and {outputs} outputs (weights of shape {weight.shape})"
                )
            last = outputs
        if layer.kind != "fc" or layer.name in present:
            channels[layer.name] = last
    for key, shape in expected_shapes.items():
        if key not in arrays or arrays[key].shape != shape:
            found = arrays[key].shape if key in arrays else "nothing"
            raise ValueError(f"{source}: expected {key} of shape {shape} for {net.name}, found {found}")
        if not np.isfinite(arrays[key]).all():
            raise ValueError(f"{source}: {key} holds NaN or infinity: the weights are damaged or diverged")
    if unknown := sorted(set(arrays) - set(expected_shapes)):
        raise ValueError(f"{source}: parameters {', '.join(unknown)} do not belong to {net.name}")
    return channels


def _digest(net: Architecture, preprocessing: Preprocessing, arrays: dict[str, np.ndarray]) -> str:
    sha = hashlib.sha256(json.dumps([net.name, asdict(preprocessing)]).encode())
    for key in sorted(arrays):
        sha.update(f"{key} {arrays[key].shape}".encode())
        sha.update(arrays[key].astype("<f4").tobytes())
    return sha.hexdigest()[:16]
