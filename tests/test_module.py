"""Other networks in AlexNet's place: an AlexNet itself, as an independent truth, and modules made here."""

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import narrow
from conftest import ROOT, refused
from corrlib import convnet
from corrlib.convnet import module
from corrlib.convnet.dense import dense_features, dense_field
from corrlib.publishing.book.execution import chapter_digest

NAMES = ["conv1", "conv2", "conv3", "conv4", "conv5"]
RGB = convnet.Preprocessing("rgb", (128.0,) * 3, (1 / 64,) * 3)


def alexnet_of_torch(network):
    """The convolution layers of an AlexNet as modules of torch."""
    layers = []
    for layer in network.architecture.layers:
        if layer.kind == "conv":
            weight, bias = network.parameters(layer.name)
            sizes = weight.shape[1] * layer.groups, weight.shape[0], layer.kernel
            step = nn.Conv2d(*sizes, layer.stride, layer.padding, groups=layer.groups)
            step.load_state_dict({"weight": weight, "bias": bias})
            step = nn.Sequential(step, nn.ReLU())
        elif layer.kind == "pool":
            step = nn.MaxPool2d(layer.kernel, layer.stride, ceil_mode=layer.ceil)
        elif layer.kind == "norm":
            step = nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0)
        else:
            break
        layers.append((layer.name, step))
    return nn.Sequential(OrderedDict(layers))


class Transformer(nn.Module):
    """Patches of 14 x 14 pixels, five layers of attention over all of them, and a class token."""

    def __init__(self, width=8):
        super().__init__()
        torch.manual_seed(0)
        self.patch = nn.Conv2d(3, width, 14, 14)
        attention = dict(nhead=2, dim_feedforward=16, dropout=0.0, batch_first=True)
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(width, **attention) for _ in NAMES)

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([tokens.new_zeros(len(tokens), 1, tokens.shape[2]), tokens], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens


def transformer(**options):
    blocks = [f"blocks.{n}" for n in range(5)]
    return convnet.Module(Transformer(), blocks, RGB, **dict(name="tiny", multiple=14) | options)


@pytest.fixture(scope="module")
def pair():
    """An AlexNet, and the same as a module."""
    network = narrow.network()
    return network, convnet.Module(alexnet_of_torch(network), NAMES, network.preprocessing, name="other")


def test_receptive_fields_that_are_measured_are_those_of_the_layers(pair):
    network, other = pair
    assert other.layers == (*NAMES, "pool5") and other.name == "other"
    for name in other.receptive_fields:
        assert other.field(name) == network.field(name)
        assert other.channels(name) == network.channels(name)


def test_features_are_those_of_the_module_at_the_same_places(pair, rng):
    network, other = pair
    image = narrow.noise(rng, 227, 250)
    for name in (*NAMES, "pool5", "conv4 linear"):
        expected, found = (net.features(image, name.removesuffix(" linear")) for net in (network, other))
        assert other.features(image, name).shape[:2] == other.output_shape((227, 250), name)
        # At the right and at the bottom the padding of the image is seen.
        far = 195 // network.field(name).stride
        seen = tuple(max(side - far // 2 - 1, 1) for side in expected.shape[:2])
        np.testing.assert_allclose(
            found[: seen[0] // 2, : seen[1] // 2], expected[: seen[0] // 2, : seen[1] // 2], atol=1e-4
        )


def test_every_stride_th_dense_feature_is_the_modules_own_and_between_them_it_is_linear(pair, rng):
    _, other = pair
    image = narrow.noise(rng, 227, 227)
    dense, own = dense_features(other, image, ["conv3"])["conv3"], other.features(image, "conv3")
    np.testing.assert_allclose(dense[::16, ::16], own, atol=1e-5)
    np.testing.assert_allclose(dense[0, 4], 0.75 * own[0, 0] + 0.25 * own[0, 1], atol=1e-5)
    assert dense_field(other, "conv3").stride == 1


def test_tokens_become_a_map_without_the_class_token(rng):
    net, image = transformer(), narrow.noise(rng, 227, 300)
    assert net.field("conv3").size == convnet.INPUT_SIDE and net.field("conv3").stride == 14
    # A unit of attention sees everything, and its own patch of 14 pixels the most.
    assert abs(net.field("conv1").center - 6.5) <= 3
    found = net.features(image, "conv2")
    assert found.shape == (*net.output_shape((227, 300), "conv2"), 8) == (16, 21, 8)
    padded = np.zeros((238, 308, 3), np.float32)
    padded[:227, :300] = (image - np.float32(128)) / 64
    model = Transformer().eval()
    with torch.inference_mode():
        tokens = model.patch(torch.from_numpy(padded).permute(2, 0, 1)[None]).flatten(2).transpose(1, 2)
        tokens = torch.cat([torch.zeros(1, 1, 8), tokens], dim=1)
        tokens = model.blocks[1](model.blocks[0](tokens))[0, 1:].unflatten(0, (17, 22)).numpy()
    np.testing.assert_allclose(found, tokens[:16, :21], atol=1e-5)


def test_threads_do_not_mix_their_features(pair, rng):
    _, other = pair
    images = [narrow.noise(rng, 227, 227) for _ in range(8)]
    expected = [other.features(image, "conv5") for image in images]
    with ThreadPoolExecutor(4) as pool:
        for found, own in zip(pool.map(lambda i: other.features(i, "conv5"), images), expected, strict=True):
            np.testing.assert_array_equal(found, own)


def test_a_digest_depends_on_weights_layers_and_preprocessing(pair):
    network, other = pair
    given = alexnet_of_torch(network)
    again = convnet.Module(given, NAMES, network.preprocessing, name="other")
    with torch.no_grad():
        given.conv3[0].bias[0] += 1
    changed = convnet.Module(given, NAMES, network.preprocessing, name="other")
    scaled = convnet.Module(alexnet_of_torch(network), NAMES, RGB, name="other")
    assert again.digest == other.digest and len({other.digest, changed.digest, scaled.digest}) == 3


def test_a_retriever_describes_objects_and_changes_the_digest(pair, world, own_cache):
    from corrlib.experiments import neighbors

    network, other = pair
    together = network.retrieving_by(other)
    assert together.digest != network.digest and network.retriever is None
    described = [
        neighbors.global_descriptors(world, net, "cat", "val", "conv5 mean", 227)
        for net in (together, other, network)
    ]
    np.testing.assert_array_equal(described[0], described[1])
    assert not np.array_equal(described[0], described[2])


class Flat(nn.Module):
    """No grid, a grid that does not grow with the image, one without any gradient, and an unused layer."""

    def __init__(self):
        super().__init__()
        self.pool, self.flat, self.zero = nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Conv2d(3, 2, 1)
        self.unused = nn.Flatten()
        nn.init.zeros_(self.zero.weight)

    def forward(self, x):
        return self.flat(self.pool(x)), self.zero(x)


test_other_modules_are_refused = refused(
    (lambda: transformer(multiple=28), r"\(N, tokens, C\) with a token for every 28 pixels"),
    (lambda: convnet.Module(Flat(), ["flat"] * 5, RGB, name="x"), r"flat has outputs \(1, 147\)"),
    (lambda: convnet.Module(Flat(), ["pool"] * 5, RGB, name="x"), "pool has 7 x 7 units for images of"),
    (lambda: convnet.Module(Flat(), ["zero"] * 5, RGB, name="x"), "zero does not depend on the image"),
    (lambda: convnet.Module(Flat(), ["unused"] * 5, RGB, name="x"), "layers .*unused are not computed"),
    (lambda: convnet.Module(Flat(), ["pool", "nose"], RGB, name="x"), "found 2 layers"),
    (lambda: convnet.Module(Flat(), ["nose"] * 5, RGB, name="x"), r"\(pool, flat, zero.*no layer 'nose'"),
    (lambda: convnet.load("timm:resnet50"), "whose weights.*timm:NAME@FILE, or timm:NAME@pretrained"),
)


def test_without_timm_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(ValueError, match=r"needs timm.*pip install 'corrlib\[timm\]'.*convnet.Module"):
        convnet.load("timm:resnet50@weights.safetensors")


def test_a_chapter_depends_on_the_weights_of_a_specification(tmp_path, world):
    file, digests = tmp_path / "w.safetensors", []
    for content in (b"a", b"b"):
        file.write_bytes(content)
        given = {"data_root": str(world.root), "weights": f"timm:resnet18@{file}"}
        digests.append(chapter_digest(ROOT, ROOT / "book" / "_template.py", given))
    assert digests[0] != digests[1] and module.weights_file("timm:resnet18@pretrained") is None


def test_a_model_of_timm(tmp_path):
    try:
        import timm
    except Exception as error:
        pytest.skip(f"timm does not import: {error!s:.80}")
    from safetensors.torch import save_file

    first = {"resnet18": "act1", "vit_tiny_patch16_224": "blocks.0", "convnext_atto": "stem"}
    for name, stage in first.items():
        save_file(timm.create_model(name).state_dict(), tmp_path / "w.safetensors")
        net = convnet.load(f"timm:{name}@{Path(tmp_path, 'w.safetensors')}")
        assert net.stands_for["conv1"] == stage and net.name == name and len(net.layers) == 6
    with pytest.raises(ValueError, match="not a safetensors file with the weights of resnet18"):
        convnet.load(f"timm:resnet18@{Path(tmp_path, 'w.safetensors')}")
    with pytest.raises(ValueError, match="no model 'resnet0'; similar: "):
        convnet.load(f"timm:resnet0@{Path(tmp_path, 'w.safetensors')}")
