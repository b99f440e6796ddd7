"""Networks, and features at every pixel, against plain NumPy; receptive fields against gradients."""

import numpy as np
import pytest
import torch

import narrow
import oracles
from conftest import refused
from corrlib import convnet, retrieval
from corrlib.convnet import dense, device
from corrlib.convnet.dense import dense_features, dense_field
from corrlib.convnet.layers import apply, normalize
from narrow import noise, preprocessing, random_network, random_parameters, slow_features

ARCHITECTURES = ("caffenet", "alexnet", "torchvision")
SQUARE = (227, 227)
OBLONG = (239, 227)  # primes, H != W, and large enough that some unit of every layer is not at the border


# Receptive fields


def test_the_order_of_layers_their_centers_and_the_published_grids():
    order = "conv1 pool1 norm1 conv2 pool2 norm2 conv3 conv4 conv5 pool5"
    assert " ".join(table := convnet.receptive_fields("caffenet")) == order
    assert table["conv1"].centers((1, 3))[0].tolist() == [[5, 5], [9, 5], [13, 5]]
    for layer in ("conv3", "conv4", "conv5"):
        assert table[layer].centers((1, 2))[0].tolist() == [[17, 17], [33, 17]]
    order = "conv1 norm1 pool1 conv2 norm2 pool2 conv3 conv4 conv5 pool5"
    assert " ".join(convnet.receptive_fields("alexnet")) == order
    for name, side, grids in (
        ("caffenet", 227, {"conv1": 55, "conv4": 13, "pool5": 6}),
        ("caffenet", 500, {"conv5": 30}),
        ("torchvision", 224, {"conv1": 55, "conv2": 27, "conv3": 13, "conv5": 13, "pool5": 6}),
    ):
        shapes = {layer: convnet.architecture(name).output_shape((side, side), layer) for layer in grids}
        assert shapes == {layer: (grid, grid) for layer, grid in grids.items()}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_receptive_fields_are_the_support_of_gradients(rng, name):
    """No pixel outside a unit's box changes it, and each of the box's four sides has pixels that do."""
    net, reached = random_network(rng, name, positive=True), {}
    table = net.receptive_fields
    for _ in range(12):
        # Positive weights keep every unit active; which pixels are a maximum changes from image to image.
        image = torch.from_numpy(rng.uniform(0, 1, (1, 3, *OBLONG)).astype(np.float32)).requires_grad_()
        x = image
        for layer in net.architecture.layers[:-3]:
            x = apply(layer, x, *net.parameters(layer.name))
            rows, cols = x.shape[2:]
            middle = table[layer.name].nearest(np.array(OBLONG[::-1]) / 2, (rows, cols)).tolist()
            for row, col in {(0, 0), tuple(middle), (rows - 1, cols - 1)}:
                unit = x[0, :, row, col].sum()
                gradient = torch.autograd.grad(unit, image, retain_graph=True)[0][0].abs().sum(dim=0).numpy()
                reached[layer.name, row, col] = reached.get((layer.name, row, col), 0) + gradient
    exact, edges = set(), [OBLONG[1] - 0.5, OBLONG[0] - 0.5] * 2
    for (layer, row, col), gradient in reached.items():
        box = table[layer].boxes(net.output_shape(OBLONG, layer))[row, col]
        clipped = np.clip(box, -0.5, edges)
        rows, cols = np.flatnonzero(gradient.any(axis=1)), np.flatnonzero(gradient.any(axis=0))
        support = np.array([cols[0], rows[0], cols[-1] + 1, rows[-1] + 1]) - 0.5
        assert (support[:2] >= clipped[:2]).all() and (support[2:] <= clipped[2:]).all(), (layer, row, col)
        # Next to padding, pixels are a maximum too rarely for twelve images to show the whole box.
        if (box == clipped).all():
            assert (support == box).all(), (layer, row, col)
            exact.add(layer)
    assert exact == {name for name in table if name in net.layers}


# Layers

# The published models: (output channels, inputs of each, kernel) of conv1 ... conv5.
CAFFE = [(96, 3, 11), (256, 48, 5), (384, 256, 3), (384, 192, 3), (256, 192, 3)]
TORCHVISION = [(64, 3, 11), (192, 64, 5), (384, 192, 3), (256, 384, 3), (256, 256, 3)]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_published_weights_fit(rng, name):
    shapes = TORCHVISION if name == "torchvision" else CAFFE
    net = random_network(rng, name, widths=[outputs for outputs, _, _ in shapes])
    assert [tuple(net.parameters(f"conv{n}")[0].shape[:3]) for n in range(1, 6)] == shapes
    assert net.channels("conv5") == net.channels("pool5") == 256


@pytest.mark.parametrize("name, hidden", [*((name, 7) for name in ARCHITECTURES), ("caffenet", None)])
def test_all_layers_against_plain_numpy(rng, name, hidden):
    net, image = random_network(rng, name, hidden=hidden), noise(rng, *(SQUARE if hidden else OBLONG))
    mean, scale = (np.array(values)[:, None, None] for values in ([90, 100, 120], [1, 0.5, 2]))
    x = (image[..., ::-1].transpose(2, 0, 1) - mean) * scale
    expected = slow_features(name, {key: value.numpy() for key, value in net._tensors.items()}, x)
    for layer in net.layers:
        found = net.features(image, layer)
        assert found.dtype == np.float32 and net.channels(layer) == found.shape[-1]
        size = np.abs(expected[layer]).max()
        np.testing.assert_allclose(found / size, np.moveaxis(expected[layer], 0, -1) / size, atol=2e-6)
        if layer.startswith("conv"):
            before = net.features(image, f"{layer} linear")
            assert (before < 0).any()
            np.testing.assert_array_equal(np.maximum(before, 0), found)


def test_normalization_against_its_definition_and_torch(rng):
    x = rng.normal(0, 300, (2, 9, 5, 7)).astype(np.float32)
    found = normalize(torch.from_numpy(x)).numpy()
    expected = np.stack([oracles.local_response_norm(part.astype(float)) for part in x])
    np.testing.assert_allclose(found, expected, rtol=2e-5)
    np.testing.assert_allclose(found, torch.nn.LocalResponseNorm(5)(torch.from_numpy(x)).numpy(), rtol=2e-5)
    assert np.abs(found / x - 1).max() > 0.5  # it matters at this scale


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_output_shapes_at_every_size(rng, name):
    net = random_network(rng, name, widths=(2, 2, 2, 2, 2))
    for side in range(195, 195 + 33):
        x = torch.zeros(1, 3, side, 195)
        for layer in net.architecture.layers[:-3]:
            x = apply(layer, x, *net.parameters(layer.name))
            assert net.output_shape((side, 195), layer.name) == tuple(x.shape[2:])


# Networks


def test_batches_single_images_several_layers_and_mapped_images_agree(rng, monkeypatch, tmp_path):
    net, images = random_network(rng, hidden=5), noise(rng, 5, 227, 227)
    together = net.layer_features(images, ["fc7", "conv3"])
    assert list(together) == ["fc7", "conv3"] and together["conv3"].shape == (5, 13, 13, 4)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    monkeypatch.setattr(convnet.network, "BATCH", 2)
    for layer, maps in together.items():
        close = dict(rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(net.features(mapped, layer), maps, **close)
        np.testing.assert_allclose(net.features(images[3], layer), maps[3], **close)
    assert (images == mapped).all(), "images are not changed"


def test_preprocessing_in_rgb():  # in BGR: test_all_layers_against_plain_numpy
    pixel = torch.tensor([10, 20, 30], dtype=torch.uint8).reshape(1, 1, 1, 3)
    rgb = convnet.Preprocessing("rgb", (1.0, 2.0, 3.0))(pixel)
    assert rgb.reshape(3).tolist() == [9, 18, 27]


def test_the_digest_depends_on_architecture_parameters_and_preprocessing(rng):
    weights = random_parameters(rng, "caffenet")
    changed = {**weights, "conv3.bias": weights["conv3.bias"] + 1e-3}
    settings = [("caffenet", weights, 1), ("caffenet", changed, 1), ("alexnet", weights, 1)]
    settings += [("caffenet", weights, 0.5), ("caffenet", weights, 1)]
    nets = [convnet.AlexNet(name, values, preprocessing(scale)) for name, values, scale in settings]
    assert len({net.digest for net in nets}) == 4 and nets[4].digest == nets[0].digest
    assert len(nets[0].digest) == 16 and nets[0].digest in repr(nets[0])


# Bad input

IMAGE = np.zeros((227, 227, 3), np.uint8)
NARROW, WITH_FC = (random_network(np.random.default_rng(0), hidden=hidden) for hidden in (None, 4))


test_bad_input_is_refused = refused(
    (lambda: NARROW.features(IMAGE, "conv9"), r"conv9.*conv1, pool1, norm1, conv2"),
    (lambda: NARROW.features(IMAGE, "fc7"), r"narrow.npz: unknown layer 'fc7'.*, pool5; and"),
    (lambda: NARROW.layer_features(IMAGE[None], []), "at least one layer"),
    (lambda: NARROW.channels("conv9"), r"conv9.*conv1"),
    (lambda: NARROW.channels("fc7"), r"narrow.npz.*no.*fc7"),
    (lambda: NARROW.features(np.zeros((98, 200, 3), np.uint8), "conv3"), r"98 x 200.*conv3 \(99 x 99\)"),
    (lambda: NARROW.features(np.zeros((227, 227, 3)), "conv1"), "uint8 RGB"),
    (lambda: NARROW.features(np.zeros((227, 227, 4), np.uint8), "conv1"), "uint8 RGB"),
    (lambda: NARROW.features([1, 2, 3], "conv1"), "uint8 RGB"),
    (lambda: WITH_FC.features(np.zeros((240, 227, 3), np.uint8), "fc7"), "fc7: .* 227 x 227.*240 x 227"),
    (lambda: convnet.architecture("vgg"), r"vgg.*caffenet, alexnet, torchvision"),
    (lambda: convnet.Preprocessing("gbr", (0.0, 0.0, 0.0)), "gbr"),
)


def test_weights_of_the_wrong_shape_are_refused(rng):
    weights = random_parameters(rng, "caffenet")
    for change, message in (
        ({"conv2.weight": np.zeros((6, 4, 5, 5))}, r"conv2.weight of shape \(6, 2, 5, 5\).*\(6, 4, 5, 5\)"),
        ({"conv3.bias": np.zeros(5)}, r"conv3.bias of shape \(4,\).*\(5,\)"),
        ({"conv3.bias": None}, r"conv3.bias of shape \(4,\).*nothing"),
        ({"conv2.weight": np.zeros((5, 2, 5, 5))}, "2 groups of conv2 do not divide"),
        ({"conv6.weight": np.zeros(5)}, "conv6.weight do not belong"),
        ({"fc6.weight": np.zeros((4, 99)), "fc6.bias": np.zeros(4)}, r"fc6.weight of shape \(4, 216\)"),
    ):
        given = {key: value for key, value in (weights | change).items() if value is not None}
        with pytest.raises(ValueError, match=r"some/file.npz: .*" + message):
            convnet.AlexNet("caffenet", given, preprocessing(), source="some/file.npz")


COMPUTED = [
    lambda net, image: net.features(image, "conv2"),
    lambda net, image: net.layer_features(image[None], ["conv1", "conv2"]),
    lambda net, image: dense.dense_features(net, image, ["conv2"]),
]


@pytest.mark.parametrize("compute", COMPUTED)
def test_features_that_overflow_are_an_error(rng, compute):
    weights = narrow.parameters()
    weights["conv2.weight"][3, 0, 2] = 3e38
    net = convnet.AlexNet("caffenet", weights, preprocessing(), source="huge.safetensors")
    image = noise(rng, 227, 227)
    assert np.isfinite(net.features(image, "norm1")).all()
    with pytest.raises(ValueError, match="features of conv2 are not finite"):
        compute(net, image)


# The device


def test_the_device_is_the_named_one_or_the_cpu(rng, monkeypatch):
    monkeypatch.delenv("CORRLIB_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.device() == torch.device("cpu")
    monkeypatch.setenv("CORRLIB_DEVICE", "cpu:0")
    assert device.device() == torch.device("cpu:0") == random_network(rng).device
    for name in ("cuda:7", "meta", "gpu", "cuda:x"):
        monkeypatch.setenv("CORRLIB_DEVICE", name)
        for use in (device.device, lambda: random_network(rng)):
            with pytest.raises(ValueError, match=rf"no device '{name}': torch .* sees cpu.*CORRLIB_DEVICE"):
                use()


def test_on_a_gpu_convolutions_are_not_rounded_to_tensorfloat(monkeypatch):
    # Without a GPU: the tensor that tests the device stays on the CPU.
    zeros = torch.zeros
    monkeypatch.setenv("CORRLIB_DEVICE", "cuda:1")
    monkeypatch.setattr(torch, "zeros", lambda n, device: zeros(n))
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert device.device() == torch.device("cuda:1") and not torch.backends.cudnn.allow_tf32


def test_everything_is_computed_on_the_device(rng, monkeypatch):
    # Tensors on the device "meta" have no values: torch complains where results are copied back, no earlier.
    monkeypatch.setattr(convnet.alexnet, "device", lambda: torch.device("meta"))
    for compute in (
        *COMPUTED,
        lambda net, image: net.features(image, "conv3 linear"),
        lambda net, _: retrieval.nearest(np.eye(7), np.eye(7), 2, chunk=4, device="meta"),
    ):
        with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
            compute(random_network(rng), noise(rng, 227, 227))


# Features at every pixel: against the network itself, and against shifted crops


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


test_bad_input_of_dense_features_is_refused = refused(
    (lambda: dense_features(WITH_FC, IMAGE, ["conv9"]), "unknown layer 'conv9'; known layers: conv1, pool1"),
    (lambda: dense_features(WITH_FC, IMAGE, []), "at least one layer"),
    (lambda: dense_features(WITH_FC, IMAGE, ["fc7"]), "fc7 is fully connected"),
    (lambda: dense_features(WITH_FC, IMAGE.astype(float), ["conv1"]), r"\(227, 227, 3\) float64"),
    (lambda: dense_features(WITH_FC, IMAGE[None], ["conv1"]), r"expected images \(H, W, 3\)"),
    (lambda: dense_features(WITH_FC, IMAGE[:, :130], ["conv1", "conv4"]), r"227 x 130 are .* \(131 x 131\)"),
    (lambda: dense_features(WITH_FC, IMAGE, ["norm1 linear"]), "unknown layer 'norm1 linear'; known layers:"),
)
