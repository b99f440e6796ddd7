"""Interactive figures: their content against Python's own answers, and their behaviour in a browser."""

import dataclasses
import json
import re
import shutil
from functools import partial
from types import SimpleNamespace

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pytest

from conftest import ROOT
from corrlib import figurines, flow, metrics, patches
from corrlib.data import crops
from corrlib.experiments.alignment import Settings, studies
from corrlib.experiments.alignment import errors as alignment_errors
from corrlib.experiments.alignment.flows import BLOCK, align
from corrlib.experiments.visualization import LAYERS, database, shown
from corrlib.experiments.visualization import Settings as VisualizationSettings
from corrlib.experiments.visualization.units import cut, neighbor_index, units, whole_image
from corrlib.geometry import ReceptiveField
from corrlib.publishing import explorer
from corrlib.publishing.explorer import html, patch, place, tolerance, truths
from corrlib.sift import Sift

pytestmark = pytest.mark.usefixtures("own_cache")

SIZE, NODES, CATEGORY = 227, 13, "motorbike"
FIELD = ReceptiveField(131, 16, 17)
GRID = SimpleNamespace(receptive_fields={"conv4": FIELD}, output_shape=lambda shape, layer: (NODES, NODES))
CHOSEN = {"convnet flow": "conv4", "SIFT flow": "radius 20"}
BETAS = {"conv4 flow": 2e-4, "SIFT flow": 3e-3}
CURVES = {"conv4 flow": np.linspace(0, 0.9, 60).tolist(), "NN transfer": np.linspace(0, 0.6, 60).tolist()}
TARGET = {"keypoints": ["L_Ear", "Nose", "Tail"], "truth": [[50, 50], [100, 60], [200, 150]]}
TARGET["methods"] = {
    "conv4 flow": {"points": [[60, 50], [100, 160], None], "errors": [0.044, 0.22, None]},
    "NN transfer": {"points": [[50, 50], [100, 60], [0, 0]], "errors": [0, 0.1, 0.9]},
}


def smooth(rng, *shape, cells=4):
    """Images that compression changes little."""
    coarse = rng.integers(0, 256, (*shape[:-3], cells, cells, 3), dtype=np.uint8).reshape(-1, cells, cells, 3)
    return np.stack([cv2.resize(image, shape[-3:-1][::-1]) for image in coarse]).reshape(shape)


@pytest.fixture(scope="module")
def examples():
    """Two objects with two neighbours each, with random labels and a random truth of all states."""
    rng, n, result = np.random.default_rng(0), -(-SIZE // truths.STEP), []
    for name in ("cat", "sofa"):
        conv1, conv4, sift = rng.integers(0, NODES, (3, 2, NODES, NODES, 2))
        part = rng.choice(np.array([0, 1, truths.NONE], np.uint8), (n, n))
        points, state = rng.uniform(0, SIZE - 1, (2, n, n, 2)), rng.integers(0, 4, (2, n, n))
        truth = truths.Truth(("left ear", "tail"), part, points, state.astype(np.uint8))
        images = smooth(rng, 3, SIZE, SIZE, 3)
        flows = {"convnet flow": {"conv1": conv1, "conv4": conv4}, "SIFT flow": {"radius 20": sift}}
        result.append(SimpleNamespace(name=name, images=images, labels_rc=flows, truth=truth))
    return result


@pytest.fixture(scope="module")
def neighbors():
    """Content of the explorer of patches."""
    rng, layers = np.random.default_rng(1), {}
    for name, field in (("conv3", 99), ("conv4", 131)):
        layers[name] = {"center": 17, "stride": 16, "grid": [12, 18], "field": field}
        layers[name]["sheet"] = html.webp(smooth(rng, 12 * 32, 18 * 2 * 32, 3))
        layers[name]["similarity"] = html.packed(np.arange(12 * 18 * 2) % 101)
        layers[name]["category"] = html.packed(np.arange(12 * 18 * 2) % 3)
    image = html.webp(smooth(rng, 211, 307, 3, cells=30))
    return {"image": image, "shape": [211, 307], "k": 2, "tile": 2, "layers": layers} | {
        "start": [100, 60],
        "categories": ["background", "cat", "sofa"],
    }


@pytest.fixture(scope="module")
def settings(world, network):
    resolved = Settings(neighbors=3, top=2, iterations=9).resolve(world, network)
    return dataclasses.replace(resolved, categories=(CATEGORY, "cat"))


def content(widget):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', widget.data)[1])


def matches(example, feature, x, y):
    """Points on the neighbours by the flow of the core."""
    kind = "convnet flow" if feature.startswith("conv") else "SIFT flow"
    return flow.flow(example.labels_rc[kind][feature], FIELD, FIELD, (SIZE, SIZE))[:, y, x] + (x, y)


# Content


def test_weights_of_the_spline_give_the_flow_of_the_core(rng):
    labels = rng.integers(0, NODES, (NODES, NODES, 2))
    weights = place.spline(FIELD, NODES, SIZE)
    moved = (labels - np.moveaxis(np.indices((NODES, NODES)), 0, -1))[..., ::-1] * FIELD.stride
    flows = np.einsum("yr,xc,rck->yxk", weights, weights, moved)
    np.testing.assert_allclose(flows, flow.flow(labels, FIELD, FIELD, (SIZE, SIZE)), atol=1e-9)


def test_an_object_corresponds_to_itself(world):
    (target, *_) = crops.objects(world, CATEGORY, "val")
    truth = truths.read(world, target, [target], SIZE)
    on_object = truth.part != truths.NONE
    visible = on_object & (truth.state[0] == truths.SHOWN)
    assert 0.1 < on_object.mean() < 0.9 and visible.sum() > 0.95 * on_object.sum()
    lattice = np.indices(on_object.shape)[::-1].transpose(1, 2, 0) * truths.STEP
    pixel = SIZE / np.ptp(target.box.reshape(2, 2), axis=0)  # a pixel of the image in the crop
    assert (np.abs(truth.matches[0] - lattice)[visible] <= 0.6 * pixel).all()
    assert (truth.state[0][~on_object] == truths.MISSING).all()


def test_the_truth_is_that_of_the_dense_study(world):
    both = (crops.objects(world, CATEGORY, split) for split in ("val", "train"))
    target, other = (max(each, key=lambda one: np.prod(one.box[2:] - one.box[:2])) for each in both)
    truth = truths.read(world, target, [other], SIZE)
    points, matches = studies.true_matches(world, target, other, SIZE)
    inside = ((points >= 0) & (points <= SIZE - 1) & (matches >= -0.5) & (matches <= SIZE - 0.5)).all(axis=1)
    cols, rows = np.rint(points[inside] / truths.STEP).astype(int).T
    visible = truth.state[0, rows, cols] == truths.SHOWN
    assert inside.sum() > 20 and visible.mean() > 0.9
    off = np.linalg.norm(truth.matches[0, rows, cols] - matches[inside], axis=1)
    assert np.median(off[visible]) < 4
    assert truth.names == tuple(truths.in_words(part) for part in figurines.parts(CATEGORY))
    names = {"L_F_thigh": "left front thigh", "b_wheel_spoke3": "back wheel spoke", "leg_Left": "leg left"}
    assert {part: truths.in_words(part) for part in names} == names


def test_places_show_the_alignments_of_the_chapter(world, network, settings, monkeypatch):
    monkeypatch.setattr(place, "LAYERS", ("conv3", "conv4"))
    monkeypatch.setattr(place, "RADII", (Sift(40.0),))
    monkeypatch.setattr(studies, "FEW", 1)
    assert studies.few(settings).categories == (CATEGORY,)
    args = (world, network, settings)
    made = content(explorer.places(*args, [CATEGORY, "cat"], BETAS, every_feature=True))
    first, second = ({kind: list(by) for kind, by in each["flows"].items()} for each in made["examples"])
    assert first == {"convnet flow": ["conv3", "conv4"], "SIFT flow": ["radius 40", "radius 20"]}
    assert second == {kind: [name] for kind, name in CHOSEN.items()} and made["chosen"] == CHOSEN
    conv, pairs = (
        align(*args, CATEGORY, feature=feature, beta=BETAS[method], limit=place.FIRST)
        for method, feature in {"conv4 flow": "conv4", "SIFT flow": Sift(20.0)}.items()
    )
    objects, near = (crops.objects(world, CATEGORY, split) for split in ("val", "train"))
    points = np.stack([conv.points, pairs.points], axis=1)
    n, _ = place.best_aligned([objects[row] for row in pairs.rows], points, SIZE)
    target, neighbors = objects[pairs.rows[n]], [near[row] for row in pairs.neighbors[n]]
    truth = truths.read(world, target, neighbors, SIZE)
    pictures = crops.images(world, [target, *neighbors], SIZE)
    flows = {"SIFT flow": {"radius 20": pairs.labels_rc[n]}}
    dense = [flow.flow(each.labels_rc[n], FIELD, FIELD, (SIZE, SIZE)) for each in (conv, pairs)]
    start = place.start(truth, np.stack(dense))
    expected = place.described(CATEGORY, pictures, flows, truth, start)
    (example,) = (each for each in made["examples"] if each["name"] == CATEGORY)
    assert example | {"flows": None} == expected | {"flows": None} and len(pictures) == 4
    assert example["flows"]["SIFT flow"]["radius 20"] == expected["flows"]["SIFT flow"]["radius 20"]
    np.testing.assert_allclose(made["spline"], place.spline(FIELD, NODES, SIZE), atol=1e-5)
    still = place.still(made | {"chosen": {"SIFT flow": "radius 20"}})
    mark = still.axes[2].lines[0].get_xydata()[0]  # on the second neighbour
    flow_mark = matches(SimpleNamespace(labels_rc=flows), "radius 20", *example["start"])[1]
    np.testing.assert_allclose(mark, flow_mark, atol=0.01)


def test_keypoints_and_curves_are_those_of_the_chapter(world, network, settings):
    made = content(explorer.tolerances(world, network, settings, [CATEGORY], BETAS))
    (example,) = made["examples"]
    objects = crops.objects(world, CATEGORY, "val")
    objects = crops.subset(objects, BLOCK)
    places = [each[np.isfinite(each).all(axis=1)] for each in crops.keypoints(objects, SIZE)]
    (number,) = (i for i, each in enumerate(places) if np.array_equal(np.round(each, 2), example["truth"]))
    target = objects[number]
    visible = np.isfinite(target.keypoints).all(axis=1)
    assert example["keypoints"] == np.array(world.keypoint_names(CATEGORY))[visible].tolist()
    np.testing.assert_allclose(example["truth"], crops.keypoints([target], SIZE)[0, visible], atol=0.005)
    # The error in the image is the distance in the crop in units of the ellipse of alpha = 1.
    for method in example["methods"].values():
        off = np.array([point or (np.nan, np.nan) for point in method["points"]]) - example["truth"]
        errors = np.array(method["errors"], dtype=float)  # NaN for None
        np.testing.assert_allclose(np.linalg.norm(off / example["radii"], axis=1), errors, atol=2e-3)
    errors = alignment_errors(world, network, settings, BETAS)
    assert made["alphas"][19] == 0.1 and list(made["curves"]) == list(example["methods"]) == list(errors)
    for method, each in errors.items():
        np.testing.assert_allclose(made["curves"][method][19], metrics.mean_pck(each, 0.1), atol=1e-4)


def test_a_sheet_shows_the_neighbors_of_each_unit(world, network):
    settings = VisualizationSettings(database_images=3, k=2)
    image_id, sources = shown(world, settings)[0], database(world, settings)
    made = content(explorer.nearest(world, network, settings, image_id))
    layer = made["layers"]["conv3"]
    rows, cols = layer["grid"]
    assert (layer["stride"], layer["field"], made["tile"], made["k"]) == (16, 99, 2, 2)
    assert tuple(made["layers"]) == LAYERS and made["shape"] == list(whole_image(world, image_id).shape[:2])
    sheet = html.pixels(layer["sheet"]).reshape(rows, 32, cols, 2, 32, 3).transpose(0, 2, 3, 1, 4, 5)
    index, _ = neighbor_index(world, network, "conv3", [image_id], sources, 2)
    index = index.reshape(rows, cols, 2)
    tiles = cut(world, units(world, network, "conv3", sources), index, 32)
    assert np.abs(sheet - tiles.astype(int)).mean() < 12  # it is compressed
    unit = 3 * cols + 4
    own, (other, _) = units(world, network, "conv3", [image_id]), index[3, 4]
    features = [
        np.concatenate(each.blocks).astype(float) for each in (own, units(world, network, "conv3", sources))
    ]
    a, b = features[0][unit], features[1][other]
    similarity = html.unpacked(layer["similarity"], rows * cols, 2)[unit, 0]
    assert similarity == pytest.approx(100 * a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=0.6)
    x, y = made["start"]
    boxes = [
        i.box for name in world.categories for i in world.instances(name, "val") if i.image_id == image_id
    ]
    assert any(box[0] <= x <= box[2] and box[1] <= y <= box[3] for box in boxes)


def test_an_explorer_starts_where_flows_are_right(rng):
    """Of the points that most neighbours show: at (2, 4) the flows are nearest, at (6, 0) one is hidden."""
    n, matches = 5, rng.uniform(0, 8, (2, 5, 5, 2))
    state = np.full((2, n, n), truths.SHOWN)
    state[0, 0, 3] = truths.HIDDEN
    flows = np.full((1, 2, 9, 9, 2), 50.0)
    flows[0, :, 4, 2], flows[0, :, 0, 6] = matches[:, 2, 1] - (2, 4) + 3, matches[:, 0, 3] - (6, 0)
    truth = truths.Truth(("all",), np.zeros((n, n), np.uint8), matches, state)
    assert place.start(truth, flows) == [2, 4] and place.start(None, flows) == [4, 4]


def test_the_best_aligned_has_most_keypoints_near_the_truth(world):
    objects = [
        dataclasses.replace(o, truncated=False, difficult=False)
        for o in crops.objects(world, "cat", "val")[:1]
    ]
    (truth,) = crops.keypoints(objects, SIZE)
    points = np.stack(
        [truth + 40, truth + 1, np.where(np.arange(len(truth))[:, None] % 2, truth, truth + 40)]
    )
    assert place.best_aligned(3 * objects, points[:, None, None], SIZE) == (1, 1.0)
    assert place.best_aligned(objects, points[2:, None, None], SIZE) == (0, pytest.approx(0.5, abs=0.1))


def test_tolerances_begin_with_the_object_that_is_predicted_best(world, network, settings):
    half, none, most = (
        {"methods": {"a": {"errors": errors}, "b": {}}}
        for errors in ([0.05, None, 0.1, 0.01], [None, 0.5], [0.01, 0.02, 0.2])
    )
    assert tolerance._wrong(half) == 0.5
    assert tolerance._mostly_right([half, none, most]) == [most, half]
    assert tolerance._mostly_right([none]) == [none]
    made = content(explorer.tolerances(world, network, settings, ["bus", CATEGORY, "person"], BETAS))
    assert made["examples"] == tolerance._mostly_right(made["examples"])


def test_a_unit_has_the_category_of_the_smallest_box_around_it(world, network):
    source = units(world, network, "conv3", database(world, VisualizationSettings(database_images=3)))
    found = patch.categories_at(world, source, "train")
    every = [(i, c) for c, name in enumerate(world.categories, 1) for i in world.instances(name, "train")]
    for unit in range(0, len(found), 41):
        (x, y), image_id = source.centers[unit], source.image_ids[source.image[unit]]
        around = [
            (np.prod(np.ptp(i.box.reshape(2, 2), axis=0)), c)
            for i, c in every
            if i.image_id == image_id and i.box[0] <= x <= i.box[2] and i.box[1] <= y <= i.box[3]
        ]
        assert found[unit] == min(around, default=(0, 0))[1]
    assert len(set(found.tolist())) > 2


def test_content_survives_its_encoding_and_cannot_inject_markup(rng):
    assert html.packed(np.array([[0, 255], [7, 1]])) == "AP8HAQ=="
    with pytest.raises(ValueError, match="a byte holds 0 to 255, got -1 to 256"):
        html.packed(np.array([-1, 256]))
    image = smooth(rng, 31, 47, 3)
    assert np.abs(html.pixels(html.webp(image)) - image.astype(int)).mean() < 4
    widget = html.widget("places", {"name": "</script><!--"}, plt.figure(figsize=(1, 1)), '"><b>')
    text = widget.data
    assert text.count("</script") == 3 and "<!--" not in text and "<b>" not in text
    assert content(widget) == {"name": "</script><!--"} and not plt.get_fignums()
    with pytest.raises(ValueError, match="JSON compliant"):
        html.widget("places", {"x": float("nan")}, plt.figure(figsize=(1, 1)), "x")


# In a browser


@pytest.fixture(scope="module")
def site(tmp_path_factory, examples, neighbors):
    """A page with all explorers, at the same relative paths as in the book."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "book" / "_static", folder / "_static")
    target = TARGET | {"name": "cat", "target": html.webp(np.full((SIZE, SIZE, 3), 90, np.uint8))}
    tolerances = {"size": SIZE, "alphas": tolerance.ALPHAS.tolist(), "curves": CURVES}
    tolerances["examples"] = [target | {"radii": [227, 454]}]
    described = [place.described(e.name, e.images, e.labels_rc, e.truth, [90, 60]) for e in examples]
    places = place.content(described, GRID, CHOSEN, SIZE)
    text = '<!doctype html><html lang="en"><meta charset="utf-8"><title>T</title><body style="width: 50rem">'
    for kind, made in {"places": places, "tolerances": tolerances, "nearest": neighbors}.items():
        text += html.widget(kind, made, plt.figure(figsize=(3, 1)), f'The "still" of {kind}').data
    path = folder / "book" / "page.html"
    path.parent.mkdir()
    path.write_text(f"{text}<p style='height: 60rem'></body></html>")
    return path


@pytest.fixture
def reader(chromium, site):
    """A browser that has just opened the page; errors and requests to other hosts fail the test."""
    chromium.problems.clear()
    chromium.open(site)
    yield chromium
    assert not chromium.problems


def every(reader, kind, selector, expression):
    """Return the value of an expression of each element `e` of an explorer that a selector matches."""
    selected = f"document.querySelectorAll('[data-explorer={kind}] {selector}')"
    return reader.value(f"[...{selected}].map(e => {expression})")


def pixel(reader, x, y, kind="places", shape=(SIZE, SIZE)):
    """Return the place in the window of pixel (x, y) of an explorer's picture, scrolled into view."""
    every(reader, kind, ".explorer-pad", "e.scrollIntoView({block: 'center', behavior: 'instant'})")
    box = "(b => [b.x, b.y, b.width, b.height])(e.getBoundingClientRect())"
    ((left, top, width, height),) = every(reader, kind, ".explorer-pad", box)
    return left + (x + 0.5) / shape[1] * width, top + (y + 0.5) / shape[0] * height


def marks(reader, neighbor=None):
    """Return the points (x, y) of the visible marks on the object or on a neighbour, by their number."""
    pane = ".explorer-pad" if neighbor is None else f".explorer-neighbours > :nth-child({neighbor + 1})"
    about = "[e.style.display, e.getAttribute('class'), e.getAttribute('transform')]"
    drawn = every(reader, "places", f"{pane} svg:not(.explorer-swatch) > .explorer-mark", about)
    return {
        name.split()[1].removeprefix("explorer-"): [float(v) for v in re.findall(r"-?[\d.]+", at)[:2]]
        for display, name, at in drawn
        if display != "none"
    }


def status(reader, kind, contains):
    """Return the text for screen readers, once it contains some words."""
    live = f"document.querySelector('[data-explorer={kind}] [role=status]').textContent"
    reader.wait(f"{live}.includes({json.dumps(contains)})")
    return reader.value(live)


def choose(reader, kind, number, value):
    select = f"document.querySelectorAll('[data-explorer={kind}] select')[{number}]"
    reader.value(f"{select}.value = {json.dumps(value)}; {select}.dispatchEvent(new Event('change')); 0")


def test_marks_are_where_the_core_puts_them(reader, examples, rng):
    truth, n, states = examples[0].truth, -(-SIZE // truths.STEP), set()
    corners = [(0, 0), (SIZE - 1, 0), (SIZE - 1, SIZE - 1)]
    for x, y in [*corners, *rng.integers(0, SIZE, (12, 2)).tolist()]:
        reader.mouse(*pixel(reader, x, y))
        assert marks(reader) == {"point": [x, y]}
        row, col = (min((v + 1) // truths.STEP, n - 1) for v in (y, x))  # JavaScript rounds halves up
        for neighbor in range(2):
            drawn = marks(reader, neighbor)
            for number, feature in enumerate(CHOSEN.values()):
                expected = matches(examples[0], feature, x, y)[neighbor]
                np.testing.assert_allclose(drawn[str(number)], expected, atol=0.05)
            state, part = int(truth.state[neighbor, row, col]), truth.part[row, col]
            states.add((state, part == truths.NONE))
            assert ("2" in drawn) == (part != truths.NONE and state in (truths.SHOWN, truths.HIDDEN))
            if "2" in drawn:
                np.testing.assert_allclose(drawn["2"], truth.matches[neighbor, row, col], atol=0.51)
    assert len(states) > 5


def test_a_screen_reader_reads_the_part_and_the_errors(reader, examples):
    state, part = examples[0].truth.state[:, 1:-1, 1:-1], examples[0].truth.part[1:-1, 1:-1]
    wanted = (part == 1) & (state == [[[truths.HIDDEN]], [[truths.MISSING]]]).all(axis=0)
    row, col = np.argwhere(wanted)[0] + 1
    x, y = int(col) * truths.STEP, int(row) * truths.STEP
    reader.mouse(*pixel(reader, x, y))
    truth = np.rint(examples[0].truth.matches[0, row, col])
    conv, sift = (np.linalg.norm(matches(examples[0], f, x, y)[0] - truth) for f in CHOSEN.values())
    assert status(reader, "places", f"({x}, {y})") == (
        f"The point ({x}, {y}) is on the tail. Error of convnet flow by conv4: {conv:.0f} px; "
        f"error of SIFT flow by radius 20: {sift:.0f} px; hidden in 1 of 2; missing in 1 of 2."
    )


def test_layers_objects_and_marks_can_be_chosen(reader, examples):
    reader.mouse(*pixel(reader, 40, 150))
    choose(reader, "places", 1, "conv1")
    np.testing.assert_allclose(marks(reader, 1)["0"], matches(examples[0], "conv1", 40, 150)[1], atol=0.05)
    assert set(marks(reader, 1)) <= {"0", "1", "2"}
    boxes = every(reader, "places", "input", "e.click()")  # hides both flows and the truth
    assert len(boxes) == 4 and marks(reader, 1) == {"3": [40, 150]}
    every(reader, "places", "input", "e.click()")
    choose(reader, "places", 0, "sofa")
    x, y = 90, 60
    assert marks(reader) == {"point": [x, y]}  # and the layer is still the chosen one
    np.testing.assert_allclose(marks(reader, 0)["0"], matches(examples[1], "conv1", x, y)[0], atol=0.05)


def test_keys_clicks_and_fingers_move_the_point_and_a_finger_scrolls_past_it(reader):
    reader.mouse(*pixel(reader, 100, 100))
    every(reader, "places", ".explorer-pad", "e.focus()")
    before = reader.value("scrollY")
    reader.key("ArrowRight", "ArrowDown", "ArrowDown")
    reader.key("ArrowLeft", "ArrowUp", shift=True)
    assert marks(reader)["point"] == [103, 107]
    for x, after in ((60, 60), (120, 90)):  # a click holds the point until the next click
        reader.mouse(*pixel(reader, x, x))
        reader.click(*pixel(reader, x, x))
        reader.mouse(*pixel(reader, 90, 90))
        assert marks(reader)["point"] == [after, after]
    reader.call("Emulation.setTouchEmulationEnabled", enabled=True)

    def stroke(*path):
        first, *rest = ([dict(zip("xy", pixel(reader, *point), strict=True))] for point in path)
        events = [("touchStart", first), *(("touchMove", point) for point in rest), ("touchEnd", [])]
        for kind, touched in events:
            reader.call("Input.dispatchTouchEvent", type=kind, touchPoints=touched)

    stroke((150, 80), (80, 80))
    np.testing.assert_allclose(marks(reader)["point"], [80, 80], atol=1)
    assert reader.value("scrollY") == before
    stroke((80, 200), (80, 150), (80, 60))
    reader.wait(f"scrollY > {before}")
    reader.call("Emulation.setTouchEmulationEnabled", enabled=False)


def test_the_slider_judges_keypoints_and_moves_along_the_curve(reader):
    seen = partial(every, reader, "tolerances")
    dots = partial(seen, ".explorer-dot", "['cx', 'cy'].map(name => Number(e.getAttribute(name)))")
    slider, text, correct = "input[type=range]", "e.getAttribute('aria-valuetext')", "e.dataset.correct"
    seen(slider, "e.focus()")
    assert seen(slider, text) == ["0.1: 1 of 3 correct"]
    before = dots()
    reader.key(*["ArrowRight"] * 25)
    assert seen(slider, text) == ["0.225: 2 of 3 correct"]
    assert seen("[data-keypoint]", correct) == ["true", "true"]  # the third is not predicted
    curves = {name: np.interp(0.225, tolerance.ALPHAS, values) for name, values in CURVES.items()}
    said = status(reader, "tolerances", "alpha = 0.225")
    assert "2 of these 3 keypoints correct; wrong: Tail." in said
    assert ", ".join(f"{name} {100 * value:.1f} %" for name, value in curves.items()) in said
    # From 0.1 to 0.225 of an axis that ends at 0.3, and up the curve.
    (x, y), _ = np.subtract(dots(), before)
    assert x / (0.225 - 0.1) == pytest.approx(268 / 0.3)
    assert y / (curves["conv4 flow"] - CURVES["conv4 flow"][19]) == pytest.approx(-196)
    choose(reader, "tolerances", 1, "NN transfer")
    assert seen("[data-keypoint]", correct) == ["true", "true", "false"]
    reader.key(*["ArrowLeft"] * 25)
    assert seen(slider, text) == ["0.1: 1 of 3 correct"], "an error of exactly 0.1 is wrong"


@pytest.mark.parametrize(("x", "y"), [(0, 0), (306, 210), (150, 99)])
def test_a_patch_and_its_neighbors(reader, neighbors, x, y):
    reader.wait("[...document.querySelectorAll('[data-explorer=nearest] img')].every(e => e.complete)")
    reader.mouse(*pixel(reader, x, y, "nearest", (211, 307)))
    row, col = ReceptiveField(99, 16, 17).nearest(np.array([x, y]), (12, 18))
    image, center = html.pixels(neighbors["image"]), 17 + 16 * np.array([col, row])
    data = "e.getContext('2d').getImageData(0, 0, 32, 32).data"
    reader.wait(f"[...document.querySelectorAll('canvas')].every(e => {data}.some(value => value))")
    drawn = np.array(every(reader, "nearest", "canvas", f"[...{data}]")).reshape(2, 3, 32, 32, 4)
    for (own, *others), name in zip(drawn, ("conv3", "conv4"), strict=True):
        tiles = html.pixels(neighbors["layers"][name]["sheet"]).reshape(12, 32, 18, 2, 32, 3)[row, :, col]
        assert np.abs(np.array(others)[..., :3] - tiles.swapaxes(0, 1).astype(int)).mean() < 2
        inside = own[..., 3] > 0  # nothing is drawn beyond the image
        patch = (patches.cut(image, center + shift, 32).astype(int) for shift in (0, 1))
        here, beside = (np.abs(own[..., :3] - each)[inside].mean() for each in patch)
        assert here < 4 and here < beside / 2
    frame = "['x', 'y', 'width'].map(name => Number(e.getAttribute(name)))"
    shown, at = "e.innerText.replaceAll('\\n', ' ')", 2 * (18 * row + col)
    notes = every(reader, "nearest", ".explorer-row div > span", shown)
    expected = [f"{neighbors['categories'][(at + n) % 3]} {(at + n) % 101 / 100:.2f}" for n in (0, 1)]
    assert notes == 2 * ["", *expected]
    told = f"conv3: {', '.join(expected)}; conv4: {', '.join(expected)}."
    assert status(reader, "nearest", told).startswith(
        "Category and similarity of the neighbours of the patch"
    )
    fields = every(reader, "nearest", ".explorer-pad rect", frame)
    assert fields == [[*(center - side / 2).tolist(), side] for side in (99, 131, 16)]


def test_pictures_stay_without_scripts(chromium, site):
    chromium.call("Emulation.setScriptExecutionDisabled", value=True)
    chromium.open(site)
    text = chromium.value("document.documentElement.outerHTML")
    chromium.call("Emulation.setScriptExecutionDisabled", value=False)
    alts = re.findall(r'class="explorer-still" alt="([^"]*)"', text)
    assert alts == [f"The &quot;still&quot; of {kind}" for kind in ("places", "tolerances", "nearest")]
    assert "explorer-pane" not in text
