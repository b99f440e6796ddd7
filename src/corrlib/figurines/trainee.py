"""The CaffeNet that is trained, with batch normalisation, and its folding into a plain one."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from corrlib.convnet.layers import architecture, normalize

__all__ = ["TRAINED_ARCHITECTURE", "Trainee", "folded"]

TRAINED_ARCHITECTURE = "caffenet"


class Trainee(nn.Module):
    """A narrow CaffeNet with batch normalisation before every rectification.

    Where a pooling layer follows a convolution, normalisation and rectification come after the pooling: both
    are increasing functions of each channel, so they commute with the maximum, and there the array is four
    times smaller. The normalisation has no learned gain, which would be redundant: rectification is
    homogeneous, so the next layer can absorb it.
    """

    def __init__(self, channels: tuple[int, ...], hidden: int, classes: int, dropout: float):
        super().__init__()
        self.steps = architecture(TRAINED_ARCHITECTURE).layers
        self.weights, self.batch_norms = nn.ModuleDict(), nn.ModuleDict()
        widths = iter(channels)
        last = 3
        for layer in self.steps:
            if layer.kind == "conv":
                width = next(widths)
                self.weights[layer.name] = nn.Conv2d(
                    last, width, layer.kernel, layer.stride, layer.padding, groups=layer.groups, bias=False
                )
                self.batch_norms[layer.name] = nn.BatchNorm2d(width)
                last = width
            elif layer.kind == "fc":
                width = classes if layer.name == "fc8" else hidden
                inputs = last * (6 * 6 if layer.name == "fc6" else 1)
                self.weights[layer.name] = nn.Linear(inputs, width, bias=layer.name == "fc8")
                if layer.name != "fc8":
                    self.batch_norms[layer.name] = nn.BatchNorm1d(width)
                last = width
        for norm in self.batch_norms.values():
            norm.weight.requires_grad_(False)
        for weights in self.weights.values():
            nn.init.kaiming_normal_(weights.weight, nonlinearity="relu")
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores ``(N, K)`` of preprocessed images ``(N, 3, 227, 227)``, or smaller squares.

        For the latter pool5 is enlarged to the 6 x 6 units that fc6 has weights for.
        """
        pending = None
        for layer, following in zip(self.steps, (*self.steps[1:], None), strict=True):
            if layer.kind == "norm":
                x = normalize(x)
            elif layer.kind == "pool":
                x = functional.max_pool2d(x, layer.kernel, layer.stride, ceil_mode=layer.ceil)
            else:
                if layer.name == "fc6":
                    x = functional.interpolate(x, (6, 6), mode="bilinear").flatten(1)
                x = self.weights[layer.name](x)
                pending = layer.name if layer.name in self.batch_norms else None
            if pending and not (layer.kind == "conv" and following.kind == "pool"):
                x = functional.relu(self.batch_norms[pending](x), inplace=True)
                x = self.dropout(x) if layer.kind == "fc" else x
                pending = None
        return x


def folded(model: Trainee) -> dict[str, np.ndarray]:
    """Weights and biases of the plain CaffeNet that computes what `model` does in evaluation mode."""
    parameters = {}
    for name, weights in model.weights.items():
        weight = weights.weight.detach().double()
        if name in model.batch_norms:
            norm = model.batch_norms[name]
            gain = 1.0 / torch.sqrt(norm.running_var.double() + norm.eps)
            bias = norm.bias.detach().double() - norm.running_mean.double() * gain
            weight = weight * gain.reshape(-1, *[1] * (weight.ndim - 1))
        else:
            bias = weights.bias.detach().double()
        parameters[f"{name}.weight"] = weight.float().cpu().contiguous().numpy()
        parameters[f"{name}.bias"] = bias.float().cpu().numpy()
    return parameters
