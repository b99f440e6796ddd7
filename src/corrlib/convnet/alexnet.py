"""CaffeNet, BVLC AlexNet and torchvision's AlexNet."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from corrlib.convnet.device import device
from corrlib.convnet.layers import LINEAR, Architecture, apply, architecture, receptive_fields, to_numpy
from corrlib.convnet.network import Network, Preprocessing


class AlexNet(Network):
    """CaffeNet, BVLC AlexNet or torchvision's AlexNet, of any width, with fixed weights.

    ValueError if parameters are missing, unknown or of a wrong shape, or the device does not exist.

    Parameters
    ----------
    architecture_name : {"caffenet", "alexnet", "torchvision"}
    parameters : dict of arrays
        ``conv1.weight`` (O, I, k, k), ``conv1.bias`` (O,) ... ``conv5.bias``, and optionally those of fc6,
        fc7 and fc8. They determine the number of channels; groups and kernels must match the architecture.
    preprocessing, source, metadata
        As in `Network`.
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
        self.receptive_fields = receptive_fields(architecture_name)
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
        return f"AlexNet({self.name!r}, {self.architecture.name}, digest {self.digest})"

    def parameters(self, layer: str) -> tuple[Tensor | None, Tensor | None]:
        """Weight and bias of a layer, on the device; None for layers without parameters."""
        return self._tensors.get(f"{layer}.weight"), self._tensors.get(f"{layer}.bias")

    def output_shape(self, shape: tuple[int, int], layer: str) -> tuple[int, int]:
        """Shape ``(H, W)`` of the features of `layer` for images of `shape` ``(H, W)``."""
        return self.architecture.output_shape(shape, layer)

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
