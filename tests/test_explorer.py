"""Explorers: what they are given against Python's own answers, and what a reader sees of it in a browser."""

import json
import re
import shutil
from types import SimpleNamespace

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pytest

from browser import Browser
from conftest import ROOT
from corrlib import figurines, flow, metrics, patches
from corrlib.data import VOC, crops
from corrlib.experiments.alignment import dense, flows
from corrlib.experiments.visualization import units
from corrlib.geometry import ReceptiveField
from corrlib.publishing import chapters
from corrlib.publishing.explorer import aligned, nearest, page, places, tolerances, truths

pytestmark = pytest.mark.usefixtures("own_cache")

SIZE, NODES = 227, 13
FIELD = ReceptiveField(131, 16, 17)
GRID = SimpleNamespace(receptive_fields={"conv4": FIELD}, output_shape=lambda shape, layer: (NODES, NODES))
CHOSEN = {"convnet flow": "conv4", "SIFT flow": "radius 20"}
CATEGORY = "motorbike"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three train images and two val images of each category."""
    out = tmp_path_factory.mktemp("world") / "figurines"
    return VOC(figurines.write_world(out, train=3, val=2, seed=3, jobs=1, progress=False))


def smooth(rng, *shape, cells=4):
    """Pictures without noise: what compression does to them is little."""
    coarse = rng.integers(0, 256, (*shape[:-3], cells, cells, 3), dtype=np.uint8).reshape(-1, cells, cells, 3)
    return np.stack([cv2.resize(one, shape[-3:-1][::-1]) for one in coarse]).reshape(shape)


@pytest.fixture(scope="module")
def cases():
    """Two objects with two neighbours each: labels and truth are drawn, all states occur."""
    rng, n = np.random.default_rng(0), -(-SIZE // truths.STEP)
    found = []
    for name in ("cat", "sofa"):
        labels = {
            kind: {choice: rng.integers(0, NODES, (2, NODES, NODES, 2)) for choice in choices}
            for kind, choices in {"convnet flow": ["conv1", "conv4"], "SIFT flow": ["radius 20"]}.items()
        }
        truth = truths.Truth(
            names=("left ear", "tail"),
            part=rng.choice(np.array([0, 1, truths.NONE], np.uint8), (n, n)),
            matches=rng.uniform(0, SIZE - 1, (2, n, n, 2)),
            state=rng.integers(0, 4, (2, n, n)).astype(np.uint8),
        )
        found.append(
            places.Example(name, smooth(rng, SIZE, SIZE, 3), smooth(rng, 2, SIZE, SIZE, 3), labels, truth)
        )
    return found


KEYPOINTS = {
    "size": SIZE,
    "alphas": tolerances.ALPHAS.tolist(),
    "curves": {
        "conv4 flow": np.linspace(0, 0.9, 60).tolist(),
        "NN transfer": np.linspace(0, 0.6, 60).tolist(),
    },
    "examples": [
        {
            "name": "cat",
            "target": page.webp(np.full((SIZE, SIZE, 3), 90, np.uint8)),
            "keypoints": ["L_Ear", "Nose", "Tail"],
            "truth": [[50, 50], [100, 60], [200, 150]],
            "radii": [227, 454],
            "methods": {
                "conv4 flow": {"points": [[60, 50], [100, 160], None], "errors": [0.044, 0.22, None]},
                "NN transfer": {"points": [[50, 50], [100, 60], [0, 0]], "errors": [0, 0.1, 0.9]},
            },
        }
    ],
}


@pytest.fixture(scope="module")
def sheet(network):
    rng = np.random.default_rng(1)
    layers = {
        name: {"center": 17, "stride": 16, "field": field, "grid": [12, 18]}
        | {"sheet": page.webp(smooth(rng, 12 * 32, 18 * 2 * 32, 3))}
        for name, field in (("conv3", 99), ("conv4", 131))
    }
    image = smooth(rng, 211, 307, 3, cells=30)
    return {"image": page.webp(image), "shape": [211, 307], "k": 2, "tile": 2, "layers": layers}


@pytest.fixture(scope="module")
def site(tmp_path_factory, cases, sheet):
    """A page with all explorers, laid out as in the book."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "book" / "_static", folder / "_static")
    figure = plt.figure(figsize=(3, 1))
    widgets = [
        page.widget("places", places.content(cases, GRID, CHOSEN), figure, 'The "still" of places'),
        page.widget("tolerances", KEYPOINTS, figure, "The still of tolerances"),
        page.widget("nearest", sheet, figure, "The still of nearest"),
    ]
    plt.close(figure)
    (folder / "book").mkdir()
    start = '<!doctype html><html lang="en"><meta charset="utf-8"><title>T</title><body style="width: 50rem">'
    (folder / "book" / "page.html").write_text(
        f"{start}{''.join(widgets)}<p style='height: 60rem'></body></html>"
    )
    return folder / "book" / "page.html"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def reader(chromium, site):
    """A browser that has just opened the page; what it complains of fails the test."""
    chromium.problems.clear()
    chromium.open(site)
    yield chromium
    assert not chromium.problems


def root(kind):
    return f"[data-explorer={kind}]"


def point_at(reader, kind, x, y, shape=(SIZE, SIZE)):
    """Move the mouse over pixel (x, y) of an explorer's picture; return where in the window that is."""
    left, top, width, height = reader.box(f"{root(kind)} .explorer-pad")
    at = left + (x + 0.5) / shape[1] * width, top + (y + 0.5) / shape[0] * height
    reader.mouse(*at)
    return at


def marks(reader, neighbour=None):
    """Return the points (x, y) of the visible marks on the object or on a neighbour, by their number."""
    pane = ".explorer-pad" if neighbour is None else f".explorer-neighbours > :nth-child({neighbour + 1})"
    found = reader.value(
        f"[...document.querySelectorAll('{root('places')} {pane} .explorer-pane .explorer-mark, "
        f"{root('places')} {pane}.explorer-pane .explorer-mark')].filter(e => e.style.display !== 'none')"
        ".map(e => [e.getAttribute('class'), e.getAttribute('transform')])"
    )
    pattern = re.compile(r"translate\(([-\d.]+) ([-\d.]+)\)")
    return {
        re.search(r"explorer-(\d|point)", name)[1]: np.array(pattern.match(at).groups(), float)
        for name, at in found
    }


def status(reader, kind, contains=""):
    """Return what a screen reader hears, once it has been said."""
    live = f"document.querySelector('{root(kind)} [role=status]').textContent"
    reader.wait(f"{live}.includes({json.dumps(contains)}) && {live} !== ''")
    return reader.value(live)


def choose(reader, kind, number, value):
    element = f"document.querySelectorAll('{root(kind)} select')[{number}]"
    reader.value(f"{element}.value = {json.dumps(value)}; {element}.dispatchEvent(new Event('change')); 0")


# The browser


def test_the_point_goes_where_python_says(reader, cases, rng):
    one, n = cases[0], -(-SIZE // truths.STEP)
    dense_flow = {
        kind: flow.flow(one.labels_rc[kind][name], FIELD, FIELD, (SIZE, SIZE))
        for kind, name in CHOSEN.items()
    }
    states = set()
    corners = [(0, 0), (SIZE - 1, 0), (SIZE - 1, SIZE - 1)]
    for x, y in [*corners, *rng.integers(0, SIZE, (12, 2)).tolist()]:
        point_at(reader, "places", x, y)
        assert marks(reader)["point"].tolist() == [x, y]
        row, col = (min((v + 1) // truths.STEP, n - 1) for v in (y, x))  # JavaScript rounds halves up
        for neighbour in range(2):
            found = marks(reader, neighbour)
            for number, kind in enumerate(CHOSEN):
                np.testing.assert_allclose(
                    found[str(number)], dense_flow[kind][neighbour, y, x] + (x, y), atol=0.05
                )
            state = int(one.truth.state[neighbour, row, col])
            on_object = one.truth.part[row, col] != truths.NONE
            states.add((state, bool(on_object)))
            assert ("2" in found) == (on_object and state in (truths.SHOWN, truths.HIDDEN))
            if "2" in found:
                np.testing.assert_allclose(found["2"], one.truth.matches[neighbour, row, col], atol=0.51)
    assert len(states) > 5


def test_what_is_said_of_a_point(reader, cases):
    one = cases[0]
    state, part = one.truth.state[:, 1:-1, 1:-1], one.truth.part[1:-1, 1:-1]
    row, col = (
        np.argwhere((part == 1) & (state == [[[truths.HIDDEN]], [[truths.MISSING]]]).all(axis=0))[0] + 1
    )
    x, y = int(col) * truths.STEP, int(row) * truths.STEP
    point_at(reader, "places", x, y)
    by = {
        kind: flow.flow(one.labels_rc[kind][name], FIELD, FIELD, (SIZE, SIZE))
        for kind, name in CHOSEN.items()
    }
    off = {
        kind: np.linalg.norm(by[kind][0, y, x] + (x, y) - np.rint(one.truth.matches[0, row, col]))
        for kind in by
    }
    said = status(reader, "places", f"({x}, {y})")
    assert said == (
        f"The point ({x}, {y}) is on the tail. convnet flow by conv4 is off by {off['convnet flow']:.0f} px; "
        f"SIFT flow by radius 20 is off by {off['SIFT flow']:.0f} px; hidden in 1 of 2; missing in 1 of 2."
    )
    row, col = np.argwhere(part == truths.NONE)[0] + 1
    point_at(reader, "places", col * truths.STEP, row * truths.STEP)
    assert status(reader, "places", "not on the cat").startswith("The point (")


def test_layers_objects_and_marks_are_chosen(reader, cases):
    point_at(reader, "places", 40, 150)
    choose(reader, "places", 1, "conv1")
    expected = flow.flow(cases[0].labels_rc["convnet flow"]["conv1"], FIELD, FIELD, (SIZE, SIZE))[1, 150, 40]
    np.testing.assert_allclose(marks(reader, 1)["0"], np.add(expected, (40, 150)), atol=0.05)
    assert "3" not in marks(reader, 1)
    x, y, width, height = reader.box(f"{root('places')} .explorer-toggle:nth-of-type(5) input")
    reader.click(x + width / 2, y + height / 2)
    assert marks(reader, 1)["3"].tolist() == [40, 150]
    x, y, width, height = reader.box(f"{root('places')} .explorer-toggle:nth-of-type(2) input")
    reader.click(x + width / 2, y + height / 2)
    assert "0" not in marks(reader, 1)
    choose(reader, "places", 0, "sofa")
    start = places.start(cases[1], SIZE)
    assert marks(reader)["point"].tolist() == start
    # The layer stays as it was chosen.
    reader.click(x + width / 2, y + height / 2)
    expected = flow.flow(cases[1].labels_rc["convnet flow"]["conv1"], FIELD, FIELD, (SIZE, SIZE))[0]
    np.testing.assert_allclose(marks(reader, 0)["0"], expected[start[1], start[0]] + start, atol=0.05)


def test_arrow_keys_move_the_point_and_not_the_page(reader):
    point_at(reader, "places", 100, 100)
    reader.value(f"document.querySelector('{root('places')} .explorer-pad').focus()")
    before = reader.value("scrollY")
    for name in ("ArrowRight", "ArrowDown", "ArrowDown"):
        reader.key(name)
    reader.key("ArrowLeft", shift=True)
    reader.key("ArrowUp", shift=True)
    assert marks(reader)["point"].tolist() == [103, 107]
    assert status(reader, "places", "(103, 107)")
    assert reader.value("scrollY") == before


def test_a_click_holds_the_point_until_the_next(reader):
    at = point_at(reader, "places", 60, 60)
    reader.click(*at)
    point_at(reader, "places", 90, 90)
    assert marks(reader)["point"].tolist() == [60, 60]
    at = point_at(reader, "places", 120, 120)
    reader.click(*at)
    assert marks(reader)["point"].tolist() == [120, 120]
    point_at(reader, "places", 10, 10)
    assert marks(reader)["point"].tolist() == [10, 10]


def test_a_finger_moves_the_point_and_not_the_page(reader):
    reader.call("Emulation.setTouchEmulationEnabled", enabled=True)
    left, top, width, height = reader.box(f"{root('places')} .explorer-pad")
    before = reader.value("scrollY")
    path = [(left + (v + 0.5) / SIZE * width, top + (v + 0.5) / SIZE * height) for v in (150, 120, 80)]
    reader.touch(*path)
    reader.call("Emulation.setTouchEmulationEnabled", enabled=False)
    np.testing.assert_allclose(marks(reader)["point"], [80, 80], atol=1)
    assert reader.value("scrollY") == before


def test_the_slider_judges_keypoints_and_moves_along_the_curve(reader):
    slider = f"document.querySelector('{root('tolerances')} input[type=range]')"
    judged = (
        f"[...document.querySelectorAll('{root('tolerances')} [data-keypoint]')].map(e => e.dataset.correct)"
    )
    dots = f"[...document.querySelectorAll('{root('tolerances')} .explorer-dot')].map(e => "
    dots += "[e.getAttribute('cx'), e.getAttribute('cy')].map(Number))"
    reader.value(f"{slider}.focus()")
    assert reader.value(f"{slider}.getAttribute('aria-valuetext')") == "0.1: 1 of 3 correct"
    before = reader.value(dots)
    for _ in range(25):
        reader.key("ArrowRight")
    assert reader.value(f"{slider}.getAttribute('aria-valuetext')") == "0.225: 2 of 3 correct"
    assert reader.value(judged) == ["true", "true"]  # the third is nowhere predicted
    said = status(reader, "tolerances", "alpha = 0.225")
    curves = {
        name: values[tolerances.ALPHAS.tolist().index(0.225)] for name, values in KEYPOINTS["curves"].items()
    }
    assert "2 of these 3 keypoints correct; wrong: Tail." in said
    assert ", ".join(f"{name} {100 * value:.1f} %" for name, value in curves.items()) in said
    after = reader.value(dots)
    # From 0.1 to 0.225 of an axis that ends at 0.3, and up the curve.
    width = (after[0][0] - before[0][0]) / (0.225 - 0.1)
    height = (before[0][1] - after[0][1]) / (curves["conv4 flow"] - KEYPOINTS["curves"]["conv4 flow"][19])
    assert width == pytest.approx(268 / 0.3) and height == pytest.approx(196)
    assert [x for x, _ in after] == [after[0][0]] * 2
    choose(reader, "tolerances", 1, "NN transfer")
    assert reader.value(judged) == ["true", "true", "false"]


def test_a_tolerance_is_strict(reader):
    choose(reader, "tolerances", 1, "NN transfer")  # an error of exactly 0.1
    slider = f"document.querySelector('{root('tolerances')} input[type=range]')"
    assert reader.value(f"{slider}.getAttribute('aria-valuetext')") == "0.1: 1 of 3 correct"


@pytest.mark.parametrize(("x", "y"), [(0, 0), (306, 210), (150, 99)])
def test_a_patch_and_its_neighbours(reader, sheet, x, y):
    reader.wait(f"[...document.querySelectorAll('{root('nearest')} img')].every(e => e.complete)")
    point_at(reader, "nearest", x, y, (211, 307))
    row, col = ReceptiveField(99, 16, 17).nearest(np.array([x, y]), (12, 18))
    image = page.pixels(sheet["image"])
    shown = f"[...document.querySelectorAll('{root('nearest')} canvas')].map(e => "
    shown += "[...e.getContext('2d').getImageData(0, 0, 32, 32).data])"
    reader.wait(f"{shown}.every(pixels => pixels.some(value => value))")
    found = np.array(reader.value(shown)).reshape(2, 3, 32, 32, 4)
    for number, name in enumerate(("conv3", "conv4")):
        tiles = page.pixels(sheet["layers"][name]["sheet"]).reshape(12, 32, 18, 2, 32, 3)[row, :, col]
        for k in range(2):
            assert np.abs(found[number, 1 + k, ..., :3] - tiles[:, k].astype(int)).mean() < 2
        center = 17 + 16 * np.array([col, row])
        inside = found[number, 0, ..., 3] > 0  # beyond the image nothing is drawn
        here, beside = (
            np.abs(found[number, 0, ..., :3] - patches.cut(image, center + shift, 32).astype(int))[
                inside
            ].mean()
            for shift in (0, 1)
        )
        assert here < 4 and here < beside / 2
    field = "(e => ['x', 'y', 'width'].map(name => Number(e.getAttribute(name))))"
    field += f"(document.querySelector('{root('nearest')} "
    assert reader.value(field + ".explorer-patch'))") == [*(center - 8).tolist(), 16]
    assert reader.value(field + ".explorer-field:nth-of-type(2)'))") == [*(center - 65.5).tolist(), 131]


def test_names_and_roles_for_those_who_do_not_see(reader):
    unnamed = "[...document.querySelectorAll('input, select, [tabindex], [role=img]')].filter(e => "
    unnamed += (
        "!(e.getAttribute('aria-label') || (e.labels && [...e.labels].some(l => l.textContent.trim()))))"
    )
    assert reader.value(f"{unnamed}.length") == 0
    assert reader.value("document.querySelectorAll('img:not([alt])').length") == 0
    ids = reader.value("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    assert reader.value("document.querySelectorAll('.explorer-still').length") == 0


def test_without_scripts_the_pictures_stay(site, tmp_path):
    with Browser(tmp_path, javascript=False) as browser:
        browser.open(site)
        found = browser.call("DOM.getDocument", depth=-1)
        text = browser.call("DOM.getOuterHTML", nodeId=found["root"]["nodeId"])["outerHTML"]
    assert re.findall(r'class="explorer-still" alt="([^"]*)"', text) == [
        "The &quot;still&quot; of places",
        "The still of tolerances",
        "The still of nearest",
    ]
    assert "explorer-pane" not in text


# What they are given


def test_the_weights_are_those_of_the_spline(rng):
    labels = rng.integers(0, NODES, (NODES, NODES, 2))
    weights = places.spline(FIELD, NODES, SIZE)
    moved = (labels - np.moveaxis(np.indices((NODES, NODES)), 0, -1))[..., ::-1] * FIELD.stride
    found = np.einsum("yr,xc,rck->yxk", weights, weights, moved)
    np.testing.assert_allclose(found, flow.flow(labels, FIELD, FIELD, (SIZE, SIZE)), atol=1e-9)


def test_an_object_corresponds_to_itself(world):
    (one, *_) = crops.visible(world, CATEGORY, "val")
    truth = truths.read(world, one, [one], SIZE)
    on_object = truth.part != truths.NONE
    assert 0.1 < on_object.mean() < 0.9
    axis = np.arange(0, SIZE, truths.STEP)
    lattice = np.stack(np.meshgrid(axis, axis), axis=-1)
    pixel = SIZE / np.ptp(one.box.reshape(2, 2), axis=0)  # of the image, in the square
    shown = on_object & (truth.state[0] == truths.SHOWN)
    assert shown.sum() > 0.95 * on_object.sum()
    assert (np.abs(truth.matches[0] - lattice)[shown] <= 0.6 * pixel).all()
    assert (truth.state[0][~on_object] == truths.MISSING).all()


def test_the_truth_is_that_of_the_dense_study(world):
    (one, *_), (other, *_) = (crops.visible(world, CATEGORY, split) for split in ("val", "train"))
    truth = truths.read(world, one, [other], SIZE)
    points, matches = dense.true_matches(world.root, one, other, SIZE)
    inside = ((points >= 0) & (points <= SIZE - 1) & (matches >= -0.5) & (matches <= SIZE - 0.5)).all(axis=1)
    assert inside.sum() > 20
    cells = np.rint(points[inside] / truths.STEP).astype(int)
    state = truth.state[0, cells[:, 1], cells[:, 0]]
    assert (state == truths.SHOWN).mean() > 0.9
    off = np.linalg.norm(truth.matches[0, cells[:, 1], cells[:, 0]] - matches[inside], axis=1)
    assert np.median(off[state == truths.SHOWN]) < 4
    assert set(truth.names) >= {truths.spoken(p) for p in figurines.parts(CATEGORY)}


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("L_F_thigh", "left front thigh"),
        ("b_wheel_spoke3", "back wheel spoke"),
        ("leg_Left_Front", "leg left front"),
    ],
)
def test_parts_are_spoken(part, words):
    assert truths.spoken(part) == words


def test_examples_are_of_what_was_aligned(world, network):
    how = dict(count=3, retrieval_layer="pool5", size=SIZE)
    own = {
        "convnet flow": {"conv4": dict(feature="conv4", beta=2e-4)},
        "SIFT flow": {"radius 20": dict(feature=20.0)},
    }
    one = places.example(world, network, CATEGORY, own, pairs=2, **how)
    found = flows.align(world, network, CATEGORY, **how, feature=20.0)
    objects = crops.visible(world, CATEGORY, "val")
    n = places.best_seen([objects[row] for row in found.rows])
    np.testing.assert_array_equal(one.labels_rc["SIFT flow"]["radius 20"], found.labels_rc[n, :2])
    np.testing.assert_array_equal(one.target, crops.images(world, [objects[found.rows[n]]], SIZE)[0])
    assert one.neighbours.shape == (2, SIZE, SIZE, 3) and one.truth.state.shape[0] == 2
    made = places.explorer(world, network, {CATEGORY: own}, CHOSEN, "alt", pairs=2, **how)
    inside = re.search(r'<script type="application/json">(.*?)</script>', made)[1]
    assert json.loads(inside) == places.content([one], network, CHOSEN)
    drawn = places.picture([one], network, CHOSEN)
    x, y = places.start(one, SIZE)
    dense_flow = flow.flow(found.labels_rc[n, :2], FIELD, FIELD, (SIZE, SIZE))
    marks = drawn.axes[2].lines[3].get_xydata()[0]  # of the second neighbour: edge and line of each kind
    np.testing.assert_allclose(marks, dense_flow[1, y, x] + (x, y))
    plt.close("all")


def test_keypoints_and_curves_are_those_of_the_chapter(world, network):
    how = dict(count=3, retrieval_layer="pool5", size=SIZE)
    own = {"conv4 flow": dict(feature="conv4", beta=2e-4)}
    content = tolerances.content(world, network, [CATEGORY, "cat"], [CATEGORY], own, top=2, **how)
    one = content["examples"][0]
    objects = crops.visible(world, CATEGORY, "val")
    objects = [objects[row] for row in crops.spread(len(objects), flows.BLOCK)]
    it = objects[places.best_seen(objects)]
    seen = np.isfinite(it.keypoints).all(axis=1)
    assert one["keypoints"] == [n for n, s in zip(world.keypoint_names(CATEGORY), seen, strict=True) if s]
    np.testing.assert_allclose(one["truth"], crops.keypoints([it], SIZE)[0, seen], atol=0.005)
    # Inside of its ellipse a keypoint is correct: the error in the image, in the square.
    for method in one["methods"].values():
        for point, truth, error in zip(method["points"], one["truth"], method["errors"], strict=True):
            if point:
                square = np.hypot(*((np.array(point) - truth) / one["radii"]))
                assert square == pytest.approx(error, abs=2e-3)
            else:
                assert error is None
    assert list(content["curves"]) == ["conv4 flow", "NN transfer"]
    errors = tolerances.scores.copy_errors(world, network, [CATEGORY, "cat"], top=2, **how)
    np.testing.assert_allclose(content["curves"]["NN transfer"][19], metrics.mean_pck(errors, 0.1), atol=1e-4)
    assert content["alphas"][19] == 0.1
    assert len(tolerances.picture(content).axes) == 2
    plt.close("all")


class Pixels:
    """A network whose features are the pixels around each unit, so that neighbours can be foretold."""

    receptive_fields = {"conv3": ReceptiveField(99, 16, 17)}  # noqa: RUF012
    digest, name = "0123456789abcdef", "pixels"

    def features(self, image, layer):
        grid = tuple((side - 17 - 8) // 16 + 1 for side in image.shape[:2])
        return patches.cut(image, self.receptive_fields[layer].centers(grid), 16).reshape(*grid, -1) - 127.5


def test_neighbours_of_patches_are_the_most_similar(world):
    database = units.sample(world, "train", 3, seed=0)
    image_id = nearest.largest(world, units.sample(world, "val", 24, seed=0))
    content = nearest.content(world, Pixels(), ["conv3"], image_id, database, k=2)
    layer = content["layers"]["conv3"]
    rows, cols = layer["grid"]
    sheet = page.pixels(layer["sheet"]).reshape(rows, 32, cols, 2, 32, 3)
    image = units.whole_image(world, image_id)
    assert content["shape"] == list(image.shape[:2])

    def unit(pixels):
        flat = pixels.reshape(len(pixels), -1) - 127.5
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    found, tiles = [], []
    for name in database:
        other = units.whole_image(world, name)
        grid = tuple((side - 17 - 8) // 16 + 1 for side in other.shape[:2])
        centers = ReceptiveField(99, 16, 17).centers(grid).reshape(-1, 2)
        found.append(patches.cut(other, centers, 16))
        tiles.append(patches.cut(other, centers, 32))
    found, tiles = unit(np.concatenate(found)), np.concatenate(tiles)
    for row, col in ((0, 0), (rows - 1, cols - 1), (rows // 2, 3)):
        own = unit(patches.cut(image, 17 + 16 * np.array([[col, row]]), 16))
        best = (found @ own[0]).argmax()
        assert np.abs(sheet[row, :, col, 0] - tiles[best].astype(int)).mean() < 12  # it is compressed
    assert len(nearest.picture(content).axes) == 3
    plt.close("all")


def test_largest_is_by_area():
    def thing(image_id, *box):
        return SimpleNamespace(image_id=image_id, box=np.array(box, float))

    found = {"cat": [thing("a", 0, 0, 9, 9), thing("b", 0, 0, 20, 5)], "dog": [thing("c", 0, 0, 99, 99)]}
    data = SimpleNamespace(categories=list(found), instances=lambda name, split: found[name])
    assert nearest.largest(data, ["a", "b"]) == "b"
    assert nearest.largest(data, ["x"]) == "x"


def test_a_byte_is_a_byte():
    assert page.packed(np.array([[0, 255], [7, 1]])) == "AP8HAQ=="
    with pytest.raises(ValueError, match="a byte holds 0 to 255, got -1 to 256"):
        page.packed(np.array([-1, 256]))


def test_content_cannot_end_its_element():
    figure = plt.figure(figsize=(1, 1))
    text = page.widget("places", {"name": "</script><!--"}, figure, '"><b>')
    plt.close(figure)
    assert text.count("</script") == 3 and "<!--" not in text and "<b>" not in text
    inside = re.search(r'<script type="application/json">(.*?)</script>', text)[1]
    assert json.loads(inside) == {"name": "</script><!--"}
    with pytest.raises(ValueError, match="JSON compliant"):
        page.widget("places", {"x": float("nan")}, figure, "x")


def test_beta_is_chosen_as_the_chapter_chooses_it(world, network, monkeypatch):
    given = {
        name: default for name, (_, default) in chapters.parameters(ROOT / "book" / "alignment.py").items()
    }
    given |= dict(layer="conv3", radius=25.0, neighbors=3, top=2, studied=1, retrieval_layer="pool5")
    given |= dict(betas=[1e-5, 1e-2], iterations=3)
    data, few = VOC(world.root), ("bus", CATEGORY)
    vars(data)["categories"] = few
    monkeypatch.setattr(
        chapters, "parameters", lambda path: {name: (None, value) for name, value in given.items()}
    )
    monkeypatch.chdir(ROOT)
    found = aligned.chapter(data, network)
    assert found.how == {
        name: given[name] for name in ("retrieval_layer", "size", "solver", "iterations")
    } | {"count": 3}
    assert found.top == 2 and list(found.studied) == list(few)
    best = {}
    for kind, feature in (("convnet flow", "conv3"), ("SIFT flow", 25.0)):
        pck = []
        for beta in given["betas"]:
            how = dict(found.how, feature=feature, beta=beta, limit=1, top=2, split="train")
            errors = tolerances.scores.flow_errors(world, network, few, **how)
            pck.append(metrics.mean_pck(errors, 0.1))
        best[kind] = given["betas"][int(np.argmax(pck))]
    assert found.beta == best


def test_a_category_has_the_flows_that_the_chapter_computed():
    feature = {"convnet flow": "conv3", "SIFT flow": 25.0}
    beta = {"convnet flow": 1e-3, "SIFT flow": 2e-3}
    found = aligned.Chapter(how={}, top=5, feature=feature, beta=beta, studied=["bus"])
    assert found.methods == {
        "conv3 flow": {"feature": "conv3", "beta": 1e-3},
        "SIFT flow": {"feature": 25.0, "beta": 2e-3},
    }
    assert found.kinds("cat") == {
        "convnet flow": {"conv3": {"feature": "conv3", "beta": 1e-3}},
        "SIFT flow": {"radius 25": {"feature": 25.0, "beta": 2e-3}},
    }
    assert list(found.kinds("bus")["convnet flow"]) == ["conv1", "conv2", "conv3", "conv4", "conv5"]
    assert found.kinds("bus")["SIFT flow"]["radius 160"] == {"feature": 160.0, "beta": 2e-3}
    assert found.chosen == {"convnet flow": "conv3", "SIFT flow": "radius 25"}
    assert all(name in found.kinds("bus")[kind] for kind, name in found.chosen.items())
