"""Corrupt and hostile files of every kind that is read: a valid result or a ValueError that names the file.

Neither may take long or need much memory. Each case of `HOSTILE` without a message once raised another error,
did not end, or filled the memory. Valid files are also changed at random: 25 times, or FAULTS times (see
``make faults``).
"""

import contextlib
import gzip
import io
import lzma
import os
import pickle
import shutil
import struct
import tarfile
import tracemalloc
import zipfile

import cv2
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

import caffe
import hostile as make
import narrow
from corrlib import cache, convnet
from corrlib.data import VOC
from corrlib.data.annotations import read_berkeley, read_flags
from corrlib.data.download import Source, _unpack
from corrlib.publishing import cli
from hostile import changed, extended, headed, limited, member, read, unzipped, zipped

many = settings(max_examples=int(os.environ.get("FAULTS") or 25), suppress_health_check=list(HealthCheck))


def read_network(path):
    return convnet.load(path).features(np.zeros((11, 11, 3), np.uint8), "conv1")


def read_archive(path, largest=10**5):
    into = path.with_name("unpacked")
    shutil.rmtree(into, ignore_errors=True)
    before = set(path.parent.rglob("*"))
    try:
        _unpack(path, into, Source(path.name, (), "", largest, "annotations"))
    finally:
        made = set(path.parent.rglob("*")) - before
        assert all(p.is_relative_to(into) and not p.is_symlink() for p in made)
        assert sum(p.stat().st_size for p in made if p.is_file()) <= largest
    return path.suffix == ".tar" or (into / "cat/a.xml").read_bytes() == b"<a/>"  # gzip has a checksum


def read_grid(path):
    with contextlib.chdir(path.parent), contextlib.redirect_stderr(io.StringIO()) as stderr:
        if cli.main(["sweep", "small", "--grid", path.name, "--dry-run", "--out", "runs"]):
            raise ValueError(f"{path.name}: {stderr.getvalue()}")
    return True


BERKELEY = """<annotation><visible_bounds xmin="3" ymin="4" width="10" height="20"/>
<subcategory>kitten</subcategory><keypoints><keypoint name="Nose" visible="1" x="5" y="6"/>
<keypoint name="Tail" visible="0" x="-900" y="4"/></keypoints></annotation>"""
OBJECT = """<annotation><object><name>cat</name><truncated>1</truncated><difficult>0</difficult><bndbox>
<xmin>3</xmin><ymin>4</ymin><xmax>13</xmax><ymax>24</ymax></bndbox></object></annotation>"""
JPEG = cv2.imencode(".jpg", np.arange(216, dtype=np.uint8).reshape(8, 9, 3))[1].tobytes()
CHAPTER = '# %% tags=["parameters"]\nalpha: float = 0.1\nk: int = 5\nlayers: list[str] = ["conv3"]\n'
PARAMETERS = narrow.parameters()
MEAN = '{"channels": "rgb", "mean": [128, 128, 128], "scale": [1, 1, 1]}'


def safetensors(changed=(), **about):
    return save(PARAMETERS | dict(changed), {"architecture": "caffenet", "preprocessing": MEAN} | about)


ARRAYS = {f"conv{n}_w_int8": PARAMETERS[f"conv{n}.weight"].astype(np.int8) for n in range(1, 6)}
ARRAYS |= {f"conv{n}_b": PARAMETERS[f"conv{n}.bias"] for n in range(1, 6)}
np.savez(BUFFER := io.BytesIO(), mean_bgr=np.array([104.0, 117.0, 123.0]), **ARRAYS)
NPZ = unzipped(BUFFER.getvalue())
ZIP = zipped(NPZ)
XML, END = member("annotations/cat/a.xml", content=b"<a/>"), bytes(1024)
ANNOTATION, FLAGS = "annotations/cat/a_1.xml", "VOCdevkit/VOC2011/Annotations/a.xml"
IMAGE, SPLIT = "VOCdevkit/VOC2011/JPEGImages/a.jpg", "VOCdevkit/VOC2011/ImageSets/Main/train.txt"
READERS = {
    ANNOTATION: (BERKELEY.encode(), read_berkeley),
    FLAGS: (OBJECT.encode(), lambda path: read_flags(path, "cat", np.array([1.5, 2.5, 12.5, 23.5]))),
    IMAGE: (JPEG, lambda path: VOC(path.parents[3]).image("a")),
    SPLIT: (b"a\nb 1\n\n", lambda path: VOC(path.parents[4]).image_ids("train")),
    "a.tar": (XML * 3 + END, read_archive),
    "a.tgz": (gzip.compress(XML * 3 + END, mtime=0), read_archive),
    "grid.yml": (b"alpha: [0.05, 0.1:0.2:0.1]\nlayers: [[conv1, conv2], conv3]\n", read_grid),
    "net.caffemodel": (caffe.network(PARAMETERS), read_network),
    "net.safetensors": (safetensors(), read_network),
    "net.npz": (ZIP, read_network),
    "net.pth": (make.pth(), read_network),
}

TYPE = "<!DOCTYPE a [{}]>" + BERKELEY
SPARSE, MAP = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n", b"1\n0\n4\n" + bytes(506) + b"data"
NESTED, DTD = b"[" * 10**5, "document type"
CLAIM = b'{"x": {"dtype": "%s", "shape": %s, "data_offsets": [0, %d]}}'
SEVEN, THREE = caffe.field(7, caffe.field(1, b"\7")), caffe.field(5, struct.pack("<3f", 1, 2, 3))
V0_LAYER = caffe.field(1, caffe.field(1, b"conv1") + caffe.field(50, caffe.blob(np.ones((1, 1, 2, 2)))))
#: The content of a file, and what the error says if that matters.
HOSTILE = {
    ANNOTATION: {
        "entities": (TYPE.format('<!ENTITY x "ha"><!ENTITY y "&x;&x;">').replace("kitten", "&y;"), DTD),
        "a file as an entity": (TYPE.format('<!ENTITY x SYSTEM "file:///etc/hostname">'), DTD),
        "an entity in UTF-16": (TYPE.format('<!ENTITY x "y">').encode("utf-16"), DTD),
        "a remote document type": ('<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">' + BERKELEY, DTD),
        "an unknown encoding": '<?xml version="1.0" encoding="zlib"?>' + BERKELEY,
        "nothing": ("", "no XML"),
        "no bounds": ("<annotation/>", "no <visible_bounds>"),
        "no name": (BERKELEY.replace('name="Nose"', ""), "no name"),
    },
    FLAGS: {x: OBJECT.replace("<xmin>3", f"<xmin>{x}") for x in ("-1e308", "nan", "inf", "?")},
    IMAGE: {n: JPEG.replace(b"\0\b\0\t", n.to_bytes(2, "big") * 2, 1) for n in (5793, 20_000, 65_500)},
    SPLIT: {"bytes": (b"2011_000001\n\xff\xfe\n", "corrupt or no text")},
    "net.caffemodel": {
        "text": (b"name: 'CaffeNet'\nlayer { name: 'conv1' type: 'Convolution' }\n" * 9, "not a readable"),
        "no weights": (caffe.field(1, b"a net") + caffe.layer("data"), "no weights in its 1 layers"),
        "a solver state": (caffe.number_field(1, 99) + caffe.field(2, b"x.caffemodel"), "not a readable"),
        "the oldest form": (caffe.field(2, V0_LAYER), "upgrade_net_proto_binary"),
        "another shape": (caffe.layer("ip", SEVEN + THREE), r"'ip' has shape \(7,\) and 12 bytes"),
        "no bias": (caffe.layer("conv1", caffe.blob(np.ones((4, 3, 11, 11)))), "conv1, found 1 blobs"),
        "endless axes": caffe.layer("a", caffe.field(7, caffe.field(1, caffe.varint(2**60) * 10**5))),
        "an axis of 2**69": caffe.layer("a", caffe.field(7, caffe.field(1, b"\0" + caffe.varint(2**69)))),
        "features that overflow": caffe.network(
            PARAMETERS | {"conv1.weight": np.full((8, 3, 11, 11), -3e38)}
        ),
    },
    "net.safetensors": {
        "nested metadata": headed(b'{"__metadata__": {"preprocessing": "%s", "architecture": "x"}}' % NESTED),
        "a type that NumPy lacks": headed(CLAIM % (b"BF16", b"[2]", 4), bytes(4)),
        "axes of 2**40": headed(CLAIM % (b"F32", b"[0, 1099511627776, 1099511627776]", 0)),
        "a header of 2**63 bytes": struct.pack("<Q", 2**63),
        "another architecture": (safetensors(architecture="vgg"), "vgg"),
        "no preprocessing": (safetensors(preprocessing=""), "metadata"),
        "a mean of NaN": (safetensors(preprocessing=MEAN.replace("128", "NaN")), "finite"),
        "weights of NaN": (safetensors({"conv3.bias": np.full(8, np.nan)}), "conv3.bias holds NaN"),
    },
    "net.npz": {
        "encrypted": make.directory(ZIP, 8, b"\1\0"),
        "an unknown compression": make.directory(ZIP, 10, b"a\0"),
        "a member of 2 GB in a small file": make.directory(ZIP, 20, struct.pack("<I", 2**31)),
        "a bomb of 2 GB": make.directory(ZIP, 24, struct.pack("<I", 2**31)),
        "a dictionary of 2 GB": zipped(NPZ, zipfile.ZIP_LZMA).replace(b"]\0\0\x80\0", b"]\0\0\x80\x80"),
        "an array of 2**50 numbers": zipped(NPZ | {"conv1_b.npy": make.npy(shape=(2**50,))}),
        "objects": zipped(NPZ | {"conv1_b.npy": make.npy(descr="|O")}),
        "code": zipped(NPZ | {"conv1_b.npy": make.npy(descr="|O")[:-4] + pickle.dumps([make.Code()])}),
        "a .npy file": make.npy(shape=(2**50,)),
        "a pickle": (pickle.dumps({"conv1_w_int8": 1}), "not a readable"),
        "no array": (zipped({k: v for k, v in NPZ.items() if k != "conv4_b.npy"}), "conv4_b"),
    },
    "net.pth": {
        "a view with a stride of 0": make.pth(weight=torch.zeros(1, 1, 1, 1).expand(2**20, 3, 11, 11)),
        "a meta tensor": make.pth(bias=torch.zeros(8, device="meta")),
        "a negated view": make.pth(bias=torch._neg_view(torch.zeros(8))),
        "complex numbers": make.pth(bias=torch.zeros(8, dtype=torch.complex64)),
        "a sparse tensor": make.pth(bias=torch.zeros(8).to_sparse()),
        "text": (b"hello", "no PyTorch file"),
        "an end in the middle": (make.pth()[:-1000], "no PyTorch file"),
        "code": (make.pth(code=make.Code()), "no PyTorch file"),
        "another parameter": (make.pth({"features.12.weight": torch.zeros(1)}), "'features.12.weight'"),
        "no state dict": (make.pth({"epoch": 3}), "state dict"),
        "a number as a name": (make.pth({1: torch.zeros(2)}), "state dict"),
        "compressed": zipped(unzipped(make.pth(more=torch.zeros(10**6))), zipfile.ZIP_DEFLATED),
    },
    "grid.yml": {
        "aliases of aliases": "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c, *c]",
        "nested lists": b"alpha: " + NESTED,
        "a list as a name": "? [a]\n: b",
    },
    "a.tar": {
        "a path outside": member("../annotations/cat/a.xml"),
        "an absolute path": member("/annotations/cat/a.xml"),
        "a terabyte": member("annotations/x", size=2**40),
        "a negative size": member("annotations/x", size=-512),
        "a size that leads back": extended(content=b"14 size=-1536\n") + member("else"),
        "a large file": member("annotations/x", content=bytes(10**5)),
        "a file as a folder": member("annotations/cat/a.xml/b"),
        "a name of 300 bytes": member("annotations/" + "n" * 300),
        "a name of terabytes": extended(2**42, kind=tarfile.GNUTYPE_LONGNAME),
        **{f"records of {size} bytes": extended(size) * 2 for size in (-512, 2**31, 2**70)},
        "records of digits": extended(content=b"1" * 2**17),
        "headers of headers": extended() * 2000,
        "a sparse file": member("annotations/x", tarfile.GNUTYPE_SPARSE),
        "a sparse file by its records": extended(content=SPARSE) + member("annotations/x", content=MAP),
    },
}
HOSTILE[ANNOTATION] |= {f"x={x}": BERKELEY.replace('"5"', f'"{x}"') for x in ("1e308", "-1e999", "nan", "")}
HOSTILE[ANNOTATION] |= {f"width={x}": BERKELEY.replace('"10"', f'"{x}"') for x in ("1e308", "nan", "-1")}
HOSTILE["a.tar"] |= {f"link or device {n}": member("annotations/x", b"%d" % n) for n in (1, 2, 3, 4, 6)}
HOSTILE["a.tar"] = {case: XML + content + XML + END for case, content in HOSTILE["a.tar"].items()}
HOSTILE["a.tar"] |= {"no end": XML, "another folder": member("else/x") + END}
WHOLE = [JPEG[:-2], JPEG[: len(JPEG) // 2], b"", b"<html>"]
HOSTILE[IMAGE] |= {n: (content, "corrupt.*download it again") for n, content in enumerate(WHOLE)}
HOSTILE["a.tgz"] = {case: gzip.compress(content) for case, content in HOSTILE["a.tar"].items()}
HOSTILE["a.tgz"] |= {"xz": lzma.compress(XML + END), "a bomb": gzip.compress(XML + bytes(10**7))}
TEXTS = ("nan", "-inf", "1e999", "0:1e999999:1", "0:1e9999999:1e-9999999", "0:1:1e-301", "1e400:2e400:1e400")
HOSTILE["grid.yml"] |= {f"{n}: {text}": f"{n}: {text}" for n in ("alpha", "k") for text in TEXTS}
CASES = [
    pytest.param(name, *(content if isinstance(content, tuple) else (content, "")), id=f"{name}: {case}")
    for name, cases in HOSTILE.items()
    for case, content in cases.items()
]


@pytest.fixture
def root(tmp_path):
    """A folder with a valid file of every kind, and a chapter for grids."""
    for name, (content, _) in (READERS | {"book/small.py": (CHAPTER.encode(), None)}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("name", READERS)
@many
@given(data=st.data())
def test_changed_files_are_read_or_refused(root, name, data):
    valid, reader = READERS[name]
    assert read(reader, root / name, valid) is not None
    assert read(reader, root / name, data.draw(changed(valid))) is not False


@pytest.mark.parametrize(("name", "content", "message"), CASES)
def test_hostile_files_are_refused(root, name, content, message):
    assert read(READERS[name][1], root / name, content, message) is None


def test_memory_is_bounded_by_the_size_of_the_file(root):
    records = [{f"{n} {k}": "v" * 900 for k in range(8)} for n in range(500)]
    records = map(tarfile.TarInfo.create_pax_global_header, records)
    (root / "a.tar").write_bytes(XML.join(records) + member("else") * 3000 + XML + END)
    tracemalloc.start()
    read_archive(root / "a.tar", 10**7)
    assert tracemalloc.get_traced_memory()[1] < 2**21, "half of it is a buffer"
    tracemalloc.stop()


def computed():
    return {"x": np.arange(7, dtype=np.float32), "y": np.zeros((2, 0, 3), bool), "z": np.eye(2, dtype=">i2")}


@pytest.fixture
def entry(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path))
    cache.cached(computed)
    (path,) = tmp_path.glob("*/*.safetensors")
    return path, path.read_bytes()


@pytest.mark.filterwarnings("ignore::corrlib.cache.CorruptEntryWarning")
@many
@given(data=st.data(), header=st.sampled_from([NESTED, b"[]", b"{}", b'{"__metadata__": {}, "x": []}']))
def test_corrupt_cache_entries_are_computed_again(entry, data, header):
    path, content = entry
    path.write_bytes(data.draw(st.just(headed(header)) | changed(content)))
    with limited():
        arrays = cache.cached(computed)
    for name, array in computed().items():
        np.testing.assert_array_equal(arrays[name], array)
    assert len(list(path.parent.iterdir())) == 2, "the entry and its lock"
