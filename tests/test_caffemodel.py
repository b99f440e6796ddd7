"""The .caffemodel reader against an encoder of the wire format, and on genuine files with their prototxt."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import caffe
from caffe import blob, field, layer
from corrlib import convnet
from corrlib.convnet.caffemodel import read_caffemodel
from narrow import random_parameters


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
    assert net.digest == convnet.Network("caffenet", weights, convnet.Preprocessing("bgr", mean)).digest
    assert net.layers[-3:] == ("fc6", "fc7", "fc8")
    path.write_bytes(caffe.network(random_parameters(rng, "caffenet"), order=("conv1", "norm1", "pool1")))
    assert convnet.load(path).architecture.name == "alexnet"
