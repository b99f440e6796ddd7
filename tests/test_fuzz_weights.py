"""Weights that are damaged, foreign or hostile: a network or our own error, soon, in little memory."""

import io
import json
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

import caffe
import narrow
from corrlib import convnet
from corrlib.convnet import weights
from corrlib.convnet.caffemodel import read_caffemodel
from faults import attempt, bounded, damaged, fuzzed

words = st.text(max_size=9)


def network(path, **how):
    """Load weights; what is loaded, if anything, is a network that computes, or says that it cannot."""
    found = attempt(convnet.load, path, names=path, **how)
    if found:
        features = attempt(found.features, np.zeros((11, 11, 3), np.uint8), "conv1", names=path)
        assert features is None or np.isfinite(features).all()
    return found


def stored(parameters=None, name="caffenet"):
    """Bytes of our own weights."""
    about = {"architecture": name, "preprocessing": json.dumps(PREPROCESSING)}
    arrays = {k: v.astype(np.float16) for k, v in (parameters or narrow.parameters()).items()}
    return save(arrays, about)


def caffemodel(**how):
    parameters = narrow.parameters()
    layers = [
        caffe.layer(f"conv{n}", *(caffe.blob(parameters[f"conv{n}.{k}"], **how) for k in ("weight", "bias")))
        for n in range(1, 6)
    ]
    return b"".join(layers)


PREPROCESSING = {"channels": "rgb", "mean": [128.0] * 3, "scale": [1.0] * 3}
odd = st.sampled_from([0, 1, 2, 3, 8, 127, 2**31, 2**32 - 1, 2**63, 2**64 - 1, 2**69])
fields = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 100, 0, 2**29 - 1, 2**40])
leaves = st.builds(caffe.number_field, fields, odd) | st.builds(caffe.field, fields, st.binary(max_size=9))
leaves |= st.builds(lambda n, c: caffe.varint(n << 3 | 5) + c, fields, st.binary(min_size=4, max_size=4))
messages = st.recursive(
    leaves, lambda m: st.builds(caffe.field, fields, st.lists(m).map(b"".join)), max_leaves=20
)


@fuzzed
@given(
    content=st.lists(messages).map(b"".join) | damaged(caffemodel(), caffemodel(packed=False, double=True))
)
def test_caffemodels(tmp_path, content):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(content)
    layers = attempt(read_caffemodel, path, names=path)
    for blobs in (layers or {}).values():
        assert all(b.dtype == np.float32 and b.nbytes <= len(content) for b in blobs)
    network(path)


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
kinds = st.sampled_from(["F32", "F16", "BF16", "F64", "I64", "BOOL", "F8_E4M3", "F4", "C64", "U8", "X"])
claims = st.fixed_dictionaries(
    {
        "dtype": kinds,
        "shape": st.lists(odd | st.integers(-1, 4), max_size=5),
        "data_offsets": st.lists(odd, max_size=3),
    }
)
metadata = st.fixed_dictionaries(
    {},
    optional={
        "architecture": st.sampled_from(["caffenet", "torchvision", "x"]),
        "preprocessing": any_json.map(json.dumps) | words | st.just("[" * 10**5),
    },
)
headers = st.fixed_dictionaries(
    {}, optional={"__metadata__": metadata | any_json, "conv1.weight": claims | any_json, "x": claims}
)


def safetensors(header, claimed, body):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if claimed is None else claimed % 2**64) + text + body


@fuzzed
@given(content=st.builds(safetensors, headers, st.none() | odd, st.binary(max_size=40)) | damaged(stored()))
def test_safetensors(tmp_path, content):
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    network(path)


def npz():
    """Members of an .npz: names and their bytes."""
    arrays = {"mean_bgr": np.array([104.0, 117.0, 123.0])}
    for key, value in narrow.parameters().items():
        name, kind = key.split(".")
        arrays[f"{name}_w_int8" if kind == "weight" else f"{name}_b"] = value.astype(
            np.int8 if kind == "weight" else "f4"
        )
    files = {}
    for name, array in arrays.items():
        np.save(buffer := io.BytesIO(), array)
        files[f"{name}.npy"] = buffer.getvalue()
    return files


def zipped(files, how=zipfile.ZIP_STORED):
    """An archive that says nothing of when it was made, or every run would try others."""
    with zipfile.ZipFile(buffer := io.BytesIO(), "w", how) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, how)
    return buffer.getvalue()


def header(**values):
    """A .npy file that claims something and has four bytes."""
    text = repr({"descr": "<f4", "fortran_order": False, "shape": (1,)} | values).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(4)


shapes = st.lists(odd | st.integers(-1, 4), max_size=4).map(tuple)
types = st.sampled_from(["<f4", "|O", "<U3", "<M8[s]", "<c8", "f4,f4", "", "|V4", "<f2", ">i8", ["x"], None])
arrays = st.builds(lambda s, t, f: header(shape=s, descr=t, fortran_order=f), shapes, types, st.booleans())
methods = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
NPZ = npz()
members = st.sampled_from(sorted(NPZ))
remade = st.builds(
    lambda n, c, how: zipped(NPZ | {n: c}, how), members, arrays | damaged(NPZ["conv1_b.npy"]), methods
)


@fuzzed
@given(content=remade | damaged(zipped(NPZ), zipped(NPZ, zipfile.ZIP_LZMA), header(shape=(2**40,))))
def test_npz(tmp_path, content):
    path = tmp_path / "net.npz"
    path.write_bytes(content)
    network(path)


def pth(*, legacy=False, **more):
    """Bytes of a state dict of torchvision's alexnet, narrow and without groups."""
    shapes = [(8, 3, 11, 11), (8, 8, 5, 5), (8, 8, 3, 3), (6, 8, 3, 3), (4, 6, 3, 3)]
    state = {}
    for module, shape in zip(weights.TORCHVISION_NAMES, shapes, strict=False):
        state |= {f"{module}.weight": torch.zeros(shape), f"{module}.bias": torch.zeros(shape[0])}
    torch.save(state | more, buffer := io.BytesIO(), _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def unzipped(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


PTH = pth()
(PICKLED,) = (content for name, content in unzipped(PTH).items() if name.endswith("data.pkl"))


def repickled(content):
    """The same archive, whose checksums are right, around another pickle."""
    return zipped({n: content if n.endswith("data.pkl") else c for n, c in unzipped(PTH).items()})


@fuzzed
@given(content=damaged(PICKLED).map(repickled) | damaged(PTH, pth(legacy=True)))
def test_state_dicts(tmp_path, content):
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    network(path, asks=True)


# What has been found, each by itself.


def claiming(content, size):
    """An archive whose directory says that its first member takes so many bytes in it."""
    data, at = bytearray(content), content.index(b"PK\x01\x02") + 20
    data[at : at + 4] = struct.pack("<I", size)
    return bytes(data)


def flagged(content, offset, value):
    """An archive whose first member says something else in its own header and in the directory."""
    data, entry = bytearray(content), content.index(b"PK\x01\x02")
    data[offset : offset + 2] = data[entry + offset + 2 : entry + offset + 4] = struct.pack("<H", value)
    return bytes(data)


HOSTILE = {
    "encrypted.npz": flagged(zipped(NPZ), 6, 1),
    "method.npz": flagged(zipped(NPZ), 8, 97),
    "dictionary.npz": zipped(NPZ, zipfile.ZIP_LZMA).replace(b"]\0\0\x80\0", b"]\0\0\x80\x80"),
    "member.npz": claiming(zipped(NPZ), 2**31),
    "claim.npz": zipped(NPZ | {"conv1_b.npy": header(shape=(2**50,))}),
    "objects.npz": zipped(NPZ | {"conv1_b.npy": header(descr="|O")}),
    "bare.npz": header(shape=(2**50,)),
    "deep.safetensors": safetensors(
        {"__metadata__": {"architecture": "caffenet", "preprocessing": "[" * 10**5}}, None, b""
    ),
    "type.safetensors": safetensors(
        {"x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}, None, bytes(4)
    ),
    "void.safetensors": safetensors(
        {"x": {"dtype": "F32", "shape": [0, 2**40, 2**40], "data_offsets": [0, 0]}}, None, b""
    ),
    "length.safetensors": struct.pack("<Q", 2**63),
    "axes.caffemodel": caffe.layer("a", caffe.field(7, caffe.field(1, caffe.varint(2**60) * 10**5))),
    "sides.caffemodel": caffe.layer(
        "a", caffe.field(7, caffe.field(1, caffe.varint(0) + caffe.varint(2**69)))
    ),
    "view.pth": pth(**{"features.0.weight": torch.zeros(1, 1, 1, 1).expand(2**20, 3, 11, 11)}),
    "meta.pth": pth(**{"features.0.bias": torch.zeros(8, device="meta")}),
    "negated.pth": pth(**{"features.0.bias": torch._neg_view(torch.zeros(8))}),
    "complex.pth": pth(**{"features.0.bias": torch.zeros(8, dtype=torch.complex64)}),
    "sparse.pth": pth(**{"features.0.bias": torch.zeros(8).to_sparse()}),
    "squeezed.pth": zipped(unzipped(pth(more=torch.zeros(10**6))), zipfile.ZIP_DEFLATED),
    "program.pth": pickle.dumps(print),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_has_been_found(tmp_path, name):
    (tmp_path / name).write_bytes(HOSTILE[name])
    with bounded(seconds=5), pytest.raises(ValueError, match=name):
        convnet.load(tmp_path / name)
    assert attempt(convnet.load, tmp_path / name, names=name) is None


def test_an_npz_that_unpacks_to_more_than_it_may(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    path.write_bytes(zipped(NPZ, zipfile.ZIP_DEFLATED))
    assert network(path)
    monkeypatch.setattr(weights, "LARGEST_NPZ", sum(map(len, NPZ.values())) - 1)
    with pytest.raises(ValueError, match="unpacks to more than"):
        convnet.load(path)


def test_numbers_one_a_field_take_little_more_than_the_file(tmp_path):
    path = tmp_path / "net.caffemodel"
    values = np.arange(20_000, dtype=np.float32)
    path.write_bytes(caffe.layer("a", caffe.blob(values, packed=False)))
    tracemalloc.start()
    (found,) = read_caffemodel(path)["a"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(found, values)
    assert peak < 4 * path.stat().st_size


@pytest.mark.parametrize("name", ["net.npz", "net.safetensors", "net.pth", "net.caffemodel"])
def test_what_is_whole_is_read(tmp_path, name):
    whole = {"npz": zipped(NPZ), "safetensors": stored(), "pth": PTH, "caffemodel": caffemodel(packed=False)}
    (tmp_path / name).write_bytes(whole[name.partition(".")[2]])
    assert network(tmp_path / name).channels("conv5") == 4
