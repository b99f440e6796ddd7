"""Matching single features: shifted images have known matches."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from corrlib.data import DataError
from corrlib.data.pairs import Pair, pck
from corrlib.experiments.matching import match


def pair_of(folder, source, target, points):
    paths = Path(folder, "source.png"), Path(folder, "target.png")
    for path, image in zip(paths, (source, target), strict=True):
        Image.fromarray(image).save(path)
    height, width = target.shape[:2]
    return Pair("a-b:cow", "cow", paths, np.asarray(points), np.array([0, 0, width, height]) - 0.5)


def test_an_image_that_is_shifted_by_units_matches_exactly_in_each_frame(tmp_path, network, rng):
    field = network.field("conv3")
    centers = field.centers(network.output_shape((227, 227), "conv3"))
    source = rng.integers(0, 256, (29, 29, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)[:227, :227]
    shift = np.array([2, 1]) * field.stride
    target = np.roll(source, shift[::-1], axis=(0, 1)).repeat(2, axis=1)  # twice as wide
    wide = np.array([2, 1])
    units = centers[4:7, 4:7].reshape(-1, 2)
    points = units + rng.uniform(-0.49, 0.49, units.shape) * field.stride
    expected = (units + shift + 0.5) * wide - 0.5
    pair = pair_of(tmp_path, source, target, [points, expected])
    np.testing.assert_allclose(match(network, "conv3", pair), expected)
    assert pck([match(network, "conv3", pair)], [pair], alpha=0.01) == 1


def test_an_image_that_is_missing_or_corrupt_is_named(tmp_path, network):
    image = np.zeros((30, 40, 3), np.uint8)
    pair = pair_of(tmp_path, image, image, np.full((2, 1, 2), 9.0))
    pair.images[1].write_bytes(pair.images[1].read_bytes()[:50])
    with pytest.raises(DataError, match=r"target\.png is missing or malformed"):
        match(network, "conv1", pair)
    pair.images[0].unlink()
    with pytest.raises(DataError, match=r"source\.png is missing or malformed"):
        match(network, "conv1", pair)


def test_a_layer_without_a_map_or_larger_than_the_squares_is_refused(tmp_path, network, rng):
    image = rng.integers(0, 256, (30, 40, 3), np.uint8)
    pair = pair_of(tmp_path, image, image, np.full((2, 1, 2), 9.0))
    with pytest.raises(ValueError, match="unknown layer 'fc7'"):
        match(network, "fc7", pair)
    with pytest.raises(ValueError, match=r"smaller than the receptive field of conv5 \(163 x 163\)"):
        match(network, "conv5", pair, size=100)
