"""Several layers in one pass, and at every pixel: against the network itself, and against shifted crops."""

import numpy as np
import pytest

from corrlib import convnet
from corrlib.convnet.dense import dense_features, dense_field, layer_features

LAYERS = ["conv1", "norm1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5"]


def network(architecture="caffenet"):
    """A narrow network with random weights."""
    rng = np.random.default_rng(0)
    groups = architecture != "torchvision"
    shapes = [(6, 3, 11), (8, 6, 5), (8, 8, 3), (6, 8, 3), (4, 6, 3)]
    parameters = {}
    for number, (outputs, inputs, kernel) in enumerate(shapes, 1):
        inputs = inputs // 2 if groups and number in (2, 4, 5) else inputs
        spread = np.sqrt(2 / (inputs * kernel**2))
        parameters[f"conv{number}.weight"] = rng.normal(0, spread, (outputs, inputs, kernel, kernel))
        parameters[f"conv{number}.bias"] = rng.normal(0, 0.1, outputs)
    mean = convnet.Preprocessing("bgr", (104.0, 117.0, 123.0), (0.02, 0.02, 0.02))
    return convnet.Network(architecture, parameters, mean, source="random.safetensors")


def noise(rng, *shape):
    return rng.integers(0, 256, (*shape, 3), dtype=np.uint8)


def test_one_pass_gives_what_several_do(rng):
    images, net = noise(rng, 3, 227, 241), network()
    found = layer_features(net, images, LAYERS, batch_size=2)
    assert list(found) == LAYERS
    for name, maps in found.items():
        np.testing.assert_allclose(maps, net.features(images, name), atol=1e-5 * maps.max())


@pytest.mark.parametrize("architecture", ["caffenet", "alexnet", "torchvision"])
def test_every_stride_th_dense_feature_is_the_networks_own_borders_included(rng, architecture):
    # Sides at which no pooling window is cut off at the end.
    shape = (223, 255) if architecture == "torchvision" else (227, 259)
    net, image = network(architecture), noise(rng, *shape)
    names = list(net.receptive_fields)
    dense = dense_features(net, image, names)
    assert list(dense) == names
    for name, maps in dense.items():
        own, stride = net.features(image, name), net.receptive_fields[name].stride
        assert maps[::stride, ::stride].shape == own.shape
        np.testing.assert_allclose(maps[::stride, ::stride], own, atol=1e-5 * np.abs(own).max())


@pytest.mark.parametrize("layer", ["conv3", "conv4"])
def test_one_dense_pass_equals_441_shifted_crops(rng, layer):
    """The image shifted under the network by up to 10 pixels each way, one crop a shift."""
    net, image = network(), noise(rng, 195, 211)
    rf, field = net.receptive_fields[layer], dense_field(net, layer)
    assert (field.size, field.stride, field.center) == (rf.size, 1, rf.center)
    (dense,) = dense_features(net, image, [layer]).values()
    point = np.array([image.shape[1] // 2, image.shape[0] // 2])
    # A crop in which the receptive field of one unit, at its middle, is all there is to see of the image.
    side = rf.size + 2 * 8  # units' centres are 16 apart
    unit = int(rf.nearest([(side - 1) / 2] * 2, net.output_shape((side, side), layer))[0])
    center = int(rf.center + unit * rf.stride)
    assert center - rf.size // 2 >= 0 and center + rf.size // 2 < side
    shifts = [(x, y) for y in range(-10, 11) for x in range(-10, 11)]
    crops = []
    for shift in shifts:
        x, y = point + shift - center
        crops.append(image[y : y + side, x : x + side])
    slow = net.features(np.stack(crops), layer)[:, unit, unit]
    cols, rows = (point + shifts - field.center).astype(int).T
    np.testing.assert_allclose(dense[rows, cols], slow, atol=1e-5 * np.abs(slow).max())


def test_where_a_padded_convolution_meets_the_border_the_image_is_cut_not_moved(rng):
    """A grid of units shifted by (3, 6) is that of the image without its first 3 columns and 6 rows."""
    net, image = network(), noise(rng, 227 + 6, 227 + 3)
    (dense,) = dense_features(net, image, ["conv4"]).values()
    own = net.features(image[6:, 3:], "conv4")
    np.testing.assert_allclose(dense[6::16, 3::16], own, atol=1e-5 * np.abs(own).max())


@pytest.mark.parametrize(
    ("image", "layers", "message"),
    [
        (np.zeros((227, 227, 3), np.uint8), ["conv9"], "unknown layer 'conv9'; known layers: conv1, pool1"),
        (np.zeros((227, 227, 3), np.uint8), [], "no layer was asked for"),
        (np.zeros((227, 227, 3)), ["conv1"], r"\(227, 227, 3\) float64"),
        (np.zeros((1, 227, 227, 3), np.uint8), ["conv1"], r"expected \(H, W, 3\)"),
        (np.zeros((227, 130, 3), np.uint8), ["conv1", "conv4"], "227 x 130 are smaller than .* 131 x 131"),
    ],
)
def test_bad_input_is_refused(image, layers, message):
    with pytest.raises(ValueError, match=message):
        dense_features(network(), image, layers)
    if image.shape == (227, 227, 3):
        with pytest.raises(ValueError, match=r"expected \(N, H, W, 3\)|layer"):
            layer_features(network(), image, layers)


def test_fully_connected_layers_come_in_the_same_pass(rng):
    net = convnet.load()
    images = noise(rng, 2, 227, 227)
    found = layer_features(net, images, ["pool5", "fc7"])
    np.testing.assert_allclose(found["fc7"], net.fc7(images), rtol=1e-5)
    np.testing.assert_allclose(found["pool5"], net.features(images, "pool5"), rtol=1e-5)
    with pytest.raises(ValueError, match="fc7: expected images of 227 x 227 pixels, got 227 x 243"):
        layer_features(net, noise(rng, 1, 227, 243), ["fc7"])
    with pytest.raises(ValueError, match=r"unknown layer 'fc7'; known layers: conv1, .*, pool5"):
        layer_features(network(), images, ["fc7"])
