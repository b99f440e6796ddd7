"""The alignment experiment: its parts against loops and closed forms, and whole on a small world."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.collections import LineCollection

import oracles
from corrlib import flow, metrics
from corrlib.data import DataError, crops
from corrlib.experiments import alignment, shown
from corrlib.experiments.alignment import evaluation, example, flows, studies
from corrlib.experiments.neighbors import default_layer, neighbors
from corrlib.publishing import plots
from corrlib.sift import SCALE_SPACE, Sift, descriptors

pytestmark = pytest.mark.usefixtures("own_cache")

NAN = np.nan
SIFT = Sift(20.0)
BOTH = {"conv4 flow": 1e-3, "SIFT flow": 1e-3}


@pytest.fixture(scope="module")
def settings(world, network):
    """Few neighbours, found by conv5, as the network has no fc7."""
    return alignment.Settings(neighbors=3, studied=1, top=2).resolve(world, network)


def test_settings_are_completed_by_the_dataset_and_the_network(world, network):
    settings = alignment.Settings(layer="sift", radius=10, alpha=0.2).resolve(world, network)
    assert settings.categories == tuple(world.categories) and settings.retrieval_layer == "conv5 mean"
    assert default_layer(SimpleNamespace(layers=["conv5", "pool5", "fc7"], retriever=None)) == "fc7"
    assert settings.features == {"conv4 flow": "conv4", "SIFT flow, radius 10": Sift(10)}
    assert settings.alphas == [0.1, 0.05, 0.025, 0.2]
    assert alignment.Settings(category="cat").resolve(world, network).categories == ("cat",)


@given(
    points=arrays(float, (2, 4, 3, 2), elements=st.sampled_from([NAN, 0, 1, 2, 5, 9]), fill=st.nothing()),
    order=arrays(int, (2, 4), elements=st.integers(0, 3)),
    top=st.integers(1, 5),
    missing=st.sampled_from(["most", "any", "next"]),
)
def test_the_median_of_the_first_that_show_a_keypoint(points, order, top, missing):
    points[np.isnan(points).any(axis=-1)] = NAN
    predicted = evaluation.first_median(points, order, top=top, missing=missing)
    np.testing.assert_array_equal(predicted, oracles.first_median(points, order, top, missing))


def test_evenly_spaced_subsets_are_nested():
    for total in (1, 7, 54):
        rows = crops.evenly_spaced(total)
        np.testing.assert_array_equal(np.sort(rows), np.arange(total))
        for limit in (1, 4, 10):
            np.testing.assert_array_equal(crops.evenly_spaced(total, limit), rows[:limit])
    assert np.diff(np.sort([0, *crops.evenly_spaced(100, 10), 100])).max() <= 20


def test_bad_input_is_refused(world, network, monkeypatch):
    points = np.zeros((2, 3, 4, 2))
    for call, message in (
        (lambda: crops.evenly_spaced(5, 0), "at least 1"),
        (lambda: evaluation.first_median(points, np.zeros((2, 4))), r"\(N, k\)"),
        (lambda: evaluation.flow_errors(*[None] * 3, feature="", beta=1, order="stiffness"), "deformation, "),
        (lambda: alignment.Settings(missing="all"), "^missing is 'all': expected one of most, any, next"),
        (lambda: alignment.Settings(copy_missing=""), "^copy_missing is ''"),
        (lambda: alignment.Settings(top=0), "^top must be at least 1, got 0"),
        (lambda: alignment.Settings(copy_top=0), "^copy_top must be"),
        (lambda: alignment.Settings(alpha=-0.1), "^alpha must be positive, got -0.1"),
        (lambda: alignment.Settings(layer="conv9").resolve(world, network), "unknown layer 'conv9': .*conv5"),
        (lambda: neighbors(world, network, "dog", "val", layer="fc7"), "pool5"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    monkeypatch.setattr(crops, "objects", lambda data, category, split: ())
    with pytest.raises(DataError, match="0 objects of 'dog' have a visible keypoint in val"):
        neighbors(world, network, "dog", "val", layer="pool5")


def test_errors_are_measured_in_the_image_and_the_oracle_knows_the_best_neighbour(world):
    (one, *_) = crops.objects(world, "bus", "val")
    x0, y0, x1, y1 = one.box
    predicted = one.keypoints + np.array([0, 0.1 * max(x1 - x0, y1 - y0)])
    errors = crops.errors(crops.crop(one, 227).points(predicted)[None], [one], 227)
    np.testing.assert_allclose(errors[0], np.where(np.isfinite(one.keypoints).all(axis=1), 0.1, NAN))
    objects = crops.objects(world, "car", "val")[:2]
    truth = crops.keypoints(objects, 227)
    points = np.stack([truth + 9, truth, np.full_like(truth, NAN), truth - 4], axis=1)
    order = evaluation.oracle_order(points, objects, 227)
    np.testing.assert_array_equal(np.argsort(order, axis=1), [[1, 3, 0, 2]] * len(objects))


# features and neighbours


def test_features_of_all_kinds_are_taken_at_the_same_places(world, network):
    (one, *_) = crops.objects(world, "cow", "val")
    image = crops.crop(one, 227).image(world.image(one.image_id))
    kinds = ("conv4", "conv1", SIFT)
    conv4, conv1, sift = (
        flows.features(world, network, "cow", "val", feature=kind, size=227)[0] for kind in kinds
    )
    np.testing.assert_allclose(conv4, network.features(image, "conv4"), rtol=2e-3, atol=1e-3)
    # conv1 has its units at 5 + 4 i, conv4 at 17 + 16 i.
    np.testing.assert_allclose(conv1, network.features(image, "conv1")[3:52:4, 3:52:4], rtol=2e-3, atol=1e-3)
    np.testing.assert_array_equal(sift[2, 5], descriptors(image, [17 + 5 * 16, 17 + 2 * 16], bin_size=20))


def test_the_scale_makes_the_norm_one_over_a_sample_of_the_training_set(world, network):
    squared = []
    for name in world.categories:
        raw = flows.features(world, network, name, "train", feature=SIFT, size=227).astype(float)
        squared += [*(raw[crops.evenly_spaced(len(raw), flows.SAMPLE)] ** 2).sum(axis=-1)]
    assert flows.scale(world, network, feature=SIFT, size=227) == pytest.approx(np.sqrt(np.mean(squared)))


@pytest.mark.parametrize("layer", ["pool5", "conv5 mean"])
def test_neighbours_are_the_most_similar_training_objects_of_other_images(world, network, layer):
    train, val = (crops.objects(world, "person", split) for split in ("train", "val"))
    images = np.array([i.image_id for i in train])
    maps = network.features(crops.images(world, train, 227), layer[:5])
    described = [one.mean(axis=(0, 1)) if layer == "conv5 mean" else one.ravel() for one in maps]
    for count in (2, 25):
        rows = neighbors(world, network, "person", "train", layer=layer, neighbors=count)
        left = min((images != i).sum() for i in images)
        expected, _ = oracles.neighbours(described, described, min(count, left), images, images)
        np.testing.assert_array_equal(rows, expected)
    all_of_val = neighbors(world, network, "person", "val", layer=layer)
    assert all_of_val.shape == (len(val), len(train)) and (np.sort(all_of_val) == np.arange(len(train))).all()
    for image, row in zip(images, neighbors(world, network, "person", "train", layer=layer), strict=True):
        others = np.flatnonzero(images != image)
        assert sorted(row[row >= 0]) == others.tolist() and (row[len(others) :] == -1).all()


# flows


def test_the_coarse_field_carries_keypoints_where_the_fine_one_does(network, rng):
    """For a shift of one cell to the right the keypoints are known."""
    field = network.receptive_fields[flows.GRID_LAYER]
    rows, cols = np.indices((13, 13))
    labels = np.stack([rows, np.minimum(cols + 1, 12)], axis=-1)
    points = np.array([[113.0, 60.0], [NAN, NAN], [49.0, 180.5]])
    np.testing.assert_allclose(flows.transfer(labels, field, 227, points), points - [16, 0], atol=0.05)
    bend = np.rint(1.4 * np.sin(cols / 3) + rows / 8).astype(int)
    labels = np.stack([np.clip(rows + bend, 0, 12), cols], axis=-1)
    points = rng.uniform(20, 200, (40, 2))
    fine = flow.transfer(flow.flow(labels, field, field, (227, 227)), points)
    off = np.linalg.norm(fine - flows.transfer(labels, field, 227, points), axis=1)
    assert np.median(off) < 0.2 and np.quantile(off, 0.9) < 1  # a fold may send a few elsewhere


@pytest.mark.parametrize("feature", ["conv4", SIFT])
def test_aligned_pairs_are_those_of_the_solver_and_are_kept(world, network, settings, feature, monkeypatch):
    inputs = (world, network, settings, "bus")
    pairs = flows.align(*inputs, feature=feature, beta=1e-3, limit=1)
    assert pairs.labels_rc.shape[:4] == (1, 3, 13, 13) and pairs.points.shape[:2] == (1, 3)
    norm = flows.scale(world, network, feature=feature, size=227)
    val, train = (
        flows.features(world, network, "bus", split, feature=feature, size=227).astype(np.float32) / norm
        for split in ("val", "train")
    )
    keypoints = crops.keypoints(crops.objects(world, "bus", "train"), 227)
    for j, row in enumerate(pairs.neighbors[0]):
        alone = flow.align(val[0], train[row], beta=1e-3, tolerance=flows.TOLERANCE, solver="bp")
        np.testing.assert_array_equal(pairs.labels_rc[0, j], alone.labels_rc)
        assert pairs.smoothness[0, j] == pytest.approx(alone.smoothness)
        assert pairs.data[0, j] == pytest.approx(alone.data, rel=1e-5)
        np.testing.assert_array_equal(np.isnan(pairs.points[0, j]), np.isnan(keypoints[row]))
    monkeypatch.setattr(flow, "align", None)  # a second call computes no flow, nor does another tolerance
    again = flows.align(*inputs, feature=feature, beta=1e-3, limit=1)
    np.testing.assert_array_equal(again.points, pairs.points)
    (one,) = (crops.objects(world, "bus", "val")[row] for row in pairs.rows)
    for missing in ("most", "any", "next"):
        own = replace(settings, missing=missing, categories=("bus",))
        (errors,) = evaluation.flow_errors(world, network, own, feature=feature, beta=1e-3, limit=1)
        expected = oracles.first_median(pairs.points, pairs.smoothness, 2, missing)
        np.testing.assert_array_equal(errors[:, 0], crops.errors(expected, [one], 227))


def test_what_stays_where_it_is_has_the_errors_of_copying(world, network, settings):
    copying = replace(settings, neighbors=2, categories=("aeroplane",))  # two are in one image
    copied = flows.copied(world, network, copying, "aeroplane")
    train, val = (crops.objects(world, "aeroplane", split) for split in ("train", "val"))
    rows = neighbors(world, network, "aeroplane", "val", layer="conv5 mean", neighbors=2)
    np.testing.assert_array_equal(copied, crops.keypoints(train, 227)[rows])
    first, second = copied[:, 0], copied[:, 1]
    for missing, nearest in (("any", first), ("next", np.where(np.isnan(first), second, first))):
        (errors,) = evaluation.copy_errors(world, network, replace(copying, copy_missing=missing))
        np.testing.assert_array_equal(errors, crops.by_image(crops.errors(nearest, val, 227), val))
    stiff = flows.align(world, network, copying, "aeroplane", feature="conv4", beta=1e6)
    assert not stiff.smoothness.any()  # with an enormous beta the flow is a shift at most


def test_what_is_aligned_for_few_is_not_aligned_again_for_all(world, network, settings, monkeypatch):
    monkeypatch.setattr(flows, "BLOCK", 2)
    solved, align = [], flow.align
    monkeypatch.setattr(flow, "align", lambda *args, **kwargs: solved.append(1) or align(*args, **kwargs))
    category = max(settings.categories, key=lambda name: len(crops.objects(world, name, "val")))
    total = len(crops.objects(world, category, "val"))
    assert total > 2
    few = flows.align(world, network, settings, category, feature=SIFT, beta=1e-3, limit=1)
    assert len(solved) == 2 and few.rows.shape == (1,)  # a whole block, of which one is asked for
    every = flows.align(world, network, settings, category, feature=SIFT, beta=1e-3)
    assert len(solved) == total
    for name in ("rows", "neighbors", "labels_rc", "points", "data", "smoothness", "bound"):
        np.testing.assert_array_equal(getattr(every, name)[:1], getattr(few, name))
    np.testing.assert_array_equal(np.sort(every.rows), np.arange(total))


# evaluation


def test_neighbours_come_in_the_order_asked_for(world, network, settings, monkeypatch, tmp_path):
    """The first of three decides; each order puts another one first."""
    pairs = flows.align(world, network, settings, "horse", feature="conv4", beta=1e-3)
    objects = [crops.objects(world, "horse", "val")[row] for row in pairs.rows]
    truth = crops.keypoints(objects, 227)
    points = np.stack([truth + 30 * (j + 1) for j in range(3)], axis=1)  # the first is the best
    shape = (len(truth), 3)
    smoothness, data = np.broadcast_to([5.0, 1.0, 2.0], shape), np.broadcast_to([4.0, 9.0, 3.0], shape)
    pairs = replace(pairs, points=points, smoothness=smoothness, data=data)
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path))  # these are not its errors
    monkeypatch.setattr(evaluation, "align", lambda *args, **kwargs: pairs)
    first = {"deformation": 1, "data": 2, "energy": 2, "retrieval": 0, "oracle": 0}
    assert set(first) == set(evaluation.ORDERS)
    one = replace(settings, top=1, categories=("horse",))
    for order, j in first.items():
        each = alignment.errors(world, network, one, BOTH, order=order)
        expected = crops.by_image(crops.errors(points[:, j], objects, 227), objects)
        np.testing.assert_array_equal(each["conv4 flow"][0], expected)


def test_betas_are_scored_on_the_training_set_at_all_tolerances(world, network, settings):
    some = replace(settings, categories=("bus", "person"), validated=4)
    value, low, high, still = evaluation._trial(world, network, some, "conv4", 1e-3)
    inputs = dict(feature="conv4", beta=1e-3, split="train", limit=4)
    each = evaluation.flow_errors(world, network, some, **inputs)
    assert value == pytest.approx(metrics.mean_pck(each, metrics.ALPHAS).mean())
    assert 0 <= low < value < high
    pairs = [flows.align(world, network, some, name, **inputs) for name in some.categories]
    assert 0 < still == np.mean([one.still for one in pairs]) < 1


def test_pairs_that_are_all_still_are_not_aligned_at_a_larger_beta(world, network, settings, monkeypatch):
    some, trial, tried = (
        replace(settings, categories=("bus",), validated=1, betas=[1.0, 10.0]),
        evaluation._trial,
        [],
    )
    largest = trial(world, network, some, "conv4", 10.0)
    monkeypatch.setattr(evaluation, "_trial", lambda *given: tried.append(given[3:]) or trial(*given))
    monkeypatch.setattr(evaluation, "WIDENED", 0)
    _, found = alignment.validate(world, network, some)
    np.testing.assert_array_equal([*found.pck["conv4 flow"][1], found.still["conv4 flow"][1]], largest)
    assert largest[3] == 1 and ("conv4", 1.0) in tried and ("conv4", 10.0) not in tried


@pytest.mark.parametrize(
    ("conv", "sift", "first", "last"),
    [(-3, -3, -4, -2), (-3, -5, -6, -2), (-1, -5, -6, 0), (99, 99, -4, 2), (-3, -99, -8, -2)],
)
def test_a_grid_of_betas_with_the_best_at_its_edge_is_widened(settings, monkeypatch, conv, sift, first, last):
    """In powers of ten, by at most four; the closer to its own best, the better is a flow."""

    def trial(data, network, settings, feature, beta):
        best, still = (conv, 0.5) if feature == "conv4" else (sift, 0.51)
        return np.array([-abs(np.log10(beta) - best)] * 3 + [still])

    monkeypatch.setattr(evaluation, "_trial", trial)
    some = replace(settings, betas=[1e-4, 1e-3, 1e-2])
    betas, found = alignment.validate(None, None, some)
    np.testing.assert_allclose(np.log10(found.betas), range(first, last + 1), atol=1e-9)
    np.testing.assert_allclose(np.log10(list(betas.values())), np.clip([conv, sift], first, last), atol=1e-9)
    assert found.no_flow == ["SIFT flow"]  # more than half of its pairs are still
    betas, again = alignment.validate(None, None, replace(some, beta=5e-4))
    assert betas == dict.fromkeys(BOTH, 5e-4) and again.best == found.best


def test_claims_compare_what_they_name():
    near, middle, far = (np.full((20, 4), value) for value in (0.01, 0.04, 0.5))
    errors = {"conv4 flow": [near], "SIFT flow": [middle], "NN transfer": [far]}
    ordered = {"conv4 flow": {"data": [near]}, "SIFT flow": {"data": [far]}}
    differences = alignment.differences(errors, ordered)
    assert {claim: [value[0] for _, value in each] for claim, each in differences.items()} == {
        "conv-flow-as-good": [0],  # at 0.1 both are right
        "conv-flow-stricter": [0, 100],  # better at 0.025, but not at 0.05
        "conv-flow-over-copy": [100, 100, 100],
        "sift-flow-over-copy": [100, 100, 0],  # at 0.025 both are wrong
        "conv-deformation-order": [0],
        "sift-deformation-order": [100],
    }
    assert [label for label, _ in differences["conv-flow-stricter"]] == ["alpha = 0.05", "alpha = 0.025"]


def test_values_of_objects_are_grouped_by_their_images():
    objects = [SimpleNamespace(image_id=name) for name in "bab"]
    values = np.arange(12).reshape(2, 3, 2)  # of two methods
    first = np.array([[[2, 3], [NAN, NAN]], [[0, 1], [4, 5]]])
    np.testing.assert_array_equal(crops.by_image(values.astype(float), objects), [first, first + 6])
    second = [[[8, 9], [-1, -1]], [[6, 7], [10, 11]]]
    assert crops.by_image(values, objects, missing=-1)[1].tolist() == second


# studies


def test_both_solvers_are_compared_at_both_betas(world, network, settings, monkeypatch):
    monkeypatch.setattr(flows, "BLOCK", 1)
    some = replace(settings, neighbors=2, top=1, categories=("train",), studied=1)
    betas = {"conv4 flow": 1e-4, "SIFT flow": 1e-4}
    found = alignment.solvers(world, network, some, betas)
    expected = [(m, b, s) for m in betas for b in (1e-4, 3e-3) for s in ("trws", "bp")]
    assert [(row["method"], row["beta"], row["solver"]) for row in found] == expected
    errors = evaluation.flow_errors(world, network, some, feature="conv4", beta=1e-4, limit=2)
    assert found[1]["pck"][0] == pytest.approx(metrics.mean_pck(errors, 0.1))
    shares = alignment.unmoved(found, "bp")
    assert shares == {row["method"]: row["still"] for row in (found[3], found[7])}


def test_other_readings_differ_from_ours_in_one_choice(world, network, settings):
    ours = replace(settings, top=1, missing="next", copy_missing="next", categories=("bus",), read=3)
    norms = {m: flows.scale(world, network, feature=f, size=227) for m, f in ours.features.items()}
    cells, five = dict.fromkeys(BOTH, 3e-3 / 16**2), dict(top=5, copy_top=5)
    rows = {row["reading"]: row for row in alignment.readings(world, network, ours, cells)}
    for reading, changed, betas in (
        ("median of the first five that show it", five, cells),
        ("of the first neighbour that shows it", {}, cells),
        ("pool5", dict(retrieval_layer="pool5"), cells),
        ("0.003, in pixels", {}, dict.fromkeys(BOTH, 3e-3)),
        ("0.003, in pixels, for features as they are", {}, {m: 3e-3 / norms[m] for m in BOTH}),
        ("radius: half of the 4 x 4 bins; smoothed", dict(radius=10, smoothing=SCALE_SPACE), cells),
        ("TRW-S", dict(solver="trws"), cells),
        ("before rectification", dict(layer="conv4 linear"), cells),
    ):
        own, row = replace(ours, **changed), rows[reading]
        of_flows = dict(zip(own.features, betas.values(), strict=True))
        each = alignment.errors(world, network, own, of_flows, limit=3).values()
        expected = [metrics.mean_pck(errors, metrics.ALPHAS) for errors in each]
        np.testing.assert_allclose([row["pck"][m]["bus"] for m in (*BOTH, "NN transfer")], expected)
        for method, named in zip(BOTH, of_flows, strict=True):
            inputs = dict(feature=own.features[named], beta=of_flows[named], limit=3)
            assert row["still"][method] == flows.align(world, network, own, "bus", **inputs).still.mean()
    own = ["of the first neighbour that shows it", "conv5 mean", "0.003, in grid cells"]
    own += ["rectified", "radius: a bin; not smoothed", "BP"]
    assert [reading for reading, row in rows.items() if row["ours"]] == own


def test_optimality_counts_what_moves_nothing(world, network, settings):
    some = replace(settings, neighbors=2, categories=("boat",))

    def optimality(beta, solver="trws"):
        own = replace(some, solver=solver)
        return studies.optimality(world, network, own, feature=SIFT, beta=beta, limit=1)

    stiff = optimality(10.0)
    assert stiff["still"] == stiff["optimal"] == 1 and stiff["largest"] < 1e-3
    loose = [optimality(1e-4, solver) for solver in ("trws", "bp")]
    assert loose[0]["still"] == 0 and loose[0]["optimal"] == 1
    assert loose[1]["largest"] >= loose[1]["median"] >= loose[0]["median"] - 1e-4


def test_every_feature_is_tried_at_the_beta_of_its_kind(world, network, settings, monkeypatch):
    monkeypatch.setattr(studies, "LAYERS", ("conv3",))
    monkeypatch.setattr(studies, "RADII", (SIFT,))
    some = replace(settings, categories=alignment.few(settings).categories[1:3])
    found = alignment.by_feature(world, network, some, {"conv4 flow": 1e-4, "SIFT flow": 1e-3})
    for label, feature, beta in (("conv3", "conv3", 1e-4), ("SIFT\n20", SIFT, 1e-3)):
        each = evaluation.flow_errors(world, network, some, feature=feature, beta=beta, limit=2)
        np.testing.assert_array_equal(found[label], metrics.estimate(each, [some.alpha])[0])
    copied = evaluation.copy_errors(world, network, some, limit=2)
    np.testing.assert_array_equal(found["NN transfer"], metrics.estimate(copied, [some.alpha])[0])


def test_dense_truth_of_an_object_and_itself(world):
    (one, *_) = crops.objects(world, "sofa", "val")
    points, matches = studies.true_matches(world, one, one, 227)
    assert len(points) > 300
    assert np.linalg.norm(points - matches, axis=1).max() < 0.5
    assert np.all(np.abs(points - 113) < 114)


def test_dense_errors_are_distances_from_the_true_places(world, network, settings, monkeypatch):
    some = replace(settings, neighbors=2, top=2, studied=9, categories=("tvmonitor",))
    pairs = flows.align(world, network, some, "tvmonitor", feature="conv4", beta=1e-3)
    shifted = np.stack(np.indices((13, 13)), axis=-1) + np.array([0, 1])  # all is 16 pixels to the right
    pairs = replace(pairs, labels_rc=np.broadcast_to(shifted, pairs.labels_rc.shape))
    assert not pairs.still.any()
    monkeypatch.setattr(studies, "align", lambda *args, **kwargs: pairs)
    found = studies.dense_errors(world, network, some, feature="conv4", beta=1e-3)
    val, train = (crops.objects(world, "tvmonitor", split) for split in ("val", "train"))
    shown = 0
    for n, (row, near) in enumerate(zip(pairs.rows, pairs.neighbors, strict=True)):
        truth = [studies.true_matches(world, val[row], train[j], 227) for j in near]
        points, matches = (np.concatenate(parts) for parts in zip(*truth, strict=True))
        np.testing.assert_allclose(found["copy"][0][n], np.linalg.norm(points - matches, axis=1))
        away = np.linalg.norm(points + np.array([16, 0]) - matches, axis=1)
        np.testing.assert_allclose(found["flow"][0][n], away)
        shown += len(points)
        own = crops.keypoints([val[row]], 227)[0]
        for j, neighbour in enumerate(crops.keypoints([train[i] for i in near], 227)):
            both = np.isfinite(own[:, 0]) & np.isfinite(neighbour[:, 0])
            assert set(np.linalg.norm(own - neighbour, axis=1)[both]) <= set(found["copy keypoints"][0][n])
            moved = np.linalg.norm(own - pairs.points[n, j], axis=1)[both]
            assert set(moved) <= set(found["flow keypoints"][0][n])
    assert shown > 100
    mean = alignment.every_pixel(world, network, some, BOTH)["no alignment"]["all pixels"][0]
    within = [[(each < a * 227).mean() for a in (0.1, 0.05, 0.025)] for each in found["copy"][0]]
    np.testing.assert_allclose(mean[1:], np.mean(within, axis=0))
    np.testing.assert_allclose(mean[0], np.mean([np.median(each) for each in found["copy"][0]]))


# what is shown


def test_an_example_shows_the_least_deformed_and_warps_them(world, network, settings, monkeypatch):
    """Aligned with nothing moved, a neighbour is warped to itself."""
    pairs = flows.align(world, network, settings, "chair", feature="conv4", beta=1e-3)
    still = np.broadcast_to(np.stack(np.indices((13, 13)), axis=-1), pairs.labels_rc.shape)
    rough = np.broadcast_to([2.0, 0.0, 1.0], pairs.smoothness.shape)
    pairs = replace(pairs, labels_rc=still, smoothness=rough)
    assert pairs.still.shape == rough.shape and pairs.still.all()
    monkeypatch.setattr(example, "align", lambda *args, **kwargs: pairs)
    monkeypatch.setattr(example, "clear", lambda objects: [1 % len(objects)])
    one = alignment.examples(world, network, settings, "chair", BOTH)
    val, train = (crops.objects(world, "chair", split) for split in ("val", "train"))
    n = 1 % len(pairs.rows)
    np.testing.assert_array_equal(one.target, crops.images(world, [val[pairs.rows[n]]], 227)[0])
    expected = crops.images(world, [train[pairs.neighbors[n, j]] for j in (1, 2, 0)], 227)
    np.testing.assert_array_equal(one.neighbors, expected)
    assert list(one.warped) == list(BOTH)
    np.testing.assert_array_equal(one.warped["SIFT flow"], expected)
    np.testing.assert_array_equal(one.points["SIFT flow"], pairs.points[n, [1, 2, 0]])


def test_whole_large_objects_with_many_keypoints_are_shown(world):
    one = crops.objects(world, "cat", "val")[0]

    def sized(width, height, visible=3, truncated=False, difficult=False):
        box = np.array([3.0, 4.0, 3.0 + width, 4.0 + height])
        points = np.where(np.arange(5)[:, None] < visible, 1.0, NAN).repeat(2, axis=1)
        return replace(one, box=box, keypoints=points, truncated=truncated, difficult=difficult)

    cut, hard = sized(90, 95, truncated=True), sized(99, 99, difficult=True)
    assert shown.clear([cut, sized(20, 80), sized(60, 50), sized(40, 41), hard]) == [2, 3]
    assert shown.clear([cut, sized(20, 80, 5), sized(60, 50, 2), sized(40, 41, 3), hard]) == [3]
    assert shown.clear([cut, sized(10, 90, difficult=True)]) == [0]


def test_the_neighbors_shown_are_the_same_for_both_flows(world, network, settings, monkeypatch):
    """Two flows that rank three neighbours 0 1 2 and 2 0 1: their mean ranks are 1, 0.5 and 1.5."""
    pairs = flows.align(world, network, settings, "chair", feature="conv4", beta=1e-3)
    of = {"conv4": [0.0, 5.0, 9.0], SIFT: [7.0, 1.0, 2.0]}

    def align(*args, feature, **kwargs):
        return replace(pairs, smoothness=np.broadcast_to(of[feature], pairs.smoothness.shape))

    monkeypatch.setattr(example, "align", align)
    monkeypatch.setattr(example, "clear", lambda objects: [0])
    one = alignment.examples(world, network, settings, "chair", BOTH)
    train = crops.objects(world, "chair", "train")
    expected = [train[pairs.neighbors[0, j]] for j in (1, 0, 2)]
    np.testing.assert_array_equal(one.neighbors, crops.images(world, expected, 227))
    np.testing.assert_array_equal(one.neighbor_keypoints, crops.keypoints(expected, 227))


def test_figure_3_joins_transferred_keypoints_and_arrows_lead_to_the_matches(world, network, settings):
    shown = [alignment.examples(world, network, settings, name, BOTH) for name in ("car", "chair")]
    figure = plots.transferred(shown, 0.1)
    pictures = [axes.images[0].get_array() for axes in figure.axes]
    expected = []
    for one in shown:
        expected += [one.target, *one.neighbors]
        for warped in one.warped.values():
            expected += [one.target, *warped]
    assert all((a == b).all() for a, b in zip(pictures, expected, strict=True))
    one, copied, warped = shown[0], *figure.axes[4:6]
    points, errors = one.points["conv4 flow"], one.errors["conv4 flow"]
    dots = {tuple(dot) for each in copied.collections for dot in each.get_offsets().tolist()}
    assert dots - {(None, None)} == {*map(tuple, points[np.isfinite(points[..., 0])].tolist())}
    both = np.isfinite(points[..., 0]) & np.isfinite(one.keypoints[:, 0])
    edges, lines = (each for each in warped.collections if isinstance(each, LineCollection))
    ends = np.stack([points[0], one.keypoints], axis=1)[both[0]]
    assert len(ends) > 0 and edges.get_zorder() == lines.get_zorder()
    for each in (edges, lines):
        np.testing.assert_array_equal(each.get_segments(), ends)
    np.testing.assert_array_equal(np.isfinite(errors), both)
    assert warped.get_xlabel() == f"PCK {100 * np.mean(errors[0][both[0]] < 0.1):.0f} %"
    (arrows,) = plots.displacements(one).axes[1].collections
    nodes = np.rint(one.nodes.reshape(-1, 2)).astype(int)
    np.testing.assert_allclose(arrows.get_offsets(), nodes)
    lengths = [one.flows["conv4 flow"][0][y, x] for x, y in nodes]
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V], axis=-1), lengths)


def test_a_claim_is_judged_by_its_intervals():
    two, no_interval = [[2, 1, 3], [2, -1, 3]], [2, NAN, NAN]
    cases = [  # of claims that something is better, and that it is no worse
        ("supported", [[[2, 1, 3]], [[2, 1, 3], [2, 0.1, 3]]], [[[0, 0, 0]]]),
        ("inconclusive (same direction)", [[[2, -1, 3]], two, [no_interval]], [[[0, -1, 1]]]),
        ("inconclusive", [[[-2, -3, 1]]], [[[-1, -2, 0]]]),
        ("contradicted", [[[-2, -3, -1]], [[0, 0, 0]], [*two, [-2, -3, -1]]], [[[-1, -2, -0.1]]]),
    ]
    for verdict, *claims in cases:
        for at_least, each in zip((False, True), claims, strict=True):
            assert {metrics.judge(differences, at_least=at_least) for differences in each} == {verdict}
