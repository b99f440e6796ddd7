"""A narrow CaffeNet with random weights and without fully connected layers: all that most tests need."""

import numpy as np

from corrlib import convnet


def parameters():
    """Weights and biases of conv1 to conv5, of 8, 8, 8, 6 and 4 channels."""
    rng, found = np.random.default_rng(0), {}
    for number, shape in enumerate([(8, 3, 11), (8, 4, 5), (8, 8, 3), (6, 4, 3), (4, 3, 3)], 1):
        outputs, inputs, kernel = shape
        spread = np.sqrt(2 / (inputs * kernel**2))
        found[f"conv{number}.weight"] = rng.normal(0, spread, (outputs, inputs, kernel, kernel))
        found[f"conv{number}.bias"] = np.zeros(outputs)
    return found


def preprocessing(scale=1.0):
    return convnet.Preprocessing("rgb", (128.0, 128.0, 128.0), (scale, scale, scale))


def network(scale=1.0):
    return convnet.Network("caffenet", parameters(), preprocessing(scale), source="random.safetensors")
