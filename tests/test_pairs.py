"""Pairs in the layouts of PF-PASCAL and SPair-71k: frames, boxes, malformed files, closed forms of PCK."""

import json

import numpy as np
import pytest
from PIL import Image

from corrlib.data import DataError
from corrlib.data.pairs import Pair, pck, pf_pascal, spair

HEADER, FOLDER = "source_image,target_image,class,XA,YA,XB,YB", "PF-dataset-PASCAL/JPEGImages"
ROW = f"{FOLDER}/2008_000001.jpg,{FOLDER}/2009_000002.jpg,13,1;5.5;9,1;2;3,2;8;4,7.25;1;3"
FIRST, SECOND = "000001-2008_1-2008_2:cow", "000007-2008_2-2008_3:tvmonitor"
# threshold, average, PCK, PCK without predictions for the second pair
CASES = [("box", "image", 3 / 8, 1 / 8), ("box", "point", 2 / 6, 1 / 6)]
CASES += [("image", "image", 7 / 8, 3 / 8), ("image", "point", 5 / 6, 3 / 6)]
# malformed lines, and what is said of them
LINES = [(ROW.replace("9,1;2;3", "9,1;2"), "equally many"), (ROW.replace("1;3", "1"), "equally many")]
LINES += [(ROW.replace("5.5", x), "below 1,000,000") for x in ("nan", "-1e7")]
LINES += [(ROW.replace("5.5", "x"), "to float"), (ROW.rpartition(",")[0], "to float")]
LINES += [(ROW.replace(",13,", f",{n},"), f"{n} is not in range") for n in (0, 21)]
LINES += [(ROW.replace(FOLDER, x, 1), "not names of images below") for x in ("a/../..", "/a")]


def refuse(message, call, *args, error=DataError, **how):
    with pytest.raises(error, match=message):
        call(*args, **how)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_pf(root, *lines, name="test_pairs.csv"):
    write(root / name, "\n".join(lines))
    return root


def write_annotation(root, name, **content):
    source, target, category = name[7:].replace(":", "-").split("-")
    given = {"src_imname": f"{source}.jpg", "trg_imname": f"{target}.jpg", "category": category, "mirror": 0}
    write(root / "PairAnnotation/test" / f"{name}.json", json.dumps(given | content))


@pytest.fixture
def root(tmp_path):
    """SPair-71k: two pairs, with images of 60 x 40 and 20 x 30 pixels and objects of 20 x 10 and 5 x 10."""
    write(tmp_path / "Layout/large/test.txt", f"{FIRST}\n{SECOND}\n")
    points = {"src_kps": [[3, 4]] * 4, "trg_kps": [[10, 20], [12, 20], [14, 20], [29, 25]]}
    write_annotation(tmp_path, FIRST, **points, trg_bndbox=[11, 19, 30, 28])
    points = {"src_kps": [[1, 1], [2, 2]], "trg_kps": [[4, 9], [8, 3]]}
    write_annotation(tmp_path, SECOND, **points, trg_bndbox=[3, 1, 7, 10])
    for name, size in (("cow/2008_2.jpg", (60, 40)), ("tvmonitor/2008_3.jpg", (20, 30))):
        write(tmp_path / "JPEGImages" / name, "")
        Image.new("RGB", size).save(tmp_path / "JPEGImages" / name)
    return tmp_path


def test_points_of_pf_pascal_count_from_0_and_boxes_are_tight(tmp_path):
    (tmp_path / FOLDER).mkdir(parents=True)
    first, second = pf_pascal(write_pf(tmp_path, HEADER, ROW, ROW.replace(",13,", ",1,")))
    assert (first.name, first.category) == ("2008_000001-2009_000002:horse", "horse")
    assert first.images == (tmp_path / FOLDER / "2008_000001.jpg", tmp_path / FOLDER / "2009_000002.jpg")
    assert second.category == "aeroplane" and first.points.dtype == np.float64
    # MATLAB's (1, 1) is the centre of the first pixel, (0, 0).
    np.testing.assert_array_equal(first.points[0], [[0, 0], [4.5, 1], [8, 2]])
    np.testing.assert_array_equal(first.points[1], [[1, 6.25], [7, 0], [3, 2]])
    np.testing.assert_array_equal(first.box, [1, 0, 7, 6.25])


@pytest.mark.parametrize("name", ["image_pairs/test_pairs.csv", "test_pairs_pf_pascal.csv"])
def test_lists_and_images_of_pf_pascal_may_lie_elsewhere(tmp_path, name):
    (pair,) = pf_pascal(write_pf(tmp_path, HEADER, ROW, name=name))
    assert pair.images[1] == tmp_path / "JPEGImages/2009_000002.jpg", "root is the folder that is named"


def test_boxes_of_spair_are_those_of_voc(root):
    first, second = spair(root)
    assert (first.name, first.category, second.category) == (FIRST, "cow", "tvmonitor")
    assert first.images == (root / "JPEGImages/cow/2008_1.jpg", root / "JPEGImages/cow/2008_2.jpg")
    # Boxes equal VOC's, whose last pixel is W; keypoints are SPair's, and published code takes them from 0.
    np.testing.assert_array_equal(first.box, [9.5, 17.5, 29.5, 27.5])
    np.testing.assert_array_equal(second.points, [[[1, 1], [2, 2]], [[4, 9], [8, 3]]])
    assert [pair.name for pair in spair(root, category="tvmonitor")] == [SECOND]


@pytest.mark.parametrize(("threshold", "average", "expected", "without_second"), CASES)
def test_pck(root, threshold, average, expected, without_second):
    """Errors are 1, 3, 5, 7 and 0.5, 2; the longer sides are 20 and 10 of boxes, 60 and 30 of images."""
    pairs = spair(root)
    how = {"threshold": threshold, "average": average}
    offsets = [[[1, 0], [0, -3], [3, 4], [0, 7]], [[0, 0.5], [2, 0]]]
    predicted = [pair.points[1] + offset for pair, offset in zip(pairs, offsets, strict=True)]
    assert pck(predicted, pairs, **how) == pytest.approx(expected, abs=1e-15)
    predicted[1][:] = np.nan, 3  # no prediction is a wrong one
    assert pck(predicted, pairs, **how) == without_second
    equal = [pairs[0].points[1] + [{"box": 5, "image": 15}[threshold], 0]]
    assert [pck(equal, pairs[:1], alpha, **how) for alpha in (0.25, 0.26)] == [0, 1]


def test_arguments_of_pck_are_checked(root):
    pairs = spair(root)
    truth = [pair.points[1] for pair in pairs]
    for how in ({"threshold": "img"}, {"average": "pair"}, {"alpha": 0}, {"alpha": np.nan}):
        refuse("expected box or image", pck, truth, pairs, error=ValueError, **how)
    refuse("got 1, 2", pck, truth[:1], pairs, error=ValueError)
    refuse("got 0, 0", pck, [], [], error=ValueError)
    refuse(rf"{SECOND}: predicted \(4, 2\), expected \(2, 2\)", pck, truth[:1] * 2, pairs, error=ValueError)
    single = [Pair("a-b:cow", "cow", pairs[0].images, pairs[0].points[:, :1], np.array([10.0, 20, 10, 20]))]
    refuse("a-b:cow: the target's box is empty: use threshold='image'", pck, [truth[0][:1]], single)
    assert pck([truth[0][:1]], single, threshold="image") == 1
    pairs[0].images[1].write_bytes(b"GIF89a")
    refuse("2008_2.jpg is missing or malformed", pck, truth, pairs, threshold="image")


@pytest.mark.parametrize(("line", "message"), LINES)
def test_malformed_lines_of_pf_pascal_are_named(tmp_path, line, message):
    refuse(rf"test_pairs\.csv, line 3 .*{message}", pf_pascal, write_pf(tmp_path, HEADER, ROW, line))


def test_lists_without_use_are_named(tmp_path, root):
    refuse("no split 'test': .* has no image_pairs.*: unpack the dataset", pf_pascal, tmp_path / "nowhere")
    refuse("no split 'test': .* has no Layout/large.*: unpack the dataset", spair, tmp_path / "nowhere")
    write_pf(root, "source_image,target_image,class,flip", "a.jpg,b.jpg,13,0", name="trn_pairs.csv")
    refuse(r"trn_pairs\.csv lists no keypoints", pf_pascal, root, "trn")
    refuse("no split 'test': .* has trn$", pf_pascal, root)
    refuse("field larger than field limit", pf_pascal, write_pf(root, HEADER, "x" * 200_000))
    refuse("no split 'train': .* has test$", spair, root, "train")
    refuse(r"test\.txt has no pair of person, but of \['cow', 'tvmonitor'\]", spair, root, category="person")
    write(root / "Layout/large/test.txt", "000001-../x-2008_2:cow\n")
    refuse(r"test\.txt: '000001-../x-2008_2:cow' is no <number>-", spair, root)


POINTS = [([[1, 2]], "equally many"), ([[1, 2, 3]] * 4, "inhomogeneous"), ([[1, np.inf]] * 4, "1,000,000")]
POINTS += [([[1, None]] * 4, "1,000,000"), ([[1, 10**400]] * 4, "OverflowError")]
CONTENTS = [({"trg_kps": points}, message) for points, message in POINTS]
CONTENTS += [({"trg_bndbox": box}, "expected x0, y0, x1, y1") for box in ([30, 19, 11, 28], [1, 2, 3])]
CONTENTS += [(b"\xff", "Unicode"), (b"[1", "JSON"), (b"[]", "Type"), (b"{}", "KeyError.*src_imname")]
CONTENTS += [({"trg_imname": "../a.jpg"}, "another pair"), (b"[" * 100_000, "Recursion"), (None, "NotFound")]


@pytest.mark.parametrize(("content", "message"), CONTENTS)
def test_malformed_annotations_of_spair_are_named(root, content, message):
    path = root / "PairAnnotation/test" / f"{FIRST}.json"
    if isinstance(content, dict):
        content = json.dumps(json.loads(path.read_bytes()) | content).encode()
    path.unlink() if content is None else path.write_bytes(content)
    refuse(rf"cow\.json is missing or malformed, unpack or get it again: .*{message}", spair, root)
