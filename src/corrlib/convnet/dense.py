"""Features at every pixel, by dilated convolutions."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from corrlib.convnet.network import Network
from corrlib.geometry import ReceptiveField


def dense_features(network: Network, image: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
    """Features of several layers at a stride of one pixel, as if the image were shifted pixel by pixel.

    Every layer of an AlexNet is evaluated at stride one, with its window dilated by the strides of the layers
    before it: what the shifts have in common is computed once. Zero padding starts at the border of the
    image, for all units alike, as if the image were cropped rather than shifted. Features of a `Module` are
    interpolated instead.

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
    maps = dict(network.activations(image[None], layers, dense=True))
    return {name: maps[name][0] for name in layers}


def dense_field(network: Network, layer: str) -> ReceptiveField:
    """The receptive fields of `dense_features`: those of the layer, at a stride of one pixel."""
    return replace(network.receptive_fields[layer], stride=1)
