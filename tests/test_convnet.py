"""The network against plain NumPy in float64, its receptive fields against the support of gradients."""

import numpy as np
import pytest
import torch

import narrow
import oracles
from corrlib import convnet, retrieval
from corrlib.convnet import dense, device
from corrlib.convnet.layers import apply, normalize

# Paper, Table 1.
TABLE_1 = {
    "conv1": (11, 4),
    "conv2": (51, 8),
    "conv3": (99, 16),
    "conv4": (131, 16),
    "conv5": (163, 16),
    "pool5": (195, 32),
}
ARCHITECTURES = ("caffenet", "alexnet", "torchvision")
OBLONG = (239, 227)  # primes, H != W, and some unit of every layer sees nothing but image


def parameters(rng, name, widths=(4, 6, 4, 8, 6), hidden=None, positive=False):
    """Random parameters of a narrow network."""
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
        result[f"{layer.name}.bias"] = rng.normal(0, 0.1, shape[0]).astype(np.float32)
        last = shape[0]
    return result


def preprocessing(channels="bgr"):
    return convnet.Preprocessing(channels, (90.0, 100.0, 120.0), (1.0, 0.5, 2.0))


def network(rng, name="caffenet", **kwargs):
    return convnet.Network(name, parameters(rng, name, **kwargs), preprocessing(), source="some/narrow.npz")


def slow_features(net_name, weights, x):
    """Every layer's activations of preprocessed x (3, H, W), by definition."""
    activations = {}
    x = np.asarray(x, float)
    for layer in convnet.architecture(net_name).layers:
        if f"{layer.name}.weight" not in weights and layer.kind in ("conv", "fc"):
            break
        if layer.kind == "conv":
            weight, bias = weights[f"{layer.name}.weight"], weights[f"{layer.name}.bias"]
            x = oracles.convolution(x, weight, bias, layer.stride, layer.padding, layer.groups)
        elif layer.kind == "pool":
            x = oracles.max_pool(x, layer.kernel, layer.stride, layer.ceil)
        elif layer.kind == "norm":
            x = oracles.local_response_norm(x)
        else:
            x = weights[f"{layer.name}.weight"] @ x.reshape(-1) + weights[f"{layer.name}.bias"]
            x = x if layer.name == "fc8" else np.maximum(x, 0)
        activations[layer.name] = x
    return activations


# the table


def test_table_1():
    table = convnet.receptive_fields("caffenet")
    assert {layer: (table[layer].size, table[layer].stride) for layer in TABLE_1} == TABLE_1


def test_centers_of_caffenet():
    table = convnet.receptive_fields("caffenet")
    assert table["conv1"].centers((1, 3))[0].tolist() == [[5, 5], [9, 5], [13, 5]]
    for layer in ("conv3", "conv4", "conv5"):
        assert table[layer].centers((1, 2))[0].tolist() == [[17, 17], [33, 17]]


def test_the_papers_order_of_layers():
    order = "conv1 pool1 norm1 conv2 pool2 norm2 conv3 conv4 conv5 pool5"
    assert " ".join(convnet.receptive_fields("caffenet")) == order
    order = "conv1 norm1 pool1 conv2 norm2 pool2 conv3 conv4 conv5 pool5"
    assert " ".join(convnet.receptive_fields("alexnet")) == order


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_receptive_fields_are_the_support_of_gradients(rng, name):
    """No pixel outside of a unit's box changes it; each of the box's four sides holds pixels that do."""
    weights = {key: torch.from_numpy(value) for key, value in parameters(rng, name, positive=True).items()}
    table = convnet.receptive_fields(name)
    reached = {}
    for _ in range(12):
        # Positive weights keep every unit alive; which pixels win a maximum changes from image to image.
        image = torch.from_numpy(rng.uniform(0, 1, (1, 3, *OBLONG)).astype(np.float32)).requires_grad_()
        x = image
        for layer in convnet.architecture(name).layers:
            if layer.kind == "fc":
                break
            x = apply(layer, x, weights.get(f"{layer.name}.weight"), weights.get(f"{layer.name}.bias"))
            rows, cols = x.shape[2:]
            middle = table[layer.name].nearest(np.array(OBLONG[::-1]) / 2, (rows, cols)).tolist()
            for row, col in {(0, 0), tuple(middle), (rows - 1, cols - 1)}:
                unit = x[0, :, row, col].sum()
                gradient = torch.autograd.grad(unit, image, retain_graph=True)[0][0].abs().sum(dim=0).numpy()
                reached[layer.name, row, col] = reached.get((layer.name, row, col), 0) + gradient
    exact = set()
    for (layer, row, col), gradient in reached.items():
        shape = convnet.architecture(name).output_shape(OBLONG, layer)
        box = table[layer].boxes(shape)[row, col]
        clipped = np.clip(box, -0.5, [OBLONG[1] - 0.5, OBLONG[0] - 0.5] * 2)
        rows, cols = np.flatnonzero(gradient.any(axis=1)), np.flatnonzero(gradient.any(axis=0))
        support = [cols[0] - 0.5, rows[0] - 0.5, cols[-1] + 0.5, rows[-1] + 0.5]
        assert (np.array(support[:2]) >= clipped[:2]).all(), (layer, row, col)
        assert (np.array(support[2:]) <= clipped[2:]).all(), (layer, row, col)
        # Next to padding, units win a maximum too rarely for twelve images to show all of the box.
        if (box == clipped).all():
            assert support == box.tolist(), (layer, row, col)
            exact.add(layer)
    assert exact == set(table)


# What the published models are made of: (output channels, inputs to each, kernel) of conv1 ... conv5.
CAFFE_SHAPES = [(96, 3, 11), (256, 48, 5), (384, 256, 3), (384, 192, 3), (256, 192, 3)]
TORCHVISION_SHAPES = [(64, 3, 11), (192, 64, 5), (384, 192, 3), (256, 384, 3), (256, 256, 3)]
PUBLISHED = [("caffenet", CAFFE_SHAPES), ("alexnet", CAFFE_SHAPES), ("torchvision", TORCHVISION_SHAPES)]


@pytest.mark.parametrize(("name", "shapes"), PUBLISHED)
def test_published_weights_fit(name, shapes):
    weights = {}
    for number, (outputs, inputs, kernel) in enumerate(shapes, 1):
        weights[f"conv{number}.weight"] = np.zeros((outputs, inputs, kernel, kernel))
        weights[f"conv{number}.bias"] = np.zeros(outputs)
    net = convnet.Network(name, weights, preprocessing())
    assert [net.channels(f"conv{number}") for number in range(1, 6)] == [shape[0] for shape in shapes]
    assert net.channels("pool5") == 256


# layers


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_all_layers_against_plain_numpy(rng, name):
    net = network(rng, name, hidden=7)
    image = rng.integers(0, 256, (227, 227, 3), dtype=np.uint8)
    x = (image[..., ::-1].transpose(2, 0, 1) - np.array([90, 100, 120])[:, None, None]) * np.array(
        [1, 0.5, 2]
    )[:, None, None]
    expected = slow_features(name, {key: value.numpy() for key, value in net._tensors.items()}, x)
    for layer in net.receptive_fields:
        found = net.features(image, layer)
        assert found.dtype == np.float32
        scale = np.abs(expected[layer]).max()
        np.testing.assert_allclose(found / scale, expected[layer].transpose(1, 2, 0) / scale, atol=2e-6)
        assert net.channels(layer) == found.shape[-1]
    np.testing.assert_allclose(net.fc7(image), expected["fc7"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(net.fc8(image[None])[0], expected["fc8"], rtol=1e-4, atol=1e-4)


def test_oblong_images_and_layers_against_plain_numpy(rng):
    net = network(rng)
    image = rng.integers(0, 256, (*OBLONG, 3), dtype=np.uint8)
    x = net.preprocessing(torch.from_numpy(image[None]))[0].numpy()
    weights = {key: value.numpy() for key, value in net._tensors.items()}
    expected = slow_features("caffenet", weights, x)["pool5"].transpose(1, 2, 0)
    np.testing.assert_allclose(net.features(image, "pool5"), expected, atol=2e-6 * expected.max())


def test_normalization_against_its_definition_and_torch(rng):
    x = rng.normal(0, 300, (2, 9, 5, 7)).astype(np.float32)
    found = normalize(torch.from_numpy(x)).numpy()
    expected = np.stack([oracles.local_response_norm(part.astype(float)) for part in x])
    np.testing.assert_allclose(found, expected, rtol=2e-5)
    assert np.abs(found / x - 1).max() > 0.5  # it does something at this scale
    np.testing.assert_allclose(found, torch.nn.LocalResponseNorm(5)(torch.from_numpy(x)).numpy(), rtol=2e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_shapes_at_every_size(rng, name):
    weights = {key: torch.from_numpy(value) for key, value in parameters(rng, name, (2, 2, 2, 2, 2)).items()}
    architecture = convnet.architecture(name)
    for side in range(195, 195 + 33):
        x = torch.zeros(1, 3, side, 195)
        for layer in architecture.layers[:-3]:
            x = apply(layer, x, weights.get(f"{layer.name}.weight"), weights.get(f"{layer.name}.bias"))
            assert architecture.output_shape((side, 195), layer.name) == tuple(x.shape[2:])


def test_the_papers_grids():
    net = convnet.architecture("caffenet")
    assert net.output_shape((227, 227), "conv1") == (55, 55)
    assert net.output_shape((227, 227), "conv4") == (13, 13)
    assert net.output_shape((227, 227), "pool5") == (6, 6)
    assert net.output_shape((500, 500), "conv5") == (30, 30)
    # torchvision's documentation of AlexNet is of 224 pixels: 55, 27, 13, 6.
    net = convnet.architecture("torchvision")
    grids = [
        net.output_shape((224, 224), layer)[0] for layer in ("conv1", "conv2", "conv3", "conv5", "pool5")
    ]
    assert grids == [55, 27, 13, 13, 6]


# the network


def test_batches_and_single_images_agree(rng):
    net = network(rng, hidden=5)
    images = rng.integers(0, 256, (5, 227, 227, 3), dtype=np.uint8)
    together = net.features(images, "conv3", batch_size=5)
    assert together.shape == (5, 13, 13, 4)
    np.testing.assert_allclose(net.features(images, "conv3", batch_size=2), together, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(net.features(images[3], "conv3"), together[3], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(net.fc7(images)[2], net.fc7(images[2]), rtol=1e-4, atol=1e-4)


def test_memory_mapped_images(rng, tmp_path):
    net = network(rng)
    images = rng.integers(0, 256, (3, 99, 101, 3), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert (net.features(mapped, "conv2") == net.features(images, "conv2")).all()


def test_the_image_is_left_alone(rng):
    net = network(rng)
    image = rng.integers(0, 256, (99, 99, 3), dtype=np.uint8)
    before = image.copy()
    net.features(image, "conv3")
    assert (image == before).all()


def test_preprocessing_orders_channels():
    pixel = torch.tensor([10, 20, 30], dtype=torch.uint8).reshape(1, 1, 1, 3)
    bgr = convnet.Preprocessing("bgr", (1.0, 2.0, 3.0), (1.0, 10.0, 100.0))(pixel)
    assert bgr.reshape(3).tolist() == [29, 180, 700]
    rgb = convnet.Preprocessing("rgb", (1.0, 2.0, 3.0))(pixel)
    assert rgb.reshape(3).tolist() == [9, 18, 27]
    with pytest.raises(ValueError, match="gbr"):
        convnet.Preprocessing("gbr", (0.0, 0.0, 0.0))


def test_digest_follows_parameters_and_preprocessing(rng):
    weights = parameters(rng, "caffenet")
    nets = [convnet.Network("caffenet", weights, preprocessing()) for _ in range(2)]
    assert nets[0].digest == nets[1].digest
    assert len(nets[0].digest) == 16
    changed = {**weights, "conv3.bias": weights["conv3.bias"] + 1e-3}
    others = [
        convnet.Network("caffenet", changed, preprocessing()),
        convnet.Network("alexnet", weights, preprocessing()),
        convnet.Network("caffenet", weights, preprocessing("rgb")),
    ]
    assert len({nets[0].digest, *(net.digest for net in others)}) == 4


def test_names(rng):
    net = network(rng)
    assert net.name == "narrow"
    assert net.digest in repr(net)


# bad input


def test_unknown_layers_list_the_known_ones(rng):
    with pytest.raises(ValueError, match=r"conv9.*conv1, pool1, norm1, conv2"):
        network(rng).features(np.zeros((227, 227, 3), np.uint8), "conv9")
    with pytest.raises(ValueError, match=r"conv9.*conv1"):
        network(rng).channels("conv9")
    with pytest.raises(ValueError, match=r"vgg.*caffenet, alexnet, torchvision"):
        convnet.architecture("vgg")


def test_images_smaller_than_the_receptive_field(rng):
    with pytest.raises(ValueError, match=r"98 x 200.*conv3 \(99 x 99\)"):
        network(rng).features(np.zeros((98, 200, 3), np.uint8), "conv3")
    assert network(rng).features(np.zeros((99, 99, 3), np.uint8), "conv3").shape == (5, 5, 4)


@pytest.mark.parametrize(
    "images", [np.zeros((227, 227)), np.zeros((227, 227, 3)), np.zeros((227, 227, 4), np.uint8), [1, 2, 3]]
)
def test_bad_images(rng, images):
    with pytest.raises(ValueError, match="uint8 RGB"):
        network(rng).features(images, "conv1")


def test_fully_connected_layers_need_weights_and_227_pixels(rng):
    with pytest.raises(ValueError, match=r"narrow.npz.*no fc7.*pool5"):
        network(rng).fc7(np.zeros((227, 227, 3), np.uint8))
    with pytest.raises(ValueError, match=r"narrow.npz.*no.*fc7"):
        network(rng).channels("fc7")
    with pytest.raises(ValueError, match=r"227 x 227.*240 x 227"):
        network(rng, hidden=4).fc7(np.zeros((240, 227, 3), np.uint8))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conv2.weight": np.zeros((6, 4, 5, 5))}, r"conv2.weight of shape \(6, 2, 5, 5\).*\(6, 4, 5, 5\)"),
        ({"conv2.weight": np.zeros((6, 2, 3, 3))}, r"conv2.weight of shape \(6, 2, 5, 5\).*\(6, 2, 3, 3\)"),
        ({"conv3.bias": np.zeros(5)}, r"conv3.bias of shape \(4,\).*\(5,\)"),
        ({"conv3.bias": None}, r"conv3.bias of shape \(4,\).*nothing"),
        ({"conv4.weight": None}, "no weights for conv4"),
        ({"conv2.weight": np.zeros((5, 2, 5, 5))}, "2 groups of conv2 do not divide"),
        ({"conv6.weight": np.zeros(5)}, "conv6.weight do not belong"),
        ({"fc6.weight": np.zeros((4, 99)), "fc6.bias": np.zeros(4)}, r"fc6.weight of shape \(4, 216\)"),
    ],
)
def test_weights_of_the_wrong_shape(rng, change, message):
    weights = {key: v for key, v in (parameters(rng, "caffenet") | change).items() if v is not None}
    with pytest.raises(ValueError, match=r"some/file.npz: .*" + message):
        convnet.Network("caffenet", weights, preprocessing(), source="some/file.npz")


# where it computes


def test_the_device_is_the_one_that_is_named_or_the_processor(rng, monkeypatch):
    monkeypatch.delenv("CORRLIB_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.device() == torch.device("cpu")
    monkeypatch.setenv("CORRLIB_DEVICE", "cpu:0")
    assert device.device() == torch.device("cpu:0") == network(rng).device


@pytest.mark.parametrize("name", ["cuda:7", "meta", "gpu", "cuda:x"])
def test_a_device_that_is_not_there_is_one_clear_error(rng, monkeypatch, name):
    monkeypatch.setenv("CORRLIB_DEVICE", name)
    for use in (device.device, lambda: network(rng)):
        with pytest.raises(ValueError, match=rf"no device '{name}': torch .* sees cpu.*CORRLIB_DEVICE"):
            use()


def test_on_a_gpu_convolutions_are_not_rounded(monkeypatch):
    # No GPU is needed: the tensor that tries the device out stays on the processor.
    zeros = torch.zeros
    monkeypatch.setenv("CORRLIB_DEVICE", "cuda:1")
    monkeypatch.setattr(torch, "zeros", lambda n, device: zeros(n))
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert device.device() == torch.device("cuda:1") and not torch.backends.cudnn.allow_tf32


def test_everything_is_on_the_device_until_it_is_copied_back(rng, monkeypatch):
    # The device "meta" knows shapes but no numbers: torch objects where a result is copied back, no earlier.
    monkeypatch.setattr(convnet.network, "device", lambda: torch.device("meta"))
    net, rows = network(rng, hidden=8), rng.standard_normal((7, 3))
    image = rng.integers(0, 256, (227, 227, 3), dtype=np.uint8)
    groups = dict(query_group=np.arange(7), database_group=np.arange(7))
    calls = [
        lambda: net.features(image, "pool5"),
        lambda: net.fc7(image),
        lambda: dense.layer_features(net, image[None], ["conv3", "fc7"]),
        lambda: dense.dense_features(net, image, ["conv2"]),
        lambda: dense.unrectified(net, "conv3", np.ones((5, 6, 6), np.float32), np.array([[1, 2]])),
        lambda: retrieval.nearest(rows, rows, 2, chunk=4, device="meta", **groups),
    ]
    for call in calls:
        with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
            call()


def test_weights_that_overflow_are_told_where_features_are_computed():
    parameters = narrow.parameters()
    parameters["conv2.weight"][3, 0, 2] = 3e38
    network = convnet.Network("caffenet", parameters, narrow.preprocessing(), source="huge.safetensors")
    images = np.random.default_rng(0).integers(0, 256, (2, 227, 227, 3), dtype=np.uint8)
    assert np.isfinite(network.features(images, "norm1")).all()
    told = "huge.safetensors: features of conv2 are not finite"
    with pytest.raises(ValueError, match=told):
        network.features(images, "conv2")
    with pytest.raises(ValueError, match=told):
        dense.layer_features(network, images, ["conv1", "conv2"])
    with pytest.raises(ValueError, match=told):
        dense.dense_features(network, images[0], ["conv2"])
