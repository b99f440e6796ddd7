"""The .caffemodel reader against an encoder of the wire format, and on genuine files with their prototxt."""

import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe import blob, field, layer, number_field, varint
from corrlib import convnet
from corrlib.convnet.caffemodel import read_caffemodel

SHAPES = [(4, 3, 11, 11), (6, 2, 5, 5), (4, 6, 3, 3), (8, 2, 3, 3), (6, 4, 3, 3)]  # of a narrow CaffeNet


def narrow_caffenet(rng, order=("conv1", "pool1", "norm1"), fc=True, **kwargs):
    """A file, and the parameters that are in it."""
    parameters = {f"conv{i}.weight": rng.normal(0, 0.1, shape) for i, shape in enumerate(SHAPES, 1)}
    if fc:
        parameters |= {"fc6.weight": rng.normal(0, 0.1, (5, 216)), "fc7.weight": rng.normal(0, 0.1, (7, 5))}
    parameters = {key: value.astype(np.float32) for key, value in parameters.items()}
    for key in list(parameters):
        parameters[key.replace("weight", "bias")] = rng.normal(size=len(parameters[key])).astype(np.float32)
    old = kwargs.get("legacy", False)
    names = [*order, *(key[:-7] for key in parameters if key.endswith("weight") and key != "conv1.weight")]
    encoded = field(1, b"CaffeNet")
    for name in names:
        arrays = [
            parameters[f"{name}.{kind}"] for kind in ("weight", "bias") if f"{name}.{kind}" in parameters
        ]
        encoded += layer(name, *(blob(array, **kwargs) for array in arrays), old=old)
    return encoded, parameters


# any shape, any way of writing it


@given(
    st.lists(st.tuples(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.booleans()), max_size=4),
    st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
def test_every_encoding(tmp_path_factory, shapes, old, packed, double):
    path = tmp_path_factory.mktemp("net") / "net.caffemodel"
    rng = np.random.default_rng(0)
    encoded, expected = field(1, b"a name"), {"last": [np.arange(3.0, dtype=np.float32)]}
    for index, (shape, legacy) in enumerate(shapes):
        array = rng.normal(size=shape).astype(np.float32)
        encoded += layer(f"layer {index}", blob(array, legacy=legacy, packed=packed, double=double), old=old)
        expected[f"layer {index}"] = [
            array.reshape((1,) * (4 - array.ndim) + array.shape) if legacy else array
        ]
    path.write_bytes(encoded + layer("last", blob(expected["last"][0])))
    found = read_caffemodel(path)
    assert list(found) == [*(name for name in expected if name != "last"), "last"]
    for name, arrays in expected.items():
        np.testing.assert_array_equal(found[name], arrays)
        assert found[name][0].dtype == np.float32


def test_layers_without_blobs_and_twins_keep_the_order(tmp_path):
    path = tmp_path / "net.caffemodel"
    weights = np.ones((2, 3), np.float32)
    path.write_bytes(layer("data") + layer("ip", blob(weights)) + layer("ip") + layer("data") + layer("loss"))
    found = read_caffemodel(path)
    assert {name: len(blobs) for name, blobs in found.items()} == {"data": 0, "ip": 1, "loss": 0}


# genuine files


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


def test_a_genuine_file_of_another_network(real):
    with pytest.raises(ValueError, match=r"det1\.caffemodel: .*conv"):
        convnet.load(real / "caffemodel" / "det1.caffemodel")


# bad files


def test_every_truncation_is_noticed(tmp_path):
    path = tmp_path / "net.caffemodel"
    whole = layer("ip", blob(np.ones((3, 2), np.float32)), blob(np.ones(3, np.float32)))
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"net\.caffemodel: not a readable"):
            read_caffemodel(path)


def test_a_truncated_genuine_file(real, tmp_path):
    path = tmp_path / "half.caffemodel"
    path.write_bytes((real / "caffemodel" / "det2.caffemodel").read_bytes()[:200_001])
    with pytest.raises(ValueError, match=r"half\.caffemodel: .*truncated"):
        read_caffemodel(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name: 'CaffeNet'\nlayer { name: 'conv1' type: 'Convolution' }\n" * 9,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)),
        b"\x80\x02}q\x00(X\x05\x00\x00\x00conv1q\x01" * 20,
        field(1, b"a net of nothing") + layer("data"),
        number_field(1, 99_999) + field(2, b"snapshot.caffemodel"),
        b"\xff" * 64,
    ],
    ids=["empty", "prototxt", "png", "pickle", "no weights", "solver state", "ones"],
)
def test_foreign_files(tmp_path, content):
    path = tmp_path / "foreign.caffemodel"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"foreign\.caffemodel: not a readable"):
        read_caffemodel(path)


def test_the_oldest_form_is_refused(tmp_path):
    path = tmp_path / "v0.caffemodel"
    weights = field(50, blob(np.ones((1, 1, 2, 2), np.float32), legacy=True))
    path.write_bytes(field(2, field(1, field(1, b"conv1") + weights) + field(2, b"data")))
    with pytest.raises(ValueError, match=r"v0\.caffemodel: .*V0LayerParameter.*upgrade_net_proto_binary"):
        read_caffemodel(path)


def test_a_shape_that_does_not_fit_its_numbers(tmp_path):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(layer("ip", field(7, field(1, varint(7))) + field(5, struct.pack("<3f", 1, 2, 3))))
    with pytest.raises(ValueError, match=r"net\.caffemodel: .*'ip' has shape \(7,\) and 3 numbers"):
        read_caffemodel(path)


# networks


@pytest.mark.parametrize("legacy", [False, True], ids=["layer", "layers (V1)"])
def test_a_caffenet(rng, tmp_path, legacy):
    path = tmp_path / "reference.caffemodel"
    encoded, parameters = narrow_caffenet(rng, legacy=legacy)
    path.write_bytes(encoded)
    net = convnet.load(path)
    mean = (104.00698793, 116.66876762, 122.67891434)
    assert net.digest == convnet.Network("caffenet", parameters, convnet.Preprocessing("bgr", mean)).digest
    assert net.name == "reference"
    assert net.fc7(np.zeros((227, 227, 3), np.uint8)).shape == (7,)


def test_alexnet_is_told_by_its_order(rng, tmp_path):
    path = tmp_path / "bvlc_alexnet.caffemodel"
    path.write_bytes(narrow_caffenet(rng, order=("conv1", "norm1", "pool1"), fc=False)[0])
    assert convnet.load(path).architecture.name == "alexnet"


def test_a_layer_without_bias(rng, tmp_path):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(layer("conv1", blob(np.ones(SHAPES[0], np.float32))))
    with pytest.raises(ValueError, match=r"net\.caffemodel: .*conv1, found 1 blobs"):
        convnet.load(path)
