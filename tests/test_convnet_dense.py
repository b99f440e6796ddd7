"""Features at every pixel: against the network itself, and against shifted crops."""

import numpy as np
import pytest

from corrlib.convnet.dense import dense_features, dense_field
from narrow import noise, random_network
from refusals import refused


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("architecture", ["caffenet", "alexnet", "torchvision"])
def test_every_stride_th_dense_feature_is_the_networks_own(rng, architecture):
    """Borders included, for sides at which no pooling window is cut off at the end."""
    shape = (223, 255) if architecture == "torchvision" else (227, 259)
    net, image = random_network(rng, architecture), noise(rng, *shape)
    layers = list(net.receptive_fields)
    dense = dense_features(net, image, layers)
    assert list(dense) == layers
    for layer, maps in dense.items():
        stride = net.receptive_fields[layer].stride
        assert_close(maps[::stride, ::stride], net.features(image, layer))


@pytest.mark.parametrize("layer", ["conv3", "conv4"])
def test_one_dense_pass_equals_441_shifted_crops(rng, layer):
    """The image shifted under the network by up to 10 pixels in each direction, one crop per shift."""
    net, image = random_network(rng), noise(rng, 195, 211)
    rf, field = net.receptive_fields[layer], dense_field(net, layer)
    assert (field.size, field.stride, field.center) == (rf.size, 1, rf.center)
    (dense,) = dense_features(net, image, [layer]).values()
    point = np.array([image.shape[1] // 2, image.shape[0] // 2])
    # Crops just large enough to contain the receptive field of one unit, near their middle.
    side = rf.size + 2 * 8  # units' centres are 16 apart
    unit = int(rf.nearest([(side - 1) / 2] * 2, net.output_shape((side, side), layer))[0])
    center = int(rf.center + unit * rf.stride)
    assert center - rf.size // 2 >= 0 and center + rf.size // 2 < side
    shifts = [(x, y) for y in range(-10, 11) for x in range(-10, 11)]
    corners = point + shifts - center
    crops = np.stack([image[y : y + side, x : x + side] for x, y in corners])
    cols, rows = (point + shifts - field.center).astype(int).T
    assert_close(dense[rows, cols], net.features(crops, layer)[:, unit, unit])


def test_at_the_border_the_image_is_cropped_not_shifted(rng):
    """Units shifted by (3, 6) are those of the image without its first 3 columns and 6 rows."""
    net, image = random_network(rng), noise(rng, 227 + 6, 227 + 3)
    (dense,) = dense_features(net, image, ["conv4"]).values()
    assert_close(dense[6::16, 3::16], net.features(image[6:, 3:], "conv4"))


IMAGE, NARROW = np.zeros((227, 227, 3), np.uint8), random_network(np.random.default_rng(0), hidden=5)


test_bad_input_is_refused = refused(
    (lambda: dense_features(NARROW, IMAGE, ["conv9"]), "unknown layer 'conv9'; known layers: conv1, pool1"),
    (lambda: dense_features(NARROW, IMAGE, []), "at least one layer"),
    (lambda: dense_features(NARROW, IMAGE, ["fc7"]), "fc7 is fully connected"),
    (lambda: dense_features(NARROW, IMAGE.astype(float), ["conv1"]), r"\(227, 227, 3\) float64"),
    (lambda: dense_features(NARROW, IMAGE[None], ["conv1"]), r"expected images \(H, W, 3\)"),
    (lambda: dense_features(NARROW, IMAGE[:, :130], ["conv1", "conv4"]), r"227 x 130 are .* \(131 x 131\)"),
    (lambda: dense_features(NARROW, IMAGE, ["norm1 linear"]), "unknown layer 'norm1 linear'; known layers:"),
)
