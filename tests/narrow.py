"""Narrow networks with random weights: fast, and enough for most tests."""

import numpy as np

import oracles
from corrlib import convnet


def random_parameters(rng, name, widths=(4, 6, 4, 8, 6), hidden=None, positive=False, biased=True):
    """Random parameters of an architecture, with fully connected layers if `hidden` is their width."""
    result, last, widths = {}, 3, iter(widths)
    for layer in convnet.architecture(name).layers:
        if layer.kind == "conv":
            shape = (next(widths), last // layer.groups, layer.kernel, layer.kernel)
        elif layer.kind == "fc" and hidden:
            shape = (hidden, last * (36 if layer.name == "fc6" else 1))
        else:
            continue
        weight = rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float32)
        result[f"{layer.name}.weight"] = np.abs(weight) if positive else weight
        bias = rng.normal(0, 0.1, shape[0]) if biased else np.zeros(shape[0])
        result[f"{layer.name}.bias"] = bias.astype(np.float32)
        last = shape[0]
    return result


def random_network(rng, name="caffenet", **options):
    scaled = convnet.Preprocessing("bgr", (90.0, 100.0, 120.0), (1.0, 0.5, 2.0))
    return convnet.AlexNet(name, random_parameters(rng, name, **options), scaled, source="some/narrow.npz")


def parameters():
    """Weights and biases of conv1 to conv5 of a CaffeNet with 8, 8, 8, 6 and 4 channels."""
    return random_parameters(np.random.default_rng(0), "caffenet", (8, 8, 8, 6, 4), biased=False)


def preprocessing(scale=1.0):
    return convnet.Preprocessing("rgb", (128.0, 128.0, 128.0), (scale, scale, scale))


def network(scale=1.0):
    return convnet.AlexNet("caffenet", parameters(), preprocessing(scale), source="random.safetensors")


def noise(rng, *shape):
    """Random images."""
    return rng.integers(0, 256, (*shape, 3), dtype=np.uint8)


def slow_features(name, weights, x):
    """Activations of every layer for preprocessed x (3, H, W), by definition."""
    activations, x = {}, np.asarray(x, float)
    for layer in convnet.architecture(name).layers:
        weight, bias = (weights.get(f"{layer.name}.{kind}") for kind in ("weight", "bias"))
        if weight is None and layer.kind in ("conv", "fc"):
            break
        if layer.kind == "conv":
            x = oracles.convolution(x, weight, bias, layer.stride, layer.padding, layer.groups)
        elif layer.kind == "pool":
            x = oracles.max_pool(x, layer.kernel, layer.stride, layer.ceil)
        elif layer.kind == "norm":
            x = oracles.local_response_norm(x)
        else:
            x = weight @ x.reshape(-1) + bias
            x = x if layer.name == "fc8" else np.maximum(x, 0)
        activations[layer.name] = x
    return activations
