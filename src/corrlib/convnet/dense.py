"""Features at every pixel, by dilated convolutions."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional

from corrlib.convnet.layers import LINEAR, apply, to_numpy
from corrlib.convnet.network import Network
from corrlib.geometry import ReceptiveField


@torch.inference_mode()
def dense_features(network: Network, image: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
    """Features of several layers at a stride of one pixel, as if the image were shifted pixel by pixel.

    Every layer is evaluated at stride one, with its window dilated by the strides of the layers before it:
    what the shifts have in common is computed once. Zero padding starts at the border of the image, for all
    units alike, as if the image were cropped rather than shifted.

    ValueError as in `Network.features`.

    Parameters
    ----------
    image : array (H, W, 3) uint8 RGB
    layers : sequence of str
        Convolution, pooling or normalisation layers.

    Returns
    -------
    dict
        Layer -> array (h, w, C) float32, centred as `dense_field` says.

    Notes
    -----
    Every ``stride``-th feature is that of the network itself, borders included, unless a pooling window is
    cut off at the end of the image (none is for sides of 227 plus multiples of 32). Features whose receptive
    field lies inside the image are those of any crop that contains it.
    """
    network.check(image, layers, axes=3)
    if connected := [name for name in layers if name not in network.receptive_fields]:
        raise ValueError(f"{connected[0]} is fully connected: it has no dense features")
    x, dilation, result = network.input(image[None]), 1, dict.fromkeys(layers)
    for step in network.architecture.layers[: max(map(network.architecture.index, layers)) + 1]:
        shifted = replace(step, stride=1, padding=step.padding * dilation, ceil=False)
        x = apply(shifted, x, *network.parameters(step.name), dilation)
        dilation *= step.stride
        if (linear := f"{step.name}{LINEAR}") in result:
            result[linear] = to_numpy(x, linear, network.source)[0]
        x = functional.relu(x, inplace=linear not in result) if step.rectified else x
        if step.name in result:
            result[step.name] = to_numpy(x, step.name, network.source)[0]
    return result


def dense_field(network: Network, layer: str) -> ReceptiveField:
    """The receptive fields of `dense_features`: those of the layer, at a stride of one pixel."""
    return replace(network.receptive_fields[layer], stride=1)
