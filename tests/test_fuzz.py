"""Annotations, images and entries of the cache that are damaged: right values, or our own error."""

import warnings
from xml.sax.saxutils import quoteattr

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corrlib import cache
from corrlib.data import VOC, DataError
from corrlib.data.annotations import read_berkeley, read_flags
from faults import NUMBERS, attempt, bounded, damaged, fuzzed

#: Declarations that no annotation needs: entities that grow, and files and hosts that are read.
DECLARED = [
    '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;"><!ENTITY z "&y;&y;&y;">]>',
    '<!DOCTYPE a [<!ENTITY z SYSTEM "file:///etc/hostname">]>',
    '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">',
    '<!DOCTYPE a PUBLIC "-//X//Y" "http://127.0.0.1:9/a.dtd">',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
    "<!DOCTYPE a>",
]
BOX = ("xmin", "ymin", "width", "height")
numbers = st.sampled_from(NUMBERS)
words = st.text(max_size=9) | st.sampled_from(["Nose", "0", "1", " cat ", "&z;", "<b/>"])


def element(tag, attributes, inside=""):
    """XML as it is, right or wrong; attributes that are None are left out."""
    spelled = "".join(f" {k}={quoteattr(v)}" for k, v in attributes.items() if v is not None)
    return f"<{tag}{spelled}>{inside}</{tag}>"


def berkeley(box, points, subcategory=""):
    inside = (
        element("visible_bounds", dict(zip(BOX, box, strict=True)))
        + f"<subcategory>{subcategory}</subcategory>"
    )
    keypoints = "".join(
        element("keypoint", dict(zip(("name", "visible", "x", "y"), p, strict=True))) for p in points
    )
    return element("annotation", {}, inside + element("keypoints", {}, keypoints))


def voc(name, flag, corners):
    inside = "".join(
        f"<{t}>{c}</{t}>" for t, c in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    )
    marks = f"<name>{name}</name><truncated>{flag}</truncated><difficult>{flag}</difficult>"
    return element("annotation", {}, element("object", {}, f"{marks}<bndbox>{inside}</bndbox>"))


boxes = st.tuples(*[numbers] * 4)
points = st.lists(st.tuples(words, st.sampled_from(["0", "1", None]), numbers, numbers), max_size=3)
annotated = st.builds(berkeley, boxes, points, words)
objects = st.builds(voc, st.sampled_from(["cat", " cat ", ""]), words, st.tuples(*[numbers.map(str)] * 4))
encodings = st.sampled_from(["utf-8", "utf-16", "utf-8-sig", "latin-1", "utf-32"])
declarations = st.sampled_from(["", "", '<?xml version="1.0" encoding="zlib"?>', "\n", *DECLARED])
GOOD_BOX, GOOD_POINTS = ("3", "4", "10", "20"), [("Nose", "1", "5", "6"), ("Tail", "0", "-900", "4")]


def xml(texts, whole):
    """Text in some encoding, with some declaration; or a whole file, damaged."""
    made = st.builds(lambda d, t, e: (d + t).encode(e, "replace"), declarations, texts, encodings)
    return made | damaged(whole.encode(), (DECLARED[0] + whole).encode())


@fuzzed
@given(content=xml(annotated, berkeley(GOOD_BOX, GOOD_POINTS, "kitten")))
def test_berkeley_annotations(tmp_path, content):
    path = tmp_path / "a_1.xml"
    path.write_bytes(content)
    found = attempt(read_berkeley, path, names=path)
    if found:
        assert b"DOCTYPE" not in content
        assert np.isfinite(found["box"]).all() and (found["box"][:2] < found["box"][2:]).all()
        assert all(np.isfinite(p).all() or np.isnan(p).all() for p in found["keypoints"].values())


@fuzzed
@given(content=xml(objects, voc("cat", 1, (3, 4, 13, 24))))
def test_voc_annotations(tmp_path, content):
    path = tmp_path / "a.xml"
    path.write_bytes(content)
    with np.errstate(all="raise"):
        found = attempt(read_flags, path, "cat", np.array([1.5, 2.5, 12.5, 23.5]), names=path)
    assert not found or (set(found) == {"truncated", "difficult"} and b"DOCTYPE" not in content)


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_declarations_are_refused_before_they_do_anything(tmp_path, declared, encoding):
    path = tmp_path / "a_1.xml"
    path.write_bytes((declared + berkeley(GOOD_BOX, GOOD_POINTS, "&z;")).encode(encoding))
    with pytest.raises(DataError, match="declares a document type or entities, as none should"):
        read_berkeley(path)
    path.write_bytes(berkeley(GOOD_BOX, GOOD_POINTS, "kitten").encode(encoding))
    assert read_berkeley(path)["subcategory"] == "kitten"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """One image, its annotation and its split."""
    root = tmp_path_factory.mktemp("dataset")
    folder = root / "VOCdevkit" / "VOC2011"
    for name in ("JPEGImages", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    (root / "annotations" / "cat").mkdir(parents=True)
    (root / "annotations" / "cat" / "a_1.xml").write_text(berkeley(GOOD_BOX, GOOD_POINTS))
    image = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / "JPEGImages" / "a.jpg"), image)
    return root


def jpegs():
    image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    return [cv2.imencode(".jpg", image[:n], [cv2.IMWRITE_JPEG_QUALITY, 50])[1].tobytes() for n in (8, 40)]


@fuzzed
@given(content=damaged(*jpegs()), names=st.binary(max_size=20) | damaged(b"a\nb 1\n\n"))
def test_images_and_splits(dataset, content, names):
    folder = dataset / "VOCdevkit" / "VOC2011"
    (folder / "JPEGImages" / "a.jpg").write_bytes(content)
    (folder / "ImageSets" / "Main" / "train.txt").write_bytes(names)
    image = attempt(VOC(dataset).image, "a", names="a.jpg")
    assert image is None or (image.dtype == np.uint8 and image.shape[2] == 3)
    found = attempt(VOC(dataset).image_ids, "train", names="train.txt")
    assert found is None or all(name == name.strip() for name in found)


@pytest.mark.parametrize("side", [5793, 20_000, 65_500])
def test_an_image_that_claims_too_many_pixels_is_not_decoded(dataset, side):
    data = bytearray(jpegs()[0])
    at = data.index(b"\xff\xc0") + 5  # height and width of the frame
    data[at : at + 4] = side.to_bytes(2, "big") * 2
    (dataset / "VOCdevkit" / "VOC2011" / "JPEGImages" / "a.jpg").write_bytes(data)
    with pytest.raises(DataError, match=rf"a\.jpg says that it has {side} x {side} pixels, more than"):
        VOC(dataset).image("a")


ENTRY = {"x": np.arange(7, dtype=np.float32), "y": np.zeros((2, 0, 3), bool), "z": np.eye(2, dtype=">i2")}


def entry():
    return ENTRY


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The file of an entry, and what was in it."""
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path))
    cache.cached(entry)
    (path,) = tmp_path.glob("*/*.safetensors")
    return path, path.read_bytes()


@fuzzed
@given(data=st.data())
def test_entries_of_the_cache(kept, data):
    path, whole = kept
    path.write_bytes(data.draw(damaged(whole) | st.binary(max_size=40)))
    with warnings.catch_warnings(), bounded():
        warnings.simplefilter("ignore", cache.DamagedEntryWarning)
        found = cache.cached(entry)
    for name, array in ENTRY.items():
        np.testing.assert_array_equal(found[name], array)
    assert len(list(path.parent.iterdir())) == 2, "the entry and its lock"
