"""Convnet features of AlexNets of any width (paper, section 1.2), and of other networks in their place.

>>> from corrlib import convnet
>>> network = convnet.load()                      # the figurine network of this package, or a path
>>> network.features(image, "conv4")              # (H, W, 3) uint8 -> (h, w, C) float32
"""
# ruff: noqa: F401

from corrlib.convnet.alexnet import AlexNet
from corrlib.convnet.layers import LINEAR, architecture, receptive_fields
from corrlib.convnet.module import Module
from corrlib.convnet.network import INPUT_SIDE, Network, Preprocessing
from corrlib.convnet.weights import load, save
