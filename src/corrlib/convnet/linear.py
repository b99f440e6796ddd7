"""What a convolution layer computes before it rectifies."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from corrlib.convnet.network import Network

__all__ = ["unrectified"]


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
