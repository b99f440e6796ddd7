"""Several layers in one pass; features at every pixel (a trous); outputs of a layer before it is rectified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from corrlib.convnet.layers import Layer, apply, to_numpy
from corrlib.convnet.network import INPUT_SIDE, Network
from corrlib.geometry import ReceptiveField

__all__ = ["dense_features", "dense_field", "layer_features", "unrectified"]


def layer_features(
    network: Network, images: np.ndarray, layers: Sequence[str], *, batch_size: int = 32
) -> dict[str, np.ndarray]:
    """Features of several layers in one pass: what `Network.features` gives for each of them.

    Parameters
    ----------
    images
        ``(N, H, W, 3)`` uint8 RGB.
    layers
        Any of the network's.
    batch_size
        Images computed at once.

    Returns
    -------
    dict
        Layer -> ``(N, h, w, C)`` float32; of a fully connected one ``(N, C)``.

    Raises
    ------
    ValueError
        For an unknown layer, a wrong array, images smaller than a receptive field, or not of 227 x 227 pixels
        if a layer is fully connected.
    """
    _check(network, images, layers, dimensions=4)
    found: dict[str, list[np.ndarray]] = {name: [] for name in layers}
    for start in range(0, len(images), batch_size):
        for name, x in _activations(network, images[start : start + batch_size], layers, dense=False):
            found[name].append(x)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def dense_features(network: Network, image: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
    """Features of several layers at stride one, as if the image were shifted pixel by pixel.

    Every layer is evaluated at stride one, and its window spread (dilated) by the strides before it, which
    computes what all shifts have in common once. Zeros of a padded convolution lie where the image ends,
    wherever the unit is: the image is cut, not moved.

    Parameters
    ----------
    image
        ``(H, W, 3)`` uint8 RGB.
    layers
        Convolution, pooling or normalisation layers.

    Returns
    -------
    dict
        Layer -> ``(h, w, C)`` float32, centred where `dense_field` says.

    Raises
    ------
    ValueError
        As `layer_features`.

    Notes
    -----
    Every ``stride``-th feature is that of the network itself, borders included, provided that no pooling
    window is cut off by the image's end (true for sides of 227 plus multiples of 32). Features whose
    receptive field lies inside of the image are those of any crop that holds it.
    """
    _check(network, image, layers, dimensions=3)
    return {name: x[0] for name, x in _activations(network, image[None], layers, dense=True)}


def dense_field(network: Network, layer: str) -> ReceptiveField:
    """Where the features of `dense_features` look: the layer's receptive field at a stride of one pixel."""
    return replace(network.receptive_fields[layer], stride=1)


@torch.inference_mode()
def unrectified(network: Network, layer: str, maps: np.ndarray, units_rc: np.ndarray) -> np.ndarray:
    """Outputs of some units of a convolution layer before rectification: negative ones, too.

    Parameters
    ----------
    layer
        A convolution layer, but for the first.
    maps
        ``(h, w, C)`` features of the layer before it.
    units_rc
        ``(n, 2)`` rows and columns of the units, in the layer's own map.

    Returns
    -------
    array (n, C') float32
        The layer's features are these where they are positive, else 0.

    Raises
    ------
    ValueError
        If the layer is unknown, or no convolution.
    """
    step = network.architecture.layers[network.architecture.index(layer)]
    if step.kind != "conv":
        raise ValueError(f"{layer} is no convolution layer: it does not rectify")
    sides = [(step.padding, step.padding)] * 2
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(maps, [*sides, (0, 0)]), (step.kernel, step.kernel), axis=(0, 1)
    )
    rows, cols = units_rc.T * step.stride
    inputs = torch.from_numpy(windows[rows, cols]).to(network.device)
    return functional.conv2d(inputs, *network.parameters(layer), groups=step.groups)[..., 0, 0].cpu().numpy()


@torch.inference_mode()
def _activations(
    network: Network, images: np.ndarray, layers: Sequence[str], *, dense: bool
) -> Iterator[tuple[str, np.ndarray]]:
    """Those of `layers` that the network computes one after another, as `to_numpy` has them."""
    x = network.preprocessing(torch.from_numpy(np.array(images)).to(network.device))
    dilation, last = 1, max(network.architecture.index(name) for name in layers)
    for step in network.architecture.layers[: last + 1]:
        if dense:
            x = _apply_dense(step, x, *network.parameters(step.name), dilation)
            dilation *= step.stride
        else:
            x = apply(step, x, *network.parameters(step.name))
        if step.name in layers:
            # The next rectification is in place, on its own output: what is handed out stays as it is.
            yield step.name, to_numpy(x, step.name, network.source)


def _apply_dense(
    layer: Layer, x: Tensor, weight: Tensor | None, bias: Tensor | None, dilation: int
) -> Tensor:
    """As `layers.apply`, at stride one, the window's taps `dilation` pixels apart."""
    padding = layer.padding * dilation
    if layer.kind == "conv":
        x = functional.conv2d(x, weight, bias, 1, padding, dilation, layer.groups)
        return functional.relu(x, inplace=True)
    if layer.kind == "pool":
        return functional.max_pool2d(x, layer.kernel, 1, padding, dilation)
    return apply(layer, x)


def _check(network: Network, images: np.ndarray, layers: Sequence[str], *, dimensions: int) -> None:
    fields = network.receptive_fields
    known = network.layers if dimensions == 4 else list(fields)
    if unknown := [name for name in layers if name not in known]:
        raise ValueError(f"unknown layer {unknown[0]!r}; known layers: {', '.join(known)}")
    if not layers:
        raise ValueError(f"no layer was asked for; known layers: {', '.join(known)}")
    if np.ndim(images) != dimensions or images.shape[-1] != 3 or images.dtype != np.uint8:
        shape = "(N, H, W, 3)" if dimensions == 4 else "(H, W, 3)"
        raise ValueError(f"expected {shape} uint8 RGB, got {np.shape(images)} {getattr(images, 'dtype', '')}")
    height, width = images.shape[-3:-1]
    connected = [name for name in layers if name not in fields]
    if connected and (height, width) != (INPUT_SIDE, INPUT_SIDE):
        raise ValueError(
            f"{connected[0]}: expected images of {INPUT_SIDE} x {INPUT_SIDE} pixels, got {height} x {width};"
            " warp them first (geometry.Crop)"
        )
    size = max((fields[name].size for name in layers if name in fields), default=1)
    if min(height, width) < size:
        raise ValueError(
            f"images of {height} x {width} are smaller than a receptive field of {size} x {size}: enlarge"
            " them or choose earlier layers"
        )
