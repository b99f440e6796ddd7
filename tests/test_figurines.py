"""The figurine world: ray casting against a slow oracle, annotations against pixels, files and errors."""

import csv
import errno
import hashlib
import shutil
from functools import partial
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from conftest import ROOT
from corrlib import figurines
from corrlib.data import statistics
from corrlib.data.voc import VOC
from corrlib.figurines import render
from corrlib.figurines.figure import BOX, ELLIPSOID, FRUSTUM, TUBE, Figure, turn
from corrlib.figurines.scene import camera
from oracles import first_inside

SMALL = dict(train=3, val=1, seed=7, progress=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A small world on disk: three train images and one val image of each category."""
    return figurines.write_world(tmp_path_factory.mktemp("world") / "figurines", **SMALL)


def inside(kind, shape, u):
    """Whether points (N, 3) lie in the unit solid, by its definition."""
    radius = np.hypot(u[:, 0], u[:, 1])
    if kind == ELLIPSOID:
        return (u**2).sum(-1) <= 1
    if kind == BOX:
        return np.abs(u).max(-1) <= 1
    if kind == FRUSTUM:
        return (np.abs(u[:, 2]) <= 1) & (radius <= 1 + (shape - 1) * (u[:, 2] + 1) / 2)
    return (np.abs(u[:, 2]) <= 1) & (radius <= 1) & (radius >= shape)


@given(st.sampled_from([ELLIPSOID, BOX, FRUSTUM, TUBE]), st.floats(0.05, 0.95), st.integers(0, 10_000))
def test_a_hit_is_where_a_walk_along_the_ray_enters(kind, shape, seed):
    rng = np.random.default_rng(seed)
    towards, direction = rng.uniform(-0.7, 0.7, 3), rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    origin = towards - 4 * direction
    walked = first_inside(lambda u: inside(kind, shape, u), origin, direction, far=8.0, step=2e-4)
    hit = render.hit(kind, shape, *origin, *direction)
    if np.isinf(walked) and np.isfinite(hit):
        # The walk can step over a sliver thinner than its step: then the hit must graze the surface.
        around = origin + np.linspace(hit, hit + 1e-3, 5)[:, None] * direction
        assert not inside(kind, shape, around).all()
    else:
        assert hit == pytest.approx(walked, abs=4e-4)


@pytest.mark.parametrize(
    "kind, shape", [(ELLIPSOID, 1), (BOX, 1), (FRUSTUM, 0.4), (FRUSTUM, 1.6), (TUBE, 0.6)]
)
def test_normals_are_those_of_the_depth_map(kind, shape, rng):
    """Away from edges, the slope of the traced depth gives the normal without knowing the solid."""
    placed = np.zeros(1, render.PLACED)
    placed["kind"], placed["shape"], placed["at"] = kind, shape, (100, 90, 0)
    placed["to_px"] = turn(yaw=25, pitch=35, roll=50) * np.array([40, 55, 70])
    placed["to_unit"] = np.linalg.inv(placed["to_px"])
    index, depth = render.trace(placed, (179, 199))
    slope_y, slope_x = np.gradient(np.where(np.isfinite(depth), depth, np.nan))
    bend = np.abs(np.gradient(slope_x)[1]) + np.abs(np.gradient(slope_y)[0])
    places = np.argwhere((bend < 0.08) & (index == 0))
    assert len(places) > 500
    to_unit, at = placed["to_unit"][0], placed["at"][0]
    for r, c in rng.permutation(places)[:200]:
        normal = to_unit.T @ render.unit_normal(kind, shape, *(to_unit @ ([c, r, depth[r, c]] - at)))
        measured = np.array([slope_x[r, c], slope_y[r, c], -1.0])
        assert normal @ measured > 0.998 * np.linalg.norm(normal) * np.linalg.norm(measured)


def test_extents_contain_the_solid_tightly(rng):
    placed = np.zeros(4, render.PLACED)
    placed["kind"], placed["shape"] = [ELLIPSOID, BOX, FRUSTUM, TUBE], [1, 1, 1.7, 0.5]
    placed["at"] = (61, 67, 0)
    for axes in placed["to_px"]:
        axes[:] = turn(yaw=rng.uniform(0, 360), pitch=rng.uniform(-80, 80)) * rng.uniform(10, 30, 3)
    points = rng.uniform(-1.7, 1.7, (400_000, 3))
    for row, box in zip(placed, render.extents(placed), strict=True):
        cloud = points[inside(row["kind"], row["shape"], points)] @ row["to_px"].T + row["at"]
        assert (cloud >= box[0] - 1e-9).all() and (cloud <= box[1] + 1e-9).all()
        assert np.abs(np.stack([cloud.min(0), cloud.max(0)]) - box).max() < 5


def test_the_camera_sees_the_front_at_0_and_the_left_side_at_90_degrees():
    nose, left, up = np.eye(3)
    # right, down, into the image
    np.testing.assert_allclose(camera(0, 0, 0), [left, -up, -nose], atol=1e-9)
    np.testing.assert_allclose(camera(90, 0, 0), [-nose, -up, -left], atol=1e-9)
    assert camera(0, 30, 0)[2] @ up < 0  # from above, the camera looks down


def test_a_frame_places_turns_scales_and_names_what_is_added_in_it():
    figure, way = Figure(), turn(yaw=30, pitch=20)
    ear = figure.within("left_*", (1, 2, 3), rotation=way, scale=(2, -3, 1)).within("ear_*", (1, 1, 0))
    ear.within(move=lambda point: point + 5).box("tip", (0, 1, 0), (1, 1, 1), "body")
    (solid,) = figure.solids
    assert solid.part == "left_ear_tip"
    np.testing.assert_allclose(solid.centre, [6, 7, 8] + way @ (2, -6, 0))
    np.testing.assert_allclose(solid.axes, way * (2, 3, 1))


def test_every_berkeley_keypoint_exists_and_lies_on_its_part_and_parts_do_not_depend_on_chance(rng):
    with (ROOT / "book" / "published" / "keypoint_names.csv").open() as file:
        published = {(row["category"], row["keypoint"]) for row in csv.DictReader(file)}
    names = set()
    for category, model in figurines.CATEGORIES.items():
        assert len(figurines.parts(category)) < 256
        for subtype in model.subtypes:
            figure = model.build(rng, subtype)
            names |= {(category, name) for name in figure.keypoints}
            kinds = {solid.part: (solid.kind, solid.shape) for solid in figure.solids}
            assert len(kinds) == len(figure.solids), f"{category}, {subtype}: a part occurs twice"
            for part, u in figure.keypoints.values():
                kind, shape = kinds[part]
                on_part = inside(kind, shape, 0.95 * u[None]).all() or (kind == TUBE and np.abs(u).max() <= 1)
                assert on_part, (category, part, u)
            figures = (model.build(np.random.default_rng(seed), subtype) for seed in range(8))
            assert {tuple(solid.part for solid in each.solids) for each in figures} == {tuple(kinds)}
    assert len(names) == 244 and names == published


def test_annotations_agree_with_the_pixels():
    """The box is the mask's, and near a visible keypoint there are pixels of its figure."""
    near = []
    for k, category in enumerate(figurines.CATEGORIES):
        scene = figurines.instance(5, category, k)
        for number, thing in enumerate(scene.things, 1):
            y, x = np.nonzero(scene.truth.owner == number)
            if len(y) == 0:
                assert np.isnan(thing.box).all() and not any(thing.visible.values())
                continue
            assert thing.box.tolist() == [x.min() - 0.5, y.min() - 0.5, x.max() + 0.5, y.max() + 0.5]
            assert 0 < thing.shown <= 1
            points = (point for name, point in thing.keypoints.items() if thing.visible[name])
            near += [np.hypot(x - point[0], y - point[1]).min() < 3 for point in points]
    assert len(near) > 150 and np.mean(near) >= 0.97


def test_an_instance_depends_on_its_seed_and_index_alone_and_its_truth_survives_the_disk(root):
    scene, name = figurines.instance(7, "bicycle", 1), figurines.image_id("bicycle", 1)
    assert max(scene.image.shape) == 300 and scene.image.dtype == np.uint8
    assert np.array_equal(scene.image, figurines.instance(7, "bicycle", 1).image)
    assert not np.array_equal(scene.image, figurines.instance(8, "bicycle", 1).image)
    drawn, truth = scene.truth, figurines.read_truth(root, name)
    assert np.array_equal(truth.owner, drawn.owner)
    assert np.array_equal(truth.part * (truth.owner > 0), drawn.part * (drawn.owner > 0))
    assert np.abs(truth.unit - drawn.unit).max() < 1e-4
    assert cv2.imread(str(root / "truth" / f"{name}.png"), cv2.IMREAD_UNCHANGED).dtype == np.uint16


def test_correspondence_with_itself_is_the_identity_and_leads_there_and_back(root):
    truth = figurines.read_truth(root, figurines.image_id("sheep", 2))
    points, visible = figurines.correspond(truth, truth)
    own = truth.owner == 1
    assert np.array_equal(np.isfinite(points[..., 0]), own) and np.array_equal(visible, own)
    assert np.abs(points[own] - np.argwhere(own)[:, ::-1]).max() < 0.01
    # Visible places of another instance lead back to where they came from, up to rounding to pixels.
    first, second = (figurines.read_truth(root, name) for name in ("2011_170000", "2011_170001"))
    points, visible = figurines.correspond(first, second)
    assert visible.sum() > 200
    back, _ = figurines.correspond(second, first)
    col, row = np.rint(points[visible]).astype(int).T
    height, width = second.owner.shape
    ok = (col >= 0) & (col < width) & (row >= 0) & (row < height)
    error = np.hypot(*(back[row[ok], col[ok]] - np.argwhere(visible)[ok, ::-1]).T)
    assert np.nanmedian(error) < 1.0 and np.isfinite(error).mean() > 0.9
    assert VOC(root).image("2011_170000").shape[:2] == first.owner.shape


def test_correspondence_agrees_with_the_keypoints(root):
    """Keypoints are points of parts: the dense truth must send each to the keypoint of the same name."""
    errors, rng = [], np.random.default_rng(0)
    for category, model in figurines.CATEGORIES.items():
        a, b = (figurines.instance(7, category, k).things[0] for k in (0, 1))
        truth, other = (figurines.read_truth(root, figurines.image_id(category, k)) for k in (0, 1))
        points, _ = figurines.correspond(truth, other)
        one, two = (model.build(rng, thing.subtype).keypoints for thing in (a, b))
        for name in set(a.keypoints) & set(b.keypoints):
            x, y = np.rint(a.keypoints[name]).astype(int)
            matched = a.visible[name] and truth.owner[y, x] == 1 and np.isfinite(points[y, x, 0])
            if matched and figurines.parts(category)[truth.part[y, x]] == one[name][0] == two[name][0]:
                error = np.linalg.norm(points[y, x] - b.keypoints[name])
                errors.append(error / np.ptp(b.box.reshape(2, 2), axis=0).max())
    # Not all: at a silhouette the pixel can show a far side of the part that the keypoint touches.
    assert len(errors) > 60 and np.mean(np.array(errors) < 0.05) > 0.9


def test_the_world_is_a_dataset(root):
    data, scene, name = VOC(root), figurines.instance(7, "horse", 1), figurines.image_id("horse", 1)
    assert data.name == "figurines" and set(data.categories) == set(figurines.CATEGORIES)
    assert len(data.image_ids("train")) == 60
    # A larger train split would not change the images of val.
    assert data.image_ids("val") == [figurines.image_id(c, 5000) for c in figurines.CATEGORIES]
    for category in data.categories:
        ids = {i.image_id for i in data.instances(category, "train")}
        assert {figurines.image_id(category, k) for k in range(3)} <= ids
    instance = next(i for i in data.instances("horse", "train") if i.image_id == name)
    thing = scene.things[0]
    assert instance.box.tolist() == thing.box.tolist()
    for name, point in zip(data.keypoint_names("horse"), instance.keypoints, strict=True):
        expected = thing.keypoints[name] if thing.visible[name] else np.full(2, np.nan)
        np.testing.assert_allclose(point, expected, atol=0.006)
    assert np.abs(data.image(instance.image_id).astype(int) - scene.image).mean() < 6  # JPEG


def test_statistics_of_images_and_objects_beside_photographs(root):
    red = Mock(
        **{"image_ids.return_value": ["a"], "image.return_value": np.full((31, 37, 3), (200, 0, 0), "u1")}
    )
    found = statistics.appearance(red)
    np.testing.assert_allclose(found[:6], [100, 0, 0, 100, 100 * 200 / 255 / 2, 0], atol=1e-3)
    rng = np.random.default_rng(0)
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(300)] * 2)) + 1e-9
    noise = np.fft.ifft2(np.exp(2j * np.pi * rng.random((300, 300))) / frequency * (frequency > 0.001)).real
    grey = np.repeat(np.clip(128 + 30 * noise / noise.std(), 0, 255).astype("u1")[..., None], 3, axis=2)
    red.image.return_value = grey
    assert statistics.appearance(red)[-1] == pytest.approx(-2, abs=0.2)
    rows = statistics.beside_photographs(VOC(root))
    assert len(rows) == len(statistics.PHOTOGRAPHS) and np.isfinite([row["figurines"] for row in rows]).all()


def test_the_column_of_photographs_is_what_the_code_measures(real):
    files = sorted((real / "photos").glob("*.jpg"))
    photos = Mock(**{"image_ids.return_value": files})
    photos.image = lambda file: cv2.imread(str(file))[..., ::-1].copy()
    found = statistics.appearance(photos) + statistics.layout(VOC(real.parent / "voc"))
    for (name, recorded), value in zip(statistics.PHOTOGRAPHS.items(), found, strict=True):
        assert round(value, len(f"{recorded}".partition(".")[2])) == recorded, name


def digests(root):
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_worlds_do_not_depend_on_order_processes_or_a_kill(root, tmp_path):
    serial = figurines.write_world(tmp_path / "serial", **SMALL, jobs=1)
    assert digests(serial) == digests(root)
    # As a kill leaves the files: the last step is missing, one image is half written.
    begun = shutil.copytree(serial, tmp_path / "killed.partial")
    (begun / "VOCdevkit/VOC2011/Annotations/2011_030001.xml").unlink()
    (begun / "VOCdevkit/VOC2011/JPEGImages/2011_030001.jpg").write_bytes(b"half")
    killed = figurines.write_world(tmp_path / "killed", **SMALL, jobs=1)
    assert digests(killed) == digests(root) and not begun.exists()


def test_a_world_that_cannot_be_written_is_reported_with_a_remedy(tmp_path, monkeypatch):
    write = partial(figurines.write_world, tmp_path / "w", train=1, val=1, jobs=1, progress=False)
    locked = pytest.raises(OSError, match=r"another process is writing .*w")
    with FileLock(f"{tmp_path / 'w'}.partial.lock"), locked:
        write()
    full = Mock(side_effect=OSError(errno.ENOSPC, "No space left on device"))
    monkeypatch.setattr("corrlib.figurines.world._write_image", full)
    with pytest.raises(OSError, match=r"w cannot be written: .*No space left.*Free some space"):
        write()
    assert not (tmp_path / "w").exists()


def test_bad_input_is_refused(root, tmp_path):
    truths = [figurines.read_truth(root, name) for name in ("2011_000000", "2011_010000")]
    write = partial(figurines.write_world, tmp_path / "w", **SMALL)
    for call, message in (
        (lambda: write(train=0), "train must be"),
        (lambda: write(size=10), "size"),
        (lambda: write(val=-1), "val"),
        (lambda: write(seed=-1), "seed"),
        (lambda: write(seed=1001), "learned from"),
        (lambda: write(seed=1002), "learned from"),
        (lambda: figurines.write_world(root, train=1, val=1), "not empty"),
        (lambda: figurines.instance(0, "unicorn", 0), "unknown category 'unicorn'"),
        (lambda: figurines.image_id("unicorn", 0), "unknown category 'unicorn'"),
        (lambda: figurines.read_truth(root, "2007_000001"), "no dense truth"),
        (lambda: figurines.correspond(*truths), "one category"),
        (lambda: Figure().name(Tip=("wing", 0, 0, 1)), "no part 'wing'"),
        (lambda: Figure().limb("leg", (0, 0, 0), (0, 0, 0), 1.0, "body"), "different end points"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert not list(tmp_path.iterdir())
