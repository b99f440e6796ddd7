"""The reader: genuine Berkeley files, the frame of points and boxes, and what damaged data sets get."""

import contextlib
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

import corrlib.data as data_module
from corrlib.data import VOC, DataError, open_dataset
from corrlib.data.annotations import read_berkeley
from corrlib.data.census import census
from corrlib.data.voc import PASCAL

BERKELEY = """<?xml version="1.0"?>
<annotation>
	<image>{image}</image>
	<visible_bounds height="{height}" width="{width}" xmin="{xmin}" ymin="{ymin}"/>
	<keypoints>{points}</keypoints>
</annotation>
"""
POINT = '<keypoint name="{}" visible="{}" x="{}" y="{}" z="0.00"/>'
OBJECT = (
    "<object><name>{}</name><truncated>{}</truncated><difficult>{}</difficult><bndbox><xmin>{}</xmin>"
    "<ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


def berkeley(root, category, name, *, bounds=(3, 4, 10, 20), points=(("Nose", 1, 5.0, 6.0),), text=None):
    path = root / "annotations" / category / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = dict(zip(("xmin", "ymin", "width", "height"), bounds, strict=True))
    made = BERKELEY.format(image=name[:-2], points="".join(POINT.format(*p) for p in points), **keys)
    path.write_text(made if text is None else text)
    return path


@pytest.fixture
def root(tmp_path):
    """Two images in train, one in val; two cats and a dog."""
    voc = tmp_path / "VOCdevkit" / "VOC2011"
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (voc / folder).mkdir(parents=True)
    (voc / "ImageSets/Main/train.txt").write_text("b\na\n\n")
    (voc / "ImageSets/Main/val.txt").write_text("c\n")
    (voc / "ImageSets/Main/cat_train.txt").write_text("a  1\nb -1\n")
    left_red = np.zeros((13, 29, 3), np.uint8)
    left_red[:, :15, 2] = 255  # BGR
    for name in "abc":
        assert cv2.imwrite(str(voc / "JPEGImages" / f"{name}.jpg"), left_red)
    berkeley(tmp_path, "cat", "a_1", points=(("Nose", 1, 5.25, 6), ("L_Eye", 0, 900, 900)))
    berkeley(tmp_path, "cat", "a_10", points=())
    berkeley(tmp_path, "cat", "a_2", points=(("R_Eye", 1, 1, 1),))
    berkeley(tmp_path, "cat", "b_0", points=(("Tail", 1, 1, 1),))
    berkeley(tmp_path, "dog", "c_1")
    return tmp_path


def test_points_and_boxes_are_in_the_frame_of_pixel_centres(root):
    first = VOC(root).instances("cat", "train")[1]
    assert (first.image_id, first.number) == ("a", 1)
    np.testing.assert_array_equal(first.box, [1.5, 2.5, 12.5, 23.5])  # VOC's 3..13 x 4..24, inclusive
    names = VOC(root).keypoint_names("cat")
    assert names == ("L_Eye", "Nose", "R_Eye", "Tail")
    expected = np.full((4, 2), np.nan)
    expected[1] = 4.25, 5  # 1-based 5.25, 6; L_Eye is annotated, but invisible
    np.testing.assert_array_equal(first.keypoints, expected)
    assert first.keypoints.dtype == np.float64


def test_a_box_of_the_whole_image_spans_it(root):
    berkeley(root, "cat", "c_1", bounds=(1, 1, 28, 12))
    (cat,) = VOC(root).instances("cat", "val")
    height, width = VOC(root).image("c").shape[:2]
    np.testing.assert_array_equal(cat.box, [-0.5, -0.5, width - 0.5, height - 0.5])


def test_order_is_the_split_s_and_the_numbers(root):
    voc = VOC(root)
    assert voc.image_ids("train") == ["b", "a"]
    cats = voc.instances("cat", "train")
    assert [(c.image_id, c.number) for c in cats] == [("b", 0), ("a", 1), ("a", 2), ("a", 10)]
    assert [(d.image_id, d.category) for d in voc.instances("dog", "val")] == [("c", "dog")]
    assert voc.instances("dog", "train") == []


def test_images_are_rgb(root):
    image = VOC(root).image("a")
    assert (image.shape, image.dtype) == ((13, 29, 3), np.uint8)
    assert (image[:, 2] > (200, -1, -1)).all() and (image[:, 2, 1:] < 40).all()
    assert (image[:, -2] < 40).all()


def test_flags_come_from_the_object_whose_box_matches(root):
    objects = [("dog", 1, 1, 3, 4, 13, 24), ("cat", 0, 1, 40, 40, 50, 50), ("cat", 1, 0, 4, 4, 13, 24)]
    objects += [("cat", 0, 1, 3, 4, 13, 18), ("cat", 1, 1, 200, 200, 210, 220)]
    path = root / "VOCdevkit/VOC2011/Annotations/a.xml"
    path.write_text(f"<annotation>{''.join(OBJECT.format(*o) for o in objects)}</annotation>")
    berkeley(root, "cat", "a_2", bounds=(3, 4, 10, 12))
    berkeley(root, "cat", "a_10", bounds=(300, 4, 10, 12))
    flags = {
        c.number: (c.truncated, c.difficult) for c in VOC(root).instances("cat", "train") if c.image_id == "a"
    }
    assert flags == {1: (True, False), 2: (False, True), 10: (False, False)}


def test_difficult_and_truncated_objects_can_be_left_out(root):
    objects = [("cat", 1, 0, 3, 4, 13, 24), ("cat", 0, 1, 103, 4, 113, 24), ("cat", 0, 0, 203, 4, 213, 24)]
    path = root / "VOCdevkit/VOC2011/Annotations/a.xml"
    path.write_text(f"<annotation>{''.join(OBJECT.format(*o) for o in objects)}</annotation>")
    berkeley(root, "cat", "a_2", bounds=(103, 4, 10, 20))
    berkeley(root, "cat", "a_10", bounds=(203, 4, 10, 20))
    every = {(True, True): [0, 1, 2, 10], (False, True): [0, 1, 10], (True, False): [0, 2, 10]}
    every[False, False] = [0, 10]
    digests = set()
    for (difficult, truncated), numbers in every.items():
        data = open_dataset(root, difficult=difficult, truncated=truncated)
        assert [one.number for one in data.instances("cat", "train")] == numbers
        assert data.keypoint_names("cat") == VOC(root).keypoint_names("cat"), "no keypoint changes its place"
        digests.add(data.digest)
    assert len(digests) == 4 and VOC(root).digest == VOC(root, True, True).digest


def test_an_object_without_keypoints_is_an_object(root):
    data = VOC(root)
    (empty,) = [i for i in data.instances("cat", "train") if i.number == 10]
    assert empty.keypoints.shape == (4, 2) and np.isnan(empty.keypoints).all()


def test_the_list_of_objects_is_the_caller_s_own(root):
    data = VOC(root)
    data.instances("cat", "train").clear()
    assert len(data.instances("cat", "train")) == 4


def test_what_is_hidden_or_empty_is_no_data(root):
    digest = VOC(root).digest
    for path in (
        "annotations/.DS_Store",
        "annotations/cat/._a_1.xml",
        "VOCdevkit/VOC2011/JPEGImages/._a.jpg",
    ):
        (root / path).write_bytes(b"Mac OS X")
    (root / "annotations" / ".svn").mkdir()
    (root / "annotations" / ".svn" / "a_1.xml").write_text("?")
    (root / "annotations" / "gnu").mkdir()
    data = VOC(root)
    assert data.categories == ("cat", "dog") and data.digest == digest
    assert len(data.instances("cat", "train")) == 4


def test_the_census_counts_what_is_there_and_what_is_used(root):
    objects = [("cat", 1, 0, 3, 4, 13, 24), ("cat", 0, 1, 103, 4, 113, 24), ("cow", 1, 1, 3, 4, 13, 24)]
    path = root / "VOCdevkit/VOC2011/Annotations/a.xml"
    path.write_text(f"<annotation>{''.join(OBJECT.format(*o) for o in objects)}</annotation>")
    berkeley(root, "cat", "a_2", bounds=(103, 4, 10, 20), points=(("Nose", 1, 50, 9), ("Tail", 1, 104, 9)))
    head = "category split images objects used keypoints truncated difficult outside"
    rows = [("cat", "train", 2, 4, 3, 4, 2, 1, 2), ("cat", "val", 0, 0, 0, 0, 0, 0, 0)]
    rows += [("dog", "train", 0, 0, 0, 0, 0, 0, 0), ("dog", "val", 1, 1, 1, 1, 0, 0, 0)]
    assert census(VOC(root)) == [dict(zip(head.split(), row, strict=True)) for row in rows]


@pytest.mark.parametrize(
    ("file", "categories", "tier"),
    [
        (None, (), "photos"),
        (None, PASCAL, "voc2011"),
        ("figurines.json", PASCAL, "figurines"),
    ],
)
def test_tier(root, file, categories, tier):
    for category in categories:
        berkeley(root, category, "z_1")
    if file:
        (root / file).write_text("{}")
    assert VOC(root).name == tier


def test_pascal_has_its_twenty_categories():
    assert len(set(PASCAL)) == 20
    assert sorted(PASCAL) == PASCAL


def test_digest_is_of_names_and_contents(root, tmp_path_factory):
    original = VOC(root).digest
    copy = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(root, copy)
    assert VOC(copy).digest == original and VOC(root).digest == original
    changed = set()
    for path in sorted(p for p in copy.rglob("*") if p.is_file()):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + b"?")  # the same size, at the end
        changed.add(VOC(copy).digest)
        path.write_bytes(content)
        path.rename(path.with_name(f"0{path.name}"))
        changed.add(VOC(copy).digest)
        path.with_name(f"0{path.name}").rename(path)
    assert original not in changed and len(changed) == 2 * 11
    (copy / "annotations/dog/c_1.xml").rename(copy / "annotations/cat/c_1.xml")
    assert VOC(copy).digest not in {original} | changed
    (copy / "annotations/cat/c_1.xml").rename(copy / "annotations/dog/c_1.xml")
    (copy / "note.txt").write_text("not data")
    assert VOC(copy).digest == original


# --- damaged data


def test_a_folder_that_is_no_data_set(tmp_path, root):
    with pytest.raises(DataError, match=r"nowhere is no data set.*JPEGImages.*VOC 2011"):
        VOC(tmp_path / "nowhere")
    shutil.rmtree(root / "annotations")
    with pytest.raises(DataError, match=r"lacks the folder annotations"):
        VOC(root)
    (root / "annotations").mkdir()
    with pytest.raises(DataError, match=r"annotations is empty"):
        VOC(root)


def test_unknown_names_list_the_known_ones(root):
    with pytest.raises(DataError, match=r"'cow'.*has cat, dog"):
        VOC(root).instances("cow", "train")
    with pytest.raises(DataError, match=r"'cow'.*has cat, dog"):
        VOC(root).keypoint_names("cow")
    with pytest.raises(DataError, match=r"'test'.*has train, val"):
        VOC(root).instances("cat", "test")
    with pytest.raises(DataError, match=r"'\.\./\.\./x'.*has train, val"):
        VOC(root).image_ids("../../x")


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-2], lambda d: d[: len(d) // 2], lambda d: b"", lambda d: b"<html>"]
)
def test_damaged_images_name_the_file_and_the_cure(root, damage):
    path = root / "VOCdevkit/VOC2011/JPEGImages/a.jpg"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"JPEGImages.a\.jpg is damaged.*download it again"):
        VOC(root).image("a")
    path.unlink()
    with pytest.raises(DataError, match=r"no image .*a\.jpg"):
        VOC(root).image("a")


BILLION = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><annotation><image>&y;</image></annotation>'
FILE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><annotation><image>&x;</image></annotation>'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no XML"),
        ("<annotation><keypoints>", "no XML"),
        ("<annotation/>", "no <visible_bounds>"),
        (BILLION, "document type"),
        (FILE, "document type"),
        ("<!DOCTYPE annotation><annotation/>", "document type"),
        (
            BERKELEY.format(image="a", points="", xmin="one", ymin=1, width=1, height=1),
            "xmin .*'one'.*a number",
        ),
        (
            BERKELEY.format(image="a", points="", xmin=1, ymin="nan", width=1, height=1),
            "ymin .*'nan'.*a number",
        ),
        (BERKELEY.format(image="a", points="", xmin=1, ymin=1, width=1, height=-1), "1.0 x -1.0"),
        (
            BERKELEY.format(
                image="a", points=POINT.format("Nose", 1, "", 2), xmin=1, ymin=1, width=1, height=1
            ),
            "x of",
        ),
        (
            BERKELEY.format(image="a", points="<keypoint x='1'/>", xmin=1, ymin=1, width=1, height=1),
            "no name",
        ),
    ],
)
def test_damaged_annotations_name_the_file(root, text, complaint):
    berkeley(root, "cat", "a_7", text=text)
    with pytest.raises(DataError, match=rf"(?s)cat.a_7\.xml.*{complaint}"):
        VOC(root).instances("cat", "val")


def test_entities_are_refused_in_every_encoding(root):
    path = berkeley(root, "cat", "a_7")
    path.write_bytes(('<?xml version="1.0" encoding="utf-16"?>' + BILLION).encode("utf-16"))
    with pytest.raises(DataError, match="document type"):
        VOC(root).instances("cat", "val")


def test_damaged_voc_boxes_name_the_file(root):
    text = OBJECT.format("cat", 0, 0, "?", 1, 2, 3)
    (root / "VOCdevkit/VOC2011/Annotations/a.xml").write_text(f"<annotation>{text}</annotation>")
    with pytest.raises(DataError, match=r"Annotations.a\.xml: xmin .*'\?'"):
        VOC(root).instances("cat", "train")


def test_a_file_with_a_strange_name(root):
    berkeley(root, "cat", "copy of a")
    with pytest.raises(DataError, match=r"copy of a\.xml: expected a name like"):
        VOC(root).instances("cat", "train")


# --- genuine data


def test_genuine_berkeley_aeroplane(real):
    plane = read_berkeley(real / "berkeley_examples/annotations/aeroplane/2007_000033_1.xml")
    np.testing.assert_array_equal(plane["box"], [7.5, 105.5, 498.5, 262.5])  # VOC: 9..499 x 107..263
    assert plane["subcategory"] == "Passenger"
    assert len(plane["keypoints"]) == 12
    np.testing.assert_allclose(plane["keypoints"]["NoseTip"], (13.49, 164.48))


def test_genuine_berkeley_persons(real):
    girl = read_berkeley(real / "berkeley_examples/annotations/person/2008_001009_0.xml")
    assert girl["subcategory"] == "Female" and len(girl["keypoints"]) == 13
    visible = sorted(name for name, point in girl["keypoints"].items() if np.isfinite(point).all())
    assert visible == ["L_Elbow", "L_Eye", "L_Shoulder", "Nose", "R_Elbow", "R_Eye", "R_Shoulder", "R_Wrist"]
    assert np.isnan(girl["keypoints"]["L_Hip"]).all()  # at y = 579, outside of the image


def test_all_genuine_berkeley_files_as_a_data_set(real, tmp_path):
    images = [p.stem for p in (real / "berkeley_examples/JPEGImages").iterdir()]
    voc = tmp_path / "VOCdevkit/VOC2011"
    (voc / "ImageSets/Main").mkdir(parents=True)
    (voc / "JPEGImages").symlink_to(real / "berkeley_examples/JPEGImages")
    (tmp_path / "annotations").symlink_to(real / "berkeley_examples/annotations")
    ids = {p.stem.rpartition("_")[0] for p in (real / "berkeley_examples/annotations").rglob("*.xml")}
    (voc / "ImageSets/Main/train.txt").write_text("\n".join(sorted(ids)))
    data = VOC(tmp_path)
    assert data.name == "photos" and len(data.categories) == 7
    found = [i for c in data.categories for i in data.instances(c, "train")]
    assert len(found) == 9 and {i.number for i in found if i.category == "person"} == {0, 2}
    assert [len(data.keypoint_names(c)) for c in data.categories] == [12, 11, 8, 4, 10, 10, 13]
    (chair,) = data.instances("chair", "train")  # neither voc_id nor subcategory
    assert chair.subcategory is None and np.isfinite(chair.keypoints).all()
    for instance in found:
        if instance.image_id in images:
            height, width = data.image(instance.image_id).shape[:2]
            assert (instance.box >= -0.5).all() and (instance.box <= [width, height] * 2).all()


def test_real_photographs(real):
    data = VOC(real)
    assert data.name == "photos"
    counts = {c: tuple(len(data.instances(c, s)) for s in ("train", "val")) for c in data.categories}
    assert counts == {"duck": (30, 20), "winebottle": (40, 26), "person": (90, 60), "face": (60, 40)}
    assert [len(data.keypoint_names(c)) for c in data.categories] == [10, 20, 14, 10]
    for category in data.categories:
        for instance in data.instances(category, "val")[:5]:
            height, width = data.image(instance.image_id).shape[:2]
            assert (instance.box >= -0.5).all() and (instance.box <= [width - 0.5, height - 0.5] * 2).all()
            assert np.nanmax(np.abs(instance.keypoints)) < max(height, width) + 10
    started = time.perf_counter()
    assert len(data.digest) == 16
    first = time.perf_counter() - started
    started = time.perf_counter()
    assert data.digest and time.perf_counter() - started < first / 10


# --- the embedded world


def test_the_embedded_world_is_drawn_once(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path))
    monkeypatch.setattr(data_module, "WORLD", {"train": 1, "val": 1, "seed": 0, "size": 64, "jobs": 1})
    data = open_dataset(None)
    assert data.name == "figurines" and len(data.categories) == 20
    assert data.root.parent == tmp_path and data.root.name.startswith("figurines-")
    assert len(data.image_ids("train")) == len(data.image_ids("val")) == 20
    drawn = {p: p.stat().st_mtime_ns for p in data.root.rglob("*")}
    again = open_dataset("")
    assert again.digest == data.digest
    assert {p: p.stat().st_mtime_ns for p in again.root.rglob("*")} == drawn
    for category in data.categories:
        for instance in data.instances(category, "train"):
            shape = data.image(instance.image_id).shape
            assert (instance.box >= -0.5).all() and (
                instance.box <= [shape[1] - 0.5, shape[0] - 0.5] * 2
            ).all()
    assert [p.suffix for p in tmp_path.iterdir() if p != data.root] in ([], [".lock"])


def test_the_embedded_world_is_not_drawn_again_after_waiting(tmp_path, root, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "cache"))

    @contextlib.contextmanager
    def while_another_draws(lock):
        shutil.copytree(root / "VOCdevkit", f"{lock.removesuffix('.lock')}/VOCdevkit")
        shutil.copytree(root / "annotations", f"{lock.removesuffix('.lock')}/annotations")
        Path(lock.removesuffix(".lock"), "figurines.json").write_text("{}")  # what only a whole world has
        yield

    monkeypatch.setattr("filelock.FileLock", while_another_draws)
    monkeypatch.setattr("corrlib.figurines.write_world", None)
    assert open_dataset().categories == ("cat", "dog")


def test_a_full_disk_under_the_embedded_world(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "file"))
    with pytest.raises(ValueError, match=r"figurines cannot be drawn: .*file.*CORRLIB_CACHE"):
        open_dataset()


def test_a_given_data_set_is_opened(root):
    assert open_dataset(str(root)).categories == ("cat", "dog")


def test_a_split_that_is_no_text_is_named(root):
    path = root / "VOCdevkit" / "VOC2011" / "ImageSets" / "Main" / "train.txt"
    path.write_bytes(b"2011_000001\n\xff\xfe\n")
    with pytest.raises(DataError, match=r"train\.txt is damaged or no text"):
        VOC(root).image_ids("train")
