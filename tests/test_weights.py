"""Weights files of every type: what is read, by independent arithmetic, and what happens to corrupt files."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

import caffe
from caffe import blob, field, layer
from corrlib import convnet
from corrlib.convnet.caffemodel import read_caffemodel
from corrlib.convnet.weights import TORCHVISION_NAMES
from corrlib.figurines import CATEGORIES
from corrlib.figurines.pretraining import HELD_OUT_SEED, labelled_images
from corrlib.figurines.training import accuracy
from narrow import preprocessing, random_parameters, slow_features


def synthetic_image():
    y, x = np.mgrid[0:227, 0:227]
    channels = [(3 * x + y) % 256, (x * y // 16) % 256, (x + 5 * y) // 8 % 2 * 200]
    return np.stack(channels, axis=-1).astype(np.uint8)


# BVLC AlexNet's convolutions


def test_recorded_activations_of_bvlc_alexnet(real):
    """Recorded from a float64 NumPy network: BGR, 0..255, mean, groups and norm before pool all matter."""
    net = convnet.load(real / "weights" / "bvlc_alexnet_conv_int8.npz")
    conv4, conv5 = (net.features(synthetic_image(), layer)[6, 6] for layer in ("conv4", "conv5"))
    assert (conv4 > 0).sum() == 92
    recorded = [82.9821, 76.382, 76.3232, 70.6377, 68.9406, 67.0552]
    np.testing.assert_allclose(conv4[[150, 356, 221, 307, 164, 308]], recorded, rtol=1e-4)
    recorded = [24.9822, 17.705, 14.6377, 13.7124, 12.6042, 9.6111]
    np.testing.assert_allclose(conv5[[74, 16, 9, 138, 241, 192]], recorded, rtol=1e-4)


def test_int8_npz(rng, tmp_path):
    path = tmp_path / "net.npz"
    arrays, expected = {"mean_bgr": np.array([104.0, 117.0, 123.0])}, {}
    for key, value in random_parameters(rng, "alexnet").items():
        name, kind = key.split(".")
        if kind == "weight":
            arrays[f"{name}_w_int8"] = np.clip(np.rint(value * 128), -128, 127).astype(np.int8)
            expected[key] = arrays[f"{name}_w_int8"].astype(np.float32) / 128
        else:
            arrays[f"{name}_b"] = expected[key] = value
    np.savez(path, **arrays)
    mean = convnet.Preprocessing("bgr", (104.0, 117.0, 123.0))
    assert convnet.load(path).digest == convnet.AlexNet("alexnet", expected, mean).digest


# torchvision


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("net.pth", lambda state: state),
        ("net.pt", lambda state: {"model": {f"module.{k}": v for k, v in state.items()}}),  # DataParallel
        ("net.v2.pth", lambda state: {"model_state_dict": {f"_orig_mod.{k}": v for k, v in state.items()}}),
        (  # as PyTorch's example of training on ImageNet saves it
            "model_best.PTH.tar",
            lambda state: {
                "epoch": 90,
                "state_dict": {key.replace("features.", "features.module."): v for key, v in state.items()},
                "optimizer": {"state": {}, "param_groups": [{"lr": 0.01}]},
            },
        ),
    ],
)
def test_torchvision_state_dict(rng, tmp_path, name, saved):
    path = tmp_path / name
    weights = random_parameters(rng, "torchvision", hidden=5)
    names = {name: module for module, name in TORCHVISION_NAMES.items()}
    split = ((key.split("."), torch.from_numpy(value)) for key, value in weights.items())
    state = {f"{names[name]}.{kind}": value for (name, kind), value in split}
    assert {"features.0.weight", "features.10.bias", "classifier.1.weight", "classifier.6.bias"} <= set(state)
    torch.save(saved(state), path)
    net = convnet.load(path)
    image = rng.integers(0, 256, (227, 227, 3), dtype=np.uint8)
    x = (image / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    expected = slow_features("torchvision", weights, x.transpose(2, 0, 1))
    np.testing.assert_allclose(net.features(image, "pool1"), expected["pool1"].transpose(1, 2, 0), atol=1e-4)
    np.testing.assert_allclose(net.features(image, "fc8"), expected["fc8"], rtol=1e-4, atol=1e-4)


# Our own files


def test_safetensors_round_trip(rng, tmp_path):
    path = tmp_path / "net.safetensors"
    weights = random_parameters(rng, "caffenet", hidden=5)
    metadata = {"categories": json.dumps(["a", "b"]), "seed": "3"}
    convnet.save(path, "caffenet", weights, preprocessing(), metadata)
    net = convnet.load(path)
    halves = {key: value.astype(np.float16) for key, value in weights.items()}
    assert net.digest == convnet.AlexNet("caffenet", halves, preprocessing()).digest
    assert (net.categories, net.metadata["seed"], net.name) == (("a", "b"), "3", "net")
    assert [file.name for file in tmp_path.iterdir()] == ["net.safetensors"]
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz"):
        convnet.load("nowhere.npz")
    with pytest.raises(ValueError, match=r"test_weights\.py: unknown.*'\.py'.*\.safetensors, \.caffemodel"):
        convnet.load(__file__)


def test_bfloat16_safetensors(rng, tmp_path):
    weights = random_parameters(rng, "caffenet")
    about = {"architecture": "caffenet", "preprocessing": json.dumps(asdict(preprocessing()))}
    rounded = {key: torch.from_numpy(value).bfloat16() for key, value in weights.items()}
    save_file(rounded, tmp_path / "net.safetensors", about)
    expected = {key: value.float().numpy() for key, value in rounded.items()}
    digest = convnet.AlexNet("caffenet", expected, preprocessing()).digest
    assert convnet.load(tmp_path / "net.safetensors").digest == digest


def test_the_shipped_figurine_network_is_as_its_metadata_says(tmp_path):
    net = convnet.load()
    assert Path(net.source).stat().st_size < 5e6
    assert net.digest == net.metadata["digest"]
    assert net.architecture.name == "caffenet"
    assert net.categories == tuple(CATEGORIES)
    assert {"command", "seed", "accuracy", "training"} <= set(net.metadata)

    # The first 400 of the held-out images on which its accuracy was measured, rendered again.
    recorded = float(net.metadata["accuracy"])
    assert recorded >= 0.75
    images, labels = labelled_images(tmp_path, per_category=20, seed=HELD_OUT_SEED, progress=False)
    found = accuracy(net, images, labels)
    assert abs(found - recorded) < 4 * (recorded * (1 - recorded) / len(images)) ** 0.5


# The .caffemodel reader against an encoder of the wire format, and on genuine files with their prototxt


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.caffemodel"


# Any shape, any encoding


@given(
    st.lists(st.tuples(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.booleans()), max_size=4),
    st.booleans(),
)
def test_every_encoding(tmp_path_factory, shapes, old):
    path = tmp_path_factory.mktemp("net") / "net.caffemodel"
    rng, content, expected = np.random.default_rng(0), field(1, b"a name"), {}
    for index, (shape, legacy) in enumerate(shapes):
        array = rng.normal(size=shape).astype(np.float32)
        content += layer(f"layer {index}", blob(array, legacy=legacy), old=old)
        expected[f"layer {index}"] = array.reshape((1,) * (4 - array.ndim) + array.shape) if legacy else array
    expected["last"] = np.arange(3.0, dtype=np.float32)
    path.write_bytes(content + layer("last", blob(expected["last"])))
    found = read_caffemodel(path)
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], [array])
        assert found[name][0].dtype == np.float32


def test_layers_without_blobs_and_of_one_name_keep_the_order(path):
    weights = blob(np.ones((2, 3), np.float32))
    path.write_bytes(layer("data") + layer("ip", weights) + layer("ip") + layer("data") + layer("loss"))
    found = read_caffemodel(path)
    assert {name: len(blobs) for name, blobs in found.items()} == {"data": 0, "ip": 1, "loss": 0}
    assert list(found) == ["data", "ip", "loss"]


# Genuine files


@pytest.mark.parametrize("name", ["det1", "det2"])
def test_genuine_files_have_the_shapes_of_their_prototxt(real, name):
    blobs = read_caffemodel(real / "caffemodel" / f"{name}.caffemodel")
    prototxt = re.sub(r"#.*", "", (real / "caffemodel" / f"{name}.prototxt").read_text())
    checked = 0
    for definition in prototxt.split("layer {")[1:]:
        if outputs := re.search(r"num_output:\s*(\d+)", definition):
            layer_name = re.search(r'name:\s*"(.*?)"', definition).group(1)
            weight, bias = blobs[layer_name]
            assert (len(weight), bias.shape) == (int(outputs.group(1)), (int(outputs.group(1)),))
            if kernel := re.search(r"kernel_size:\s*(\d+)", definition):
                assert weight.shape[2:] == (int(kernel.group(1)),) * 2
            assert np.isfinite(weight).all()
            assert 0.01 < weight.std() < 1
            checked += 1
    assert checked >= 5


def test_a_genuine_file_of_another_network_is_refused(real):
    with pytest.raises(ValueError, match=r"det1\.caffemodel: .*conv"):
        convnet.load(real / "caffemodel" / "det1.caffemodel")


# Bad files


def test_every_truncation_is_refused(path):
    whole = layer("ip", blob(np.ones((3, 2), np.float32)), blob(np.ones(3, np.float32)))
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"net\.caffemodel: not a readable"):
            read_caffemodel(path)


# Networks


@pytest.mark.parametrize("legacy", [False, True], ids=["layer", "layers (V1)"])
def test_caffenet_and_alexnet_are_recognised_by_the_order_of_their_layers(rng, path, legacy):
    weights = random_parameters(rng, "caffenet", hidden=7)
    path.write_bytes(caffe.network(weights, legacy=legacy))
    net = convnet.load(path)
    mean = (104.00698793, 116.66876762, 122.67891434)
    assert net.digest == convnet.AlexNet("caffenet", weights, convnet.Preprocessing("bgr", mean)).digest
    assert net.layers[-3:] == ("fc6", "fc7", "fc8")
    path.write_bytes(caffe.network(random_parameters(rng, "caffenet"), order=("conv1", "norm1", "pool1")))
    assert convnet.load(path).architecture.name == "alexnet"
