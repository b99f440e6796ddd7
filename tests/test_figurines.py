"""The figurine world: hits against a slow oracle, annotations against pixels, layout, promises."""

import csv
import errno
import hashlib
import shutil
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from corrlib import figurines
from corrlib.data.voc import VOC
from corrlib.figurines import kernels, render
from corrlib.figurines.figure import BOX, ELLIPSOID, FRUSTUM, TUBE, Figure, turn
from corrlib.figurines.placing import camera
from oracles import first_inside

PUBLISHED = Path(__file__).resolve().parents[1] / "book" / "published" / "keypoint_names.csv"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A small world on disk: three train images and one val image of each category."""
    return figurines.write_world(
        tmp_path_factory.mktemp("world") / "figurines", train=3, val=1, seed=7, progress=False
    )


def inside(kind: int, shape: float, u: np.ndarray) -> np.ndarray:
    """Whether points (N, 3) lie in the unit solid, by its definition."""
    radius = np.hypot(u[:, 0], u[:, 1])
    if kind == ELLIPSOID:
        return (u**2).sum(-1) <= 1
    if kind == BOX:
        return np.abs(u).max(-1) <= 1
    if kind == FRUSTUM:
        return (np.abs(u[:, 2]) <= 1) & (radius <= 1 + (shape - 1) * (u[:, 2] + 1) / 2)
    return (np.abs(u[:, 2]) <= 1) & (radius <= 1) & (radius >= shape)


@given(
    kind=st.sampled_from([ELLIPSOID, BOX, FRUSTUM, TUBE]),
    shape=st.floats(0.05, 0.95),
    seed=st.integers(0, 10_000),
)
def test_hit_is_where_a_walk_along_the_ray_enters(kind, shape, seed):
    rng = np.random.default_rng(seed)
    towards = rng.uniform(-0.7, 0.7, 3)
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    origin = towards - 4 * direction
    walked = first_inside(lambda u: inside(kind, shape, u), origin, direction, far=8.0, step=2e-4)
    hit = kernels.hit(kind, shape, *origin, *direction)
    if np.isinf(hit):
        assert np.isinf(walked)
    elif np.isinf(walked):
        # the walk may step over a sliver thinner than its step: the hit must then graze the surface
        around = origin + np.linspace(hit, hit + 1e-3, 5)[:, None] * direction
        assert not inside(kind, shape, around).all()
    else:
        assert hit == pytest.approx(walked, abs=4e-4)


@pytest.mark.parametrize(
    ("kind", "shape"), [(ELLIPSOID, 1.0), (BOX, 1.0), (FRUSTUM, 0.4), (FRUSTUM, 1.6), (TUBE, 0.6)]
)
def test_normals_are_those_of_the_depth_map(kind, shape, rng):
    """Away from edges, the slope of the traced depth gives the normal without knowing the solid."""
    placed = np.zeros(1, render.PLACED)
    placed["kind"], placed["shape"] = kind, shape
    placed["to_px"] = turn(yaw=25, pitch=35, roll=50) * np.array([40, 55, 70])
    placed["at"] = (100, 90, 0)
    placed["to_unit"] = np.linalg.inv(placed["to_px"])
    index, depth = render.trace(placed, (179, 199))
    slope_y, slope_x = np.gradient(np.where(np.isfinite(depth), depth, np.nan))
    bend = np.abs(np.gradient(slope_x)[1]) + np.abs(np.gradient(slope_y)[0])
    rows, columns = np.nonzero((bend < 0.08) & (index == 0))
    assert len(rows) > 500
    for r, c in rng.permutation(np.column_stack([rows, columns]))[:200]:
        u = placed["to_unit"][0] @ (np.array([c, r, depth[r, c]]) - placed["at"][0])
        normal = np.zeros(3)
        kernels.unit_normal(kind, shape, u, normal)
        normal = placed["to_unit"][0].T @ normal
        measured = np.array([slope_x[r, c], slope_y[r, c], -1.0])
        cosine = normal @ measured / np.linalg.norm(normal) / np.linalg.norm(measured)
        assert cosine > 0.998


def test_extents_hold_every_hit(rng):
    placed = np.zeros(4, render.PLACED)
    placed["kind"], placed["shape"] = [ELLIPSOID, BOX, FRUSTUM, TUBE], [1, 1, 1.7, 0.5]
    for k in range(4):
        placed["to_px"][k] = turn(yaw=rng.uniform(0, 360), pitch=rng.uniform(-80, 80)) * rng.uniform(
            10, 30, 3
        )
        placed["at"][k] = (61, 67, 0)
    placed["to_unit"] = np.linalg.inv(placed["to_px"])
    # directions all around, scaled to the surface of each solid's unit box and inwards
    points = rng.uniform(-1.7, 1.7, (400_000, 3))
    for row, box in zip(placed, render.extents(placed), strict=True):
        cloud = points[inside(row["kind"], row["shape"], points)] @ row["to_px"].T + row["at"]
        assert (cloud >= box[0] - 1e-9).all() and (cloud <= box[1] + 1e-9).all()
        # and tightly: a cloud this dense comes close to every side
        assert np.abs(np.stack([cloud.min(0), cloud.max(0)]) - box).max() < 5


def test_camera_sees_the_front_at_0_and_the_left_side_at_90():
    nose, left, up = np.eye(3)
    right, down, into = camera(0, 0, 0)
    assert (
        into @ nose == pytest.approx(-1)
        and right @ left == pytest.approx(1)
        and down @ up == pytest.approx(-1)
    )
    right, down, into = camera(90, 0, 0)
    assert (
        into @ left == pytest.approx(-1)
        and right @ nose == pytest.approx(-1)
        and down @ up == pytest.approx(-1)
    )
    assert camera(0, 30, 0)[2] @ up < 0  # from above, the camera looks down


def test_every_berkeley_keypoint_exists_and_sits_on_its_part(rng):
    published = defaultdict(set)
    for row in csv.DictReader(PUBLISHED.open()):
        published[row["category"]].add(row["keypoint"])
    assert sum(map(len, published.values())) == 244
    assert set(figurines.CATEGORIES) == set(published)
    for category, model in figurines.CATEGORIES.items():
        names = set()
        for subtype in model.subtypes:
            figure = model.build(rng, subtype)
            names |= set(figure.keypoints)
            kinds = {solid.part: (solid.kind, solid.shape) for solid in figure.solids}
            for part, u in figure.keypoints.values():
                kind, shape = kinds[part]
                assert inside(kind, shape, 0.95 * u[None]).all() or (kind == TUBE and np.abs(u).max() <= 1), (
                    category,
                    part,
                    u,
                )
        assert names == published[category], category


def test_parts_of_a_subtype_do_not_depend_on_chance():
    for category, model in figurines.CATEGORIES.items():
        assert len(figurines.parts(category)) < 256
        for subtype in model.subtypes:
            parts = {
                tuple(s.part for s in model.build(np.random.default_rng(k), subtype).solids) for k in range(8)
            }
            assert len(parts) == 1, (category, subtype)
            assert len(set(*parts)) == len(next(iter(parts))), f"{category}, {subtype}: a part twice"


def test_an_instance_is_a_function_of_its_numbers():
    first = figurines.instance(3, "cow", 11)
    figurines.instance(3, "cow", 10)
    again = figurines.instance(3, "cow", 11)
    assert np.array_equal(first.image, again.image) and np.array_equal(first.unit, again.unit)
    assert not np.array_equal(first.image, figurines.instance(4, "cow", 11).image)
    assert max(first.image.shape) == 300 and first.image.dtype == np.uint8


def test_annotations_agree_with_the_pixels():
    """The box is the mask's; near a visible keypoint there are pixels of its figure."""
    near, visible = 0, 0
    for k, category in enumerate(figurines.CATEGORIES):
        scene = figurines.instance(5, category, k)
        for number, thing in enumerate(scene.things, 1):
            rows, columns = np.nonzero(scene.owner == number)
            if len(rows) == 0:
                assert np.isnan(thing.box).all() and not any(thing.visible.values())
                continue
            assert thing.box.tolist() == [
                columns.min() - 0.5,
                rows.min() - 0.5,
                columns.max() + 0.5,
                rows.max() + 0.5,
            ]
            assert 0 < thing.shown <= 1
            for name, point in thing.keypoints.items():
                if thing.visible[name]:
                    visible += 1
                    near += bool((np.hypot(columns - point[0], rows - point[1]) < 3).any())
    assert visible > 150
    assert near >= 0.97 * visible


def test_correspondence_with_itself_is_the_identity():
    scene = figurines.instance(5, "sheep", 2)
    truth = figurines.Truth(scene.owner, scene.part, scene.unit, *_frames(scene))
    points, visible = figurines.correspond(truth, truth)
    mine = scene.owner == 1
    assert np.array_equal(np.isfinite(points[..., 0]), mine) and np.array_equal(visible, mine)
    y, x = np.nonzero(mine)
    assert np.abs(points[mine] - np.column_stack([x, y])).max() < 0.01


def test_correspondence_there_and_back(world):
    """Visible places of another instance lead back to where they came from, up to rounding to pixels."""
    data = VOC(world)
    one, other = (figurines.read_truth(world, name) for name in ("2011_170000", "2011_170001"))
    points, visible = figurines.correspond(one, other)
    assert visible.sum() > 200
    back, _ = figurines.correspond(other, one)
    y, x = np.nonzero(visible)
    c, r = np.rint(points[visible]).astype(int).T
    h, w = other.owner.shape
    ok = (c >= 0) & (c < w) & (r >= 0) & (r < h)
    error = np.hypot(*(back[r[ok], c[ok]] - np.column_stack([x, y])[ok]).T)
    assert np.nanmedian(error) < 1.0 and np.isfinite(error).mean() > 0.9
    assert data.image("2011_170000").shape[:2] == one.owner.shape


def test_correspondence_agrees_with_the_keypoints(world):
    """Keypoints are points of parts too: the dense truth must send each to its namesake."""
    errors = []
    for category in figurines.CATEGORIES:
        a, b = figurines.instance(7, category, 0).things[0], figurines.instance(7, category, 1).things[0]
        truth_a, truth_b = (figurines.read_truth(world, figurines.image_id(category, k)) for k in (0, 1))
        points, _ = figurines.correspond(truth_a, truth_b)
        for name in set(a.keypoints) & set(b.keypoints):
            x, y = np.rint(a.keypoints[name]).astype(int)
            if a.visible[name] and truth_a.owner[y, x] == 1 and np.isfinite(points[y, x, 0]):
                model_part = truth_a.part[y, x]
                keypoint_part = _part_of(category, a.subtype, name)
                if model_part == keypoint_part and _part_of(category, b.subtype, name) == keypoint_part:
                    error = np.linalg.norm(points[y, x] - b.keypoints[name])
                    errors.append(error / np.ptp(b.box.reshape(2, 2), axis=0).max())
    # all but a few: at a silhouette the pixel may show a far side of the part that the keypoint touches
    assert len(errors) > 60 and np.mean(np.array(errors) < 0.05) > 0.9


def test_world_is_read_by_the_one_reader(world):
    data = VOC(world)
    assert data.name == "figurines" and set(data.categories) == set(figurines.CATEGORIES)
    assert len(data.image_ids("train")) == 60 and len(data.image_ids("val")) == 20
    for category in data.categories:
        numbers = [i.image_id for i in data.instances(category, "train")]
        assert {figurines.image_id(category, k) for k in range(3)} <= set(numbers)
    scene = figurines.instance(7, "horse", 1)
    name = figurines.image_id("horse", 1)
    found = next(i for i in data.instances("horse", "train") if i.image_id == name)
    thing = scene.things[0]
    assert found.box.tolist() == thing.box.tolist()
    names = data.keypoint_names("horse")
    for name, point in zip(names, found.keypoints, strict=True):
        assert np.isnan(point).all() != thing.visible[name]
        if thing.visible[name]:
            assert point == pytest.approx(thing.keypoints[name], abs=0.006)
    assert np.abs(data.image(found.image_id).astype(int) - scene.image).mean() < 6  # JPEG


def test_worlds_do_not_depend_on_order_processes_or_a_kill(world, tmp_path):
    serial = figurines.write_world(tmp_path / "serial", train=3, val=1, seed=7, jobs=1, progress=False)
    assert _digests(serial) == _digests(world)
    # as a kill leaves it: the last step undone, one image half written
    partial = tmp_path / "killed.partial"
    shutil.copytree(serial, partial)
    (partial / "VOCdevkit/VOC2011/Annotations/2011_030001.xml").unlink()
    (partial / "VOCdevkit/VOC2011/JPEGImages/2011_030001.jpg").write_bytes(b"half")
    killed = figurines.write_world(tmp_path / "killed", train=3, val=1, seed=7, jobs=1, progress=False)
    assert _digests(killed) == _digests(world) and not partial.exists()


def test_a_larger_train_split_moves_no_other_image(world):
    assert figurines.image_id("cat", 2) in VOC(world).image_ids("train")
    assert tuple(VOC(world).image_ids("val")) == tuple(
        figurines.image_id(c, 5000) for c in figurines.CATEGORIES
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"train": 0}, "train must be"),
        ({"size": 10}, "size"),
        ({"val": -1}, "val"),
        ({"seed": -1}, "seed"),
        ({"seed": 1001}, "learned from"),
        ({"seed": 1002}, "learned from"),
    ],
)
def test_bad_settings_are_refused(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        figurines.write_world(tmp_path / "w", progress=False, **{"train": 1, "val": 1, **wrong})
    assert not list(tmp_path.iterdir())


def test_two_processes_do_not_write_one_world(tmp_path):
    with (
        FileLock(f"{tmp_path / 'w'}.partial.lock"),
        pytest.raises(OSError, match=r"another process is writing .*w"),
    ):
        figurines.write_world(tmp_path / "w", train=1, val=1, progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["w.partial.lock"]


def test_a_full_disk_names_the_world_and_the_cure(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("corrlib.figurines.world._write_image", full)
    with pytest.raises(OSError, match=r"w cannot be written: .*No space left.*Free some space"):
        figurines.write_world(tmp_path / "w", train=1, val=1, jobs=1, progress=False)
    assert not (tmp_path / "w").exists()


def test_other_bad_input_is_refused(tmp_path, world):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="not empty"):
        figurines.write_world(tmp_path, train=1, val=1)
    with pytest.raises(ValueError, match="unknown category 'unicorn'"):
        figurines.instance(0, "unicorn", 0)
    with pytest.raises(ValueError, match="unknown category 'unicorn'"):
        figurines.image_id("unicorn", 0)
    with pytest.raises(ValueError, match="no dense truth"):
        figurines.read_truth(world, "2007_000001")
    truth = figurines.read_truth(world, "2011_000000")
    other = figurines.read_truth(world, "2011_010000")
    with pytest.raises(ValueError, match="one category"):
        figurines.correspond(truth, other)
    with pytest.raises(ValueError, match="no part 'wing'"):
        Figure().keypoint("tip", "wing", (0, 0, 1))
    with pytest.raises(ValueError, match="different end points"):
        Figure().limb("leg", (0, 0, 0), (0, 0, 0), 1.0, "body")


def _frames(scene):
    categories = tuple(thing.category for thing in scene.things)
    frames = tuple(
        {figurines.parts(t.category).index(p): f for p, f in t.frames.items()} for t in scene.things
    )
    return categories, frames


def _part_of(category, subtype, keypoint):
    figure = figurines.CATEGORIES[category].build(np.random.default_rng(0), subtype)
    return (
        figurines.parts(category).index(figure.keypoints[keypoint][0]) if keypoint in figure.keypoints else -1
    )


def _digests(root):
    return {
        p.relative_to(root): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in root.rglob("*")
        if p.is_file()
    }


def test_truth_survives_the_disk(world):
    scene = figurines.instance(7, "bicycle", 1)
    truth = figurines.read_truth(world, figurines.image_id("bicycle", 1))
    assert np.array_equal(truth.owner, scene.owner) and np.array_equal(
        truth.part * (truth.owner > 0), scene.part * (scene.owner > 0)
    )
    assert np.abs(truth.unit - scene.unit).max() < 1e-4
    assert cv2.imread(str(world / "truth" / "2011_010001.png"), cv2.IMREAD_UNCHANGED).dtype == np.uint16
