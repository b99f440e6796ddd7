"""The reader of datasets: coordinate frames, flags, digests, corrupt files, genuine files of Berkeley."""

import shutil
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image

import corrlib.data as data_module
from corrlib import figurines
from corrlib.data import VOC, DataError, crops, open_dataset
from corrlib.data.voc import PASCAL, census

BERKELEY = '<annotation><visible_bounds xmin="{}" ymin="{}" width="{}" height="{}"/>'
BERKELEY += "<keypoints>{}</keypoints></annotation>"
POINT = '<keypoint name="{}" visible="{}" x="{}" y="{}" z="0.00"/>'
OBJECT = (
    "<object><name>{}</name><truncated>{}</truncated><difficult>{}</difficult><bndbox><xmin>{}</xmin>"
    "<ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


def berkeley(root, category, name, *, bounds=(3, 4, 10, 20), points=(("Nose", 1, 5.0, 6.0),)):
    path = root / "annotations" / category / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(BERKELEY.format(*bounds, "".join(POINT.format(*p) for p in points)))


def voc_objects(root, *objects):
    """Annotate image a as VOC does: name, truncated, difficult, xmin, ymin, xmax, ymax of each object."""
    path = root / "VOCdevkit/VOC2011/Annotations/a.xml"
    path.write_text(f"<annotation>{''.join(OBJECT.format(*o) for o in objects)}</annotation>")


@pytest.fixture
def root(tmp_path):
    """Two images in train, one in val; objects of two categories."""
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


def test_points_and_boxes_are_in_the_frame_of_pixel_centres_and_images_are_rgb(root):
    data = VOC(root)
    _, first, _, empty = data.instances("cat", "train")
    assert (first.image_id, first.number) == ("a", 1)
    np.testing.assert_array_equal(first.box, [1.5, 2.5, 12.5, 23.5])  # VOC's 3..13 x 4..24, inclusive
    assert data.keypoint_names("cat") == ("L_Eye", "Nose", "R_Eye", "Tail")
    expected = np.full((4, 2), np.nan)
    expected[1] = 4.25, 5  # 1-based 5.25, 6; L_Eye is annotated, but invisible
    np.testing.assert_array_equal(first.keypoints, expected)
    assert first.keypoints.dtype == np.float64
    assert empty.keypoints.shape == (4, 2) and np.isnan(empty.keypoints).all()
    berkeley(root, "cat", "c_1", bounds=(1, 1, 28, 12))  # the whole image of 29 x 13 pixels
    (whole,) = VOC(root).instances("cat", "val")
    np.testing.assert_array_equal(whole.box, [-0.5, -0.5, 28.5, 12.5])
    image = data.image("a")
    assert (image.shape, image.dtype) == ((13, 29, 3), np.uint8)
    assert (image[:, 2] > (200, -1, -1)).all() and (image[:, 2, 1:] < 40).all() and (image[:, -2] < 40).all()


def test_objects_are_in_the_order_of_the_split_and_of_their_numbers(root):
    data = VOC(root)
    assert data.image_ids("train") == ["b", "a"]
    cats = data.instances("cat", "train")
    assert [(c.image_id, c.number) for c in cats] == [("b", 0), ("a", 1), ("a", 2), ("a", 10)]
    assert [(d.image_id, d.category) for d in data.instances("dog", "val")] == [("c", "dog")]
    assert data.instances("dog", "train") == []
    cats.clear()  # the caller's own list
    assert len(data.instances("cat", "train")) == 4


def test_flags_are_those_of_the_object_with_the_same_box(root):
    others = [("dog", 1, 1, 3, 4, 13, 24), ("cat", 0, 1, 40, 40, 50, 50), ("cat", 1, 1, 200, 200, 210, 220)]
    voc_objects(root, *others, ("cat", 1, 0, 4, 4, 13, 24), ("cat", 0, 1, 3, 4, 13, 18))
    berkeley(root, "cat", "a_2", bounds=(3, 4, 10, 12))
    berkeley(root, "cat", "a_10", bounds=(300, 4, 10, 12))
    cats = VOC(root).instances("cat", "train")
    flags = {c.number: (c.truncated, c.difficult) for c in cats if c.image_id == "a"}
    assert flags == {1: (True, False), 2: (False, True), 10: (False, False)}


def test_difficult_and_truncated_objects_can_be_left_out(root):
    voc_objects(root, ("cat", 1, 0, 3, 4, 13, 24), ("cat", 0, 1, 103, 4, 113, 24))
    berkeley(root, "cat", "a_2", bounds=(103, 4, 10, 20))
    berkeley(root, "cat", "a_10", bounds=(203, 4, 10, 20))
    used = {(True, True): [0, 1, 2, 10], (False, True): [0, 1, 10], (True, False): [0, 2, 10]}
    digests = set()
    for (difficult, truncated), numbers in (used | {(False, False): [0, 10]}).items():
        data = open_dataset(root, difficult=difficult, truncated=truncated)
        assert [i.number for i in data.instances("cat", "train")] == numbers
        assert data.keypoint_names("cat") == VOC(root).keypoint_names("cat"), "the columns stay the same"
        digests.add(data.digest)
    assert len(digests) == 4 and VOC(root).digest in digests


def test_hidden_files_and_empty_folders_are_ignored(root):
    digest = VOC(root).digest
    for path in ("annotations/.DS_Store", "annotations/cat/._a_1.xml", "annotations/.svn/a_1.xml"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(b"?")
    for path in ("JPEGImages/._a.jpg", "JPEGImages/Thumbs.db", "ImageSets/Main/x.ini", "Annotations/a.xml~"):
        (root / "VOCdevkit/VOC2011" / path).write_bytes(b"?")
    (root / "annotations" / "gnu").mkdir()
    data = VOC(root)
    assert data.categories == ("cat", "dog") and data.digest == digest
    assert len(data.instances("cat", "train")) == 4


def test_the_census_counts_objects_and_keypoints(root):
    voc_objects(root, ("cat", 1, 0, 3, 4, 13, 24), ("cat", 0, 1, 103, 4, 113, 24))
    berkeley(root, "cat", "a_2", bounds=(103, 4, 10, 20), points=(("Nose", 1, 50, 9), ("Tail", 1, 104, 9)))
    names = ["images", "objects", "used", "keypoints", "outside", "truncated", "difficult"]
    for category, expected in (("cat", (2, 4, 3, 4, 2, 2, 1)), ("dog", (0,) * 7)):
        found = census(VOC(root).instances(category, "train"))
        assert found == dict(zip(names, expected, strict=True))


def test_a_subset_is_evenly_spaced_and_of_all_in_their_order():
    assert crops.subset("abcdefghijklm", 3) == ["abcdefghijklm"[row] for row in crops.evenly_spaced(13, 3)]
    assert crops.subset("abc", None) == ["a", "b", "c"]


def test_categories_that_show_too_little_are_left_out(root):
    berkeley(root, "cat", "c_1")
    berkeley(root, "bee", "a_1", points=(("Eye", "0", 1, 1),))
    assert crops.categories(VOC(root)) == crops.categories(VOC(root), "cat") == ("cat",)
    for category in ("dog", "bee"):  # without train, without a visible keypoint
        with pytest.raises(DataError, match=f"{category} shows keypoints in too few images; two of train"):
            crops.categories(VOC(root), category)


def test_the_name_of_a_dataset(root):
    assert VOC(root).name == "photos"
    assert sorted(set(PASCAL)) == PASCAL and len(PASCAL) == 20
    shutil.rmtree(root / "annotations")
    (root / "annotations").mkdir()
    for category in PASCAL[3:5]:  # some of its categories, and names of its years
        berkeley(root, category, "2011_000123_1")
        assert VOC(root).name == "voc2011"
    berkeley(root, "boat", "1_1")
    assert VOC(root).name == "photos"
    (root / "figurines.json").write_text("{}")
    assert VOC(root).name == "figurines"


def test_the_digest_is_of_names_and_contents(root, tmp_path_factory):
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
        renamed = path.rename(path.with_name(f"0{path.name}"))
        changed.add(VOC(copy).digest)
        renamed.rename(path)
    assert original not in changed and len(changed) == 2 * 11
    moved = (copy / "annotations/dog/c_1.xml").rename(copy / "annotations/cat/c_1.xml")
    assert VOC(copy).digest not in {original} | changed
    moved.rename(copy / "annotations/dog/c_1.xml")
    (copy / "note.txt").write_text("not data")
    assert VOC(copy).digest == original


# Files as people have them


def test_lists_may_have_a_byte_order_mark_blanks_in_names_and_suffixes(root):
    sets, images = root / "VOCdevkit/VOC2011/ImageSets/Main", root / "VOCdevkit/VOC2011/JPEGImages"
    for name in ("a b", "c.d"):
        shutil.copy(images / "a.jpg", images / f"{name}.jpg")
        berkeley(root, "cat", f"{name}_1")
    (sets / "train.txt").write_bytes(b"\xef\xbb\xbfb.jpg\r\n  a b.JPG \r\nc.d\r\na\r\n")
    data = VOC(root)
    assert data.image_ids("train") == ["b", "a b", "c.d", "a"]
    assert [i.image_id for i in data.instances("cat", "train")] == ["b", "a b", "c.d", "a", "a", "a"]
    (sets / "train.txt").write_text("a 1\nb 1\n")
    with pytest.raises(DataError, match=r"train\.txt lists no image .* begins with 'a 1', .* as 'a'"):
        data.image_ids("train")


@pytest.mark.parametrize("word", ["0", "false", " No"])
def test_a_keypoint_may_be_invisible_in_words(root, word):
    berkeley(root, "dog", "c_1", points=(("Nose", word, 5, 6), ("Tail", "true", 5, 6)))
    (dog,) = VOC(root).instances("dog", "val")
    assert np.isfinite(dog.keypoints).all(axis=1).tolist() == [False, True]


def test_suffixes_may_be_in_capitals_and_images_png(root):
    voc, pixels = root / "VOCdevkit/VOC2011", VOC(root).image("a")
    voc_objects(root, ("cat", 1, 0, 3, 4, 13, 24))
    expected = [(c.image_id, c.number, c.truncated) for c in VOC(root).instances("cat", "train")]
    for path in [*(root / "annotations").glob("*/*.xml"), *voc.glob("*/a.*")]:
        path.rename(path.with_suffix(path.suffix.upper()))
    (voc / "JPEGImages/b.jpg").unlink()
    assert cv2.imwrite(str(voc / "JPEGImages/b.png"), pixels[..., ::-1])
    data = VOC(root)
    assert data.categories == ("cat", "dog")
    assert [(c.image_id, c.number, c.truncated) for c in data.instances("cat", "train")] == expected
    for name in "ab":
        np.testing.assert_array_equal(data.image(name), pixels)
    whole = (voc / "JPEGImages/b.png").read_bytes()
    (voc / "JPEGImages/b.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"b\.png is corrupt"):
        data.image("b")


def test_a_film_may_follow_a_photograph(root):
    path, data = root / "VOCdevkit/VOC2011/JPEGImages/a.jpg", VOC(root)
    whole, pixels = path.read_bytes(), data.image("a")
    film = b"ftypmp42 \xff\xda " + bytes(range(256))
    path.write_bytes(whole + film)
    np.testing.assert_array_equal(data.image("a"), pixels)
    path.write_bytes(whole[: 2 * len(whole) // 3])
    with pytest.raises(DataError, match=r"a\.jpg is corrupt"):
        data.image("a")


def test_a_photograph_may_have_several_pictures(root):
    left, path = Image.new("RGB", (29, 13), (200, 200, 200)), root / "VOCdevkit/VOC2011/JPEGImages/a.jpg"
    left.save(path, "MPO", save_all=True, append_images=[Image.new("RGB", (29, 13))])
    np.testing.assert_array_equal(VOC(root).image("a"), np.asarray(left))


def test_names_have_accents_in_two_spellings_and_count_once_in_a_list(root):
    composed, apart = (unicodedata.normalize(form, "h\u00e9") for form in ("NFC", "NFD"))
    (root / "VOCdevkit/VOC2011/ImageSets/Main/train.txt").write_text(f"a\n{composed}\na\n{apart}\n", "utf-8")
    assert VOC(root).image_ids("train") == ["a", composed]
    image = root / "VOCdevkit/VOC2011/JPEGImages/b.jpg"
    image.rename(image.with_stem(apart))
    berkeley(root, "dog", f"{apart}_1")
    (dog,) = VOC(root).instances("dog", "train")
    assert dog.image_id == composed and VOC(root).image(composed).shape == (13, 29, 3)


def test_flags_in_words_corners_as_they_were_clicked_and_blanks_around_keypoints(root):
    voc_objects(root, ("cat", "True", "Unspecified", 13, 24, 3, 4))
    berkeley(root, "cat", "a_1", points=(("Tail ", 1, 7, 8),))
    _, cat, *_ = VOC(root).instances("cat", "train")
    assert (cat.truncated, cat.difficult) == (True, False)
    assert VOC(root).keypoint_names("cat") == ("R_Eye", "Tail") and cat.keypoints[1].tolist() == [6, 7]


# Corrupt data


def test_what_is_there_twice_or_outside_is_named(root):
    berkeley(root, "dog", "b_1")
    (root / "VOCdevkit/VOC2011/ImageSets/Main/val.txt").write_text("b\n")
    with pytest.raises(DataError, match="train and val share images, such as b"):
        crops.categories(VOC(root), "dog")
    berkeley(root, "dog", "b_1", bounds=(30, 4, 10, 20))
    with pytest.raises(DataError, match=r"dog/b_1\.xml has its box outside"):
        crops.images(VOC(root), VOC(root).instances("dog", "train"), 8)
    berkeley(root, "dog", "b_01")
    with pytest.raises(DataError, match=r"dog.b_1\.xml: another file annotates object 1"):
        VOC(root).instances("dog", "train")
    (root / "VOCdevkit/VOC2011/JPEGImages/a.png").write_bytes(b"?")
    with pytest.raises(DataError, match=r"a\.jpg and a\.png have the same name"):
        VOC(root).image("a")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda root: VOC(root).instances("cow", "train"), r"'cow'.*has cat, dog"),
        (lambda root: VOC(root).keypoint_names("cow"), r"'cow'.*has cat, dog"),
        (lambda root: VOC(root).instances("cat", "test"), r"'test'.*has train, val"),
        (lambda root: VOC(root).image_ids("../../x"), r"'\.\./\.\./x'.*has train, val"),
        (lambda root: VOC(root).image("z"), r"no image z in .*JPEGImages"),
        (lambda root: VOC(root).instances("cat", "train"), r"Annotations.a\.xml: xmin .*'\?'"),
        (lambda root: VOC(root).instances("dog", "train"), r"copy of c\.xml: expected a name like"),
        (lambda root: VOC(root / "nowhere"), r"nowhere is no dataset.*JPEGImages.*VOC 2011"),
    ],
)
def test_unknown_names_and_corrupt_files_are_named(root, call, message):
    voc_objects(root, ("cat", 0, 0, "?", 1, 2, 3))
    berkeley(root, "dog", "copy of c")
    with pytest.raises(DataError, match=message):
        call(root)


def test_annotations_that_are_missing_are_reported(root):
    (root / "annotations").rename(root / "elsewhere")
    with pytest.raises(DataError, match=r"lacks the folder annotations"):
        VOC(root)
    (root / "annotations").mkdir()
    with pytest.raises(DataError, match=r"annotations is empty"):
        VOC(root)


# Genuine data


def check_boxes(data, instances):
    for instance in instances:
        height, width = data.image(instance.image_id).shape[:2]
        assert (instance.box >= -0.5).all() and (instance.box <= [width - 0.5, height - 0.5] * 2).all()


def test_genuine_annotations_of_berkeley(real, tmp_path):
    genuine, voc = real / "berkeley_examples", tmp_path / "VOCdevkit/VOC2011"
    (voc / "ImageSets/Main").mkdir(parents=True)
    (voc / "JPEGImages").symlink_to(genuine / "JPEGImages")
    (tmp_path / "annotations").symlink_to(genuine / "annotations")
    ids = {p.stem.rpartition("_")[0] for p in (genuine / "annotations").rglob("*.xml")}
    (voc / "ImageSets/Main/train.txt").write_text("\n".join(sorted(ids)))
    data = VOC(tmp_path)
    assert data.name == "voc2011"
    objects = {c: {(i.image_id, i.number): i for i in data.instances(c, "train")} for c in data.categories}
    assert [len(data.keypoint_names(c)) for c in objects] == [12, 11, 8, 4, 10, 10, 13]
    assert len([i for each in objects.values() for i in each]) == 9
    plane, names = objects["aeroplane"]["2007_000033", 1], data.keypoint_names("aeroplane")
    np.testing.assert_array_equal(plane.box, [7.5, 105.5, 498.5, 262.5])  # VOC: 9..499 x 107..263
    np.testing.assert_allclose(plane.keypoints[names.index("NoseTip")], (13.49, 164.48))
    girl, names = objects["person"]["2008_001009", 0], np.array(data.keypoint_names("person"))
    visible = list(names[np.isfinite(girl.keypoints).all(axis=1)])  # without L_Hip, outside at y = 579
    assert visible == ["L_Elbow", "L_Eye", "L_Shoulder", "Nose", "R_Elbow", "R_Eye", "R_Shoulder", "R_Wrist"]
    (chair,) = objects["chair"].values()  # neither voc_id nor subcategory
    assert np.isfinite(chair.keypoints).all()
    images = {path.stem for path in (genuine / "JPEGImages").iterdir()}
    check_boxes(data, [i for each in objects.values() for i in each.values() if i.image_id in images])


def test_real_photographs(real):
    data = VOC(real)
    counts = {c: tuple(len(data.instances(c, s)) for s in ("train", "val")) for c in data.categories}
    assert counts == {"duck": (30, 20), "winebottle": (40, 26), "person": (90, 60), "face": (60, 40)}
    assert [len(data.keypoint_names(c)) for c in data.categories] == [10, 20, 14, 10]
    some = [i for c in data.categories for i in data.instances(c, "val")[:5]]
    check_boxes(data, some)
    for instance in some:
        assert np.nanmax(np.abs(instance.keypoints)) < max(data.image(instance.image_id).shape) + 10


# The embedded world


def test_the_embedded_world_is_drawn_once_also_if_two_ask_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path))
    monkeypatch.setattr(data_module, "WORLD", {"train": 1, "val": 1, "seed": 0, "size": 64, "jobs": 1})
    write_world, drawn = figurines.write_world, []
    monkeypatch.setattr(
        figurines, "write_world", lambda out, **about: drawn.append(write_world(out, **about))
    )
    with ThreadPoolExecutor(2) as pool:
        data, again = pool.map(open_dataset, (None, ""))
    assert drawn == [data.root] == [again.root] == [open_dataset().root] and again.digest == data.digest
    assert data.name == "figurines" and len(data.categories) == 20
    assert data.root.parent == tmp_path / "corrlib.figurines.world"
    assert len(data.image_ids("train")) == len(data.image_ids("val")) == 20
    check_boxes(data, [i for c in data.categories for i in data.instances(c, "train")])
    assert [p.suffix for p in data.root.parent.iterdir() if p != data.root] in ([], [".lock"])
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "file"))
    with pytest.raises(ValueError, match=r"figurines cannot be drawn: .*file.*CORRLIB_CACHE"):
        open_dataset()
