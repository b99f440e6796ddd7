"""The alignment experiment: its parts against loops and closed forms, and whole on a small world."""

import re
from dataclasses import replace

import jupytext
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import oracles
from conftest import ROOT
from corrlib import cache, convnet, flow, metrics
from corrlib.data import crops
from corrlib.experiments.alignment import (
    claims,
    dense,
    examples,
    features,
    flows,
    predictions,
    report,
    scores,
    studies,
)
from corrlib.publishing import plots
from corrlib.sift import descriptors

pytestmark = pytest.mark.usefixtures("own_cache")

NAN = np.nan


@given(
    points=arrays(float, (2, 4, 3, 2), elements=st.sampled_from([NAN, 0, 1, 2, 5, 9])),
    order=arrays(int, (2, 4), elements=st.integers(0, 3)),
    top=st.integers(1, 5),
)
def test_the_median_of_the_first_that_show_a_keypoint(points, order, top):
    points[np.isnan(points).any(axis=-1)] = NAN
    found = predictions.first_median(points, order, top=top)
    np.testing.assert_array_equal(found, oracles.first_median(points, order, top))


def test_errors_are_measured_in_the_image(world):
    (one, *_) = crops.visible(world, "bus", "val")
    x0, y0, x1, y1 = one.box
    predicted = one.keypoints + np.array([0, 0.1 * max(x1 - x0, y1 - y0)])
    in_square = crops.crop(one, 227).points(predicted)
    errors = crops.errors(in_square[None], [one], 227)
    visible = np.isfinite(one.keypoints).all(axis=1)
    np.testing.assert_allclose(errors[0, visible], 0.1)
    assert np.isnan(errors[0, ~visible]).all()


def test_the_oracle_knows_the_best_neighbour(world):
    objects = crops.visible(world, "car", "val")[:2]
    truth = crops.keypoints(objects, 227)
    points = np.stack([truth + 9, truth, np.full_like(truth, NAN), truth - 4], axis=1)
    order = predictions.oracle_order(points, objects, 227)
    np.testing.assert_array_equal(np.argsort(order, axis=1), [[1, 3, 0, 2]] * len(objects))


def test_features_of_all_kinds_are_taken_at_the_same_places(world, network):
    (one, *_) = crops.visible(world, "cow", "val")
    image = crops.crop(one, 227).image(world.image(one.image_id))
    inputs = (world, network, "cow", "val")
    conv4, conv1, sift = (features.features(*inputs, feature=f)[0] for f in ("conv4", "conv1", 20.0))
    assert conv4.shape == (13, 13, 6) and conv1.shape == (13, 13, 8) and sift.shape == (13, 13, 128)
    np.testing.assert_allclose(conv4, network.features(image, "conv4"), rtol=2e-3, atol=1e-3)
    # conv1 has its units at 5 + 4 i, conv4 at 17 + 16 i.
    np.testing.assert_allclose(conv1, network.features(image, "conv1")[3:52:4, 3:52:4], rtol=2e-3, atol=1e-3)
    np.testing.assert_array_equal(sift[2, 5], descriptors(image, [17 + 5 * 16, 17 + 2 * 16], radius=20))


def test_the_scale_makes_the_norm_one_over_a_sample_of_the_training_set(world, network):
    squared = []
    for name in world.categories:
        found = features.features(world, network, name, "train", feature=20.0).astype(float)
        for row in crops.spread(len(found), features.SAMPLE):
            squared += [(found[row, i, j] ** 2).sum() for i in range(13) for j in range(13)]
    assert features.scale(world, network, feature=20.0) == pytest.approx(np.sqrt(np.mean(squared)))


def test_what_is_prepared_is_what_is_asked_for(world, network, monkeypatch):
    """Squares are cut once for neighbours and all kinds of features."""
    cut = []
    monkeypatch.setattr(crops, "images", lambda *args, now=crops.images: cut.append(1) or now(*args))
    crops.all_images.cache_clear()
    kinds = ["conv2", 12.0, 14.0]
    (near,) = features.prepare(world, network, ["pottedplant"], kinds, count=3, layer="pool5")
    assert len(cut) == 2  # train and val
    inputs = (world, network, "pottedplant", "val")
    np.testing.assert_array_equal(near, features.neighbours(*inputs, count=3, layer="pool5"))
    found = features.features(*inputs, feature=12.0)
    assert len(cut) == 2
    image = crops.crop(crops.visible(world, "pottedplant", "val")[0], 227).image
    image = image(world.image(crops.visible(world, "pottedplant", "val")[0].image_id))
    np.testing.assert_array_equal(found[0], descriptors(image, features.grid(network, 227), radius=12.0))


def test_neighbours_are_training_instances_of_other_images(world, network):
    train = crops.visible(world, "dog", "train")
    rows = features.neighbours(world, network, "dog", "val", count=25, layer="pool5")
    assert rows.shape == (len(crops.visible(world, "dog", "val")), len(train))  # all there are
    own = features.neighbours(world, network, "dog", "train", count=2, layer="pool5")
    assert own.shape == (len(train), 2)
    for one, found in zip(train, own, strict=True):
        assert one.image_id not in {train[row].image_id for row in found}


def test_retrieval_by_fc7_needs_it(world, network):
    with pytest.raises(ValueError, match="pool5"):
        features.neighbours(world, network, "dog", "val", layer="fc7")


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\(N, k\)"):
        predictions.first_median(np.zeros((2, 3, 4, 2)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="at least 1"):
        predictions.first_median(np.zeros((2, 3, 4, 2)), np.zeros((2, 3)), top=0)


def test_an_image_is_aligned_with_a_shifted_copy_of_itself(network):
    """One cell to the right: labels, energies and keypoints are known."""
    field = network.receptive_fields[features.GRID_LAYER]
    rows, cols = np.indices((13, 13))
    labels = np.stack([rows, np.minimum(cols + 1, 12)], axis=-1)
    points = np.array([[113.0, 60.0], [NAN, NAN], [49.0, 180.5]])
    moved = flows.transfer(labels, field, 227, points)
    np.testing.assert_allclose(moved, points - [16, 0], atol=0.05)


def test_the_coarse_field_carries_keypoints_where_the_fine_one_does(network, rng):
    field = network.receptive_fields[features.GRID_LAYER]
    rows, cols = np.indices((13, 13))
    bend = np.rint(1.4 * np.sin(cols / 3) + rows / 8).astype(int)
    labels = np.stack([np.clip(rows + bend, 0, 12), cols], axis=-1)
    points = rng.uniform(20, 200, (40, 2))
    fine = flow.transfer(flow.flow(labels, field, field, (227, 227)), points)
    coarse = flows.transfer(labels, field, 227, points)
    off = np.linalg.norm(fine - coarse, axis=1)
    assert np.median(off) < 0.2 and np.quantile(off, 0.9) < 1  # a fold may send a few elsewhere


@pytest.mark.parametrize("feature", ["conv4", 20.0])
def test_aligned_pairs_are_those_of_the_solver_and_are_kept(world, network, feature, monkeypatch):
    inputs = dict(data=world, network=network, category="bus", feature=feature, beta=1e-3, count=3)
    found = flows.align(**inputs, retrieval_layer="pool5", limit=1)
    assert found.labels_rc.shape[:4] == (1, 3, 13, 13) and found.points.shape[:2] == (1, 3)
    norm = features.scale(world, network, feature=feature)
    one = features.features(world, network, "bus", "val", feature=feature)[0].astype(np.float32) / norm
    many = features.features(world, network, "bus", "train", feature=feature).astype(np.float32) / norm
    train = crops.keypoints(crops.visible(world, "bus", "train"), 227)
    for j, row in enumerate(found.neighbours[0]):
        alone = flow.align(one, many[row], beta=1e-3, tolerance=flows.TOLERANCE)
        np.testing.assert_array_equal(found.labels_rc[0, j], alone.labels_rc)
        assert found.smoothness[0, j] == pytest.approx(alone.smoothness)
        assert found.data[0, j] == pytest.approx(alone.data, rel=1e-5)
        np.testing.assert_array_equal(np.isnan(found.points[0, j]), np.isnan(train[row]))
    monkeypatch.setattr(flow, "align", None)  # a second call, and any tolerance, computes no flow
    again = flows.align(**inputs, retrieval_layer="pool5", limit=1)
    np.testing.assert_array_equal(again.points, found.points)
    how = dict(feature=feature, beta=1e-3, count=3, retrieval_layer="pool5", limit=1)
    for order in scores.ORDERS:
        (errors,) = scores.flow_errors(world, network, ["bus"], order=order, **how)
        assert errors.shape == (1, found.points.shape[2])


def test_what_stays_where_it_is_has_the_errors_of_copying(world, network):
    """With an enormous beta no label pays for moving, so the flow is a shift at most; copied, none."""
    copied = flows.copied(world, network, "cow", count=2, retrieval_layer="pool5")
    train = crops.keypoints(crops.visible(world, "cow", "train"), 227)
    rows = features.neighbours(world, network, "cow", "val", count=2, layer="pool5")
    np.testing.assert_array_equal(copied, train[rows])
    errors = scores.copy_errors(world, network, ["cow"], top=1, count=2, retrieval_layer="pool5")
    objects = crops.visible(world, "cow", "val")
    nearest = np.where(np.isnan(copied[:, 0]), copied[:, 1], copied[:, 0])
    np.testing.assert_array_equal(errors[0], crops.errors(nearest, objects, 227))
    stiff = flows.align(world, network, "cow", beta=1e6, count=2, retrieval_layer="pool5")
    assert not stiff.smoothness.any()


def test_beta_is_chosen_on_the_training_set(world, network, monkeypatch):
    quality = {1e-4: 0.3, 1e-3: 0.0, 1e-2: 0.2}

    def errors(data, network, categories, *, split, beta, limit, **how):
        assert split == "train" and limit == 2 and how == {"feature": 20.0}
        return [np.full((4, 2), quality[beta])]

    monkeypatch.setattr(scores, "flow_errors", errors)
    beta, curve = scores.validate(world, network, ["bus"], list(quality), limit=2, feature=20.0)
    assert beta == 1e-3
    np.testing.assert_array_equal(curve, [[0, 0, 0], [1, 1, 1], [0, 0, 0]])


def test_dense_truth_of_an_instance_and_itself(world):
    (one, *_) = crops.visible(world, "sofa", "val")
    points, matches = dense.true_matches(world.root, one, one, 227)
    assert len(points) > 300
    assert np.linalg.norm(points - matches, axis=1).max() < 0.5
    assert np.all(np.abs(points - 113) < 114)


def test_dense_errors_are_distances_from_the_true_places(world, network, monkeypatch):
    how = dict(retrieval_layer="pool5", count=2)
    pairs = flows.align(world, network, "tvmonitor", **how)
    shifted = np.stack(np.indices((13, 13)), axis=-1) + np.array(
        [0, 1]
    )  # everything is 16 pixels to the right
    pairs = replace(pairs, labels_rc=np.broadcast_to(shifted, pairs.labels_rc.shape))
    monkeypatch.setattr(dense, "align", lambda *args, **kwargs: pairs)
    found = dense.dense_errors(world, network, ["tvmonitor"], pairs=2, **how)
    val, train = (crops.visible(world, "tvmonitor", s) for s in ("val", "train"))
    shown = 0
    for n, near in enumerate(pairs.neighbours):
        truth = [dense.true_matches(world.root, val[n], train[j], 227) for j in near]
        points, matches = (np.concatenate(parts) for parts in zip(*truth, strict=True))
        np.testing.assert_allclose(found["copy"][0][n], np.linalg.norm(points - matches, axis=1))
        away = np.linalg.norm(points + np.array([16, 0]) - matches, axis=1)
        np.testing.assert_allclose(found["flow"][0][n], away)
        shown += len(points)
    assert shown > 100
    values = dense.summary(found["copy"], [0.1, 0.5])[0]
    assert values.shape == (len(val), 3)
    np.testing.assert_allclose(values[0, 1], (found["copy"][0][0] < 22.7).mean())
    np.testing.assert_allclose(values[0, 0], np.median(found["copy"][0][0]))


def test_neighbours_come_in_the_order_asked_for(world, network, monkeypatch):
    """The first of three decides; each order puts another one first."""
    how = dict(retrieval_layer="pool5", count=3)
    pairs = flows.align(world, network, "horse", **how)
    objects = [crops.visible(world, "horse", "val")[row] for row in pairs.rows]
    truth = crops.keypoints(objects, 227)
    points = np.stack([truth + 30 * (j + 1) for j in range(3)], axis=1)  # the first is the best
    shape = (len(truth), 3)
    smoothness, data = np.broadcast_to([5.0, 1.0, 2.0], shape), np.broadcast_to([4.0, 9.0, 3.0], shape)
    pairs = replace(pairs, points=points, smoothness=smoothness, data=data)
    monkeypatch.setattr(scores, "align", lambda *args, **kwargs: pairs)
    first = {"deformation": 1, "data": 2, "energy": 2, "retrieval": 0, "oracle": 0}
    assert set(first) == set(scores.ORDERS)
    for order, j in first.items():
        (errors,) = scores.flow_errors(world, network, ["horse"], order=order, top=1, **how)
        np.testing.assert_array_equal(errors, crops.errors(points[:, j], objects, 227))


def test_an_unknown_order_is_refused(world, network):
    with pytest.raises(ValueError, match="deformation, data, energy, retrieval, oracle"):
        scores.flow_errors(world, network, ["bus"], order="stiffness")


def test_an_example_shows_the_least_deformed_and_warps_them(world, network, monkeypatch):
    """Aligned with nothing moved, a neighbour is warped to itself."""
    how = dict(retrieval_layer="pool5", count=3)
    pairs = flows.align(world, network, "chair", **how)
    still = np.broadcast_to(np.stack(np.indices((13, 13)), axis=-1), pairs.labels_rc.shape)
    rough = np.broadcast_to([2.0, 0.0, 1.0], pairs.smoothness.shape)
    pairs = replace(pairs, labels_rc=still, smoothness=rough)
    monkeypatch.setattr(examples, "align", lambda *args, **kwargs: pairs)
    one = examples.examples(world, network, "chair", 1, {"conv4": {}}, top=2, **how)["conv4"]
    val, train = (crops.visible(world, "chair", s) for s in ("val", "train"))
    n = 1 % len(val)
    np.testing.assert_array_equal(one.target, crops.images(world, [val[n]], 227)[0])
    expected = crops.images(world, [train[pairs.neighbours[n, j]] for j in (1, 2)], 227)
    np.testing.assert_array_equal(one.neighbours, expected)
    np.testing.assert_array_equal(one.warped, expected)
    np.testing.assert_array_equal(one.points, pairs.points[n, [1, 2]])


def test_the_larger_of_the_whole_are_shown(world):
    one = crops.visible(world, "cat", "val")[0]

    def sized(width, height, **flags):
        return replace(one, box=np.array([3.0, 4.0, 3.0 + width, 4.0 + height]), **flags)

    cut, hard = dict(truncated=True, difficult=False), dict(truncated=False, difficult=True)
    whole = dict(truncated=False, difficult=False)
    found = [sized(90, 95, **cut), sized(20, 80, **whole), sized(60, 50, **whole), sized(40, 41, **whole)]
    assert examples.large([*found, sized(99, 99, **hard)]) == [2, 3]
    assert examples.large([found[0], sized(10, 90, **hard)]) == [0]


def test_an_estimate_is_the_mean_and_its_interval(rng):
    errors, others = [rng.random((9, 3))], [rng.random((9, 3))]
    value = metrics.estimate(errors, [0.2, 0.5])
    np.testing.assert_allclose(value[:, 0], [(errors[0] < a).mean() for a in (0.2, 0.5)])
    lead = metrics.estimate(errors, [0.5], minus=others)
    assert lead[0, 0] == pytest.approx((errors[0] < 0.5).mean() - (others[0] < 0.5).mean())
    assert lead[0, 1] <= lead[0, 0] <= lead[0, 2]


# --- claims, studies, figures, the chapter


@pytest.mark.parametrize(
    ("leads", "ties", "verdict"),
    [
        ([[2, 1, 3]], False, "holds"),
        ([[2, -1, 3]], False, "cannot be told"),
        ([[-2, -3, -1]], False, "does not hold"),
        ([[0, 0, 0]], False, "does not hold"),  # the same predictions are not better
        ([[0, 0, 0]], True, "holds"),  # and no worse
        ([[0, -1, 1]], True, "cannot be told"),
        ([[-1, -2, 0]], True, "cannot be told"),
        ([[-1, -2, -0.1]], True, "does not hold"),
        ([[2, 1, 3], [2, -1, 3]], False, "cannot be told"),
        ([[2, 1, 3], [2, -1, 3], [-2, -3, -1]], False, "does not hold"),
        ([[2, 1, 3], [2, 0.1, 3]], False, "holds"),
    ],
)
def test_a_claim_is_judged_by_its_intervals(leads, ties, verdict):
    assert metrics.judge(np.array(leads, float), ties=ties) == verdict


def test_the_claims_compare_what_they_name(rng):
    near, middle, far = (np.full((20, 4), value) for value in (0.01, 0.04, 0.5))
    errors = {"conv4 flow": [near], "SIFT flow": [middle], "NN transfer": [far]}
    by_data = {"conv4 flow": [near], "SIFT flow": [far]}
    found = claims.claims(*errors, errors=errors, by_data=by_data)
    assert [one["verdict"] for one in found.values()] == [
        "holds",  # as good at 0.1, where both are right
        "does not hold",  # better at 0.025, but not at 0.05
        "holds",
        "does not hold",  # SIFT flow over copying: at 0.025 both are wrong
        "does not hold",  # the same in both orders
        "holds",
    ]
    _, strict, copied, *_ = found.values()
    np.testing.assert_array_equal(strict["leads"][:, 0], [0, 1])
    assert strict["alphas"] == [0.05, 0.025] and copied["alphas"] == [0.1, 0.05, 0.025]


def test_a_few_of_the_instances_are_the_first_of_all(world, network):
    for total in (1, 7, 54):
        rows = crops.spread(total)
        np.testing.assert_array_equal(np.sort(rows), np.arange(total))
        for limit in (1, 4, 10):
            np.testing.assert_array_equal(crops.spread(total, limit), rows[:limit])
    assert np.diff(np.sort([0, *crops.spread(100, 10), 100])).max() <= 20  # even
    with pytest.raises(ValueError, match="at least 1"):
        crops.spread(5, 0)


def test_what_is_aligned_for_few_is_not_aligned_again_for_all(world, network, monkeypatch):
    how = dict(feature=20.0, beta=1e-3, count=2, retrieval_layer="pool5")
    monkeypatch.setattr(flows, "BLOCK", 2)
    solved, align = [], flow.align
    monkeypatch.setattr(flow, "align", lambda *args, **kwargs: solved.append(1) or align(*args, **kwargs))
    total = len(crops.visible(world, "sheep", "val"))
    assert total > 2
    few = flows.align(world, network, "sheep", limit=1, **how)
    assert len(solved) == 2 and few.rows.shape == (1,)  # a whole block, of which one is asked for
    all_of_them = flows.align(world, network, "sheep", **how)
    assert len(solved) == total
    for name in ("rows", "neighbours", "labels_rc", "points", "data", "smoothness", "bound"):
        np.testing.assert_array_equal(getattr(all_of_them, name)[:1], getattr(few, name))
    np.testing.assert_array_equal(np.sort(all_of_them.rows), np.arange(total))


def test_both_solvers_are_asked_at_both_betas(world, network, monkeypatch):
    monkeypatch.setattr(flows, "BLOCK", 1)
    solved = []
    align = flow.align
    monkeypatch.setattr(flow, "align", lambda *args, **kwargs: solved.append(1) or align(*args, **kwargs))
    how = dict(count=2, retrieval_layer="pool5", top=1)
    methods = {"SIFT flow": dict(feature=20.0, beta=1e-4)}
    counts = []
    for alpha in (0.1, 0.3):
        found = studies.solvers(world, network, ["train"], methods, alpha=alpha, limit=1, **how)
        counts.append(len(solved))
    assert counts[0] == counts[1] == 4  # two betas, two solvers, one instance
    assert [(one["beta"], one["solver"]) for one in found] == [
        (b, s) for b in (1e-4, 3e-3) for s in ("trws", "bp")
    ]
    (errors,) = scores.flow_errors(world, network, ["train"], limit=1, **methods["SIFT flow"], **how)
    assert found[0]["pck"][0] == pytest.approx(oracles.mean_pck([errors], 0.3))


def test_optimality_counts_what_moves_nothing(world, network):
    how = dict(retrieval_layer="pool5", count=2, limit=1, feature=20.0)
    stiff = scores.optimality(world, network, ["boat"], beta=10.0, **how)
    assert stiff["still"] == stiff["optimal"] == 1 and stiff["largest"] < 1e-3
    loose = [scores.optimality(world, network, ["boat"], beta=1e-4, solver=s, **how) for s in ("trws", "bp")]
    assert loose[0]["still"] == 0 and loose[0]["optimal"] == 1
    assert loose[1]["largest"] >= loose[1]["median"] >= loose[0]["median"] - 1e-4


def test_every_feature_is_tried_at_the_beta_of_its_kind(world, network, monkeypatch):
    asked, how = [], dict(limit=2, top=1, count=3, retrieval_layer="pool5", size=227)

    def errors(data, network, categories, *, feature, beta, solver, iterations, **same):
        asked.append((feature, beta))
        assert same == how and (solver, iterations) == ("bp", 9)
        return [np.full((2, 3), 0.05 if feature == "conv3" else 0.5) for _ in categories]

    monkeypatch.setattr(scores, "flow_errors", errors)
    monkeypatch.setattr(studies, "prepare", lambda *args, **kwargs: None)
    inputs = (world, network, world.categories, [1e-4, 1e-3])
    found = studies.features(*inputs, alpha=0.1, solver="bp", iterations=9, **how)
    assert dict(asked) == {f"conv{i}": 1e-4 for i in range(1, 6)} | dict.fromkeys((10, 20, 40, 80, 160), 1e-3)
    assert {name: value[0] for name, value in found.items()} == {
        name: float(name == "conv3") for name in found
    }
    some = studies.few(world.categories)
    assert len(some) == 4 and some == sorted(set(some), key=world.categories.index)
    assert studies.few(["a", "b"]) == ["a", "b"]


def test_keypoints_of_the_same_pairs_have_the_errors_of_their_places(world, network):
    """One neighbour at a time, in the square; of a perfect alignment the true places are as near as drawn."""
    how = dict(retrieval_layer="pool5", count=2, feature=20.0, beta=1e-3)
    found = dense.dense_errors(world, network, ["bird"], pairs=1, limit=2, **how)
    pairs = flows.align(world, network, "bird", limit=2, **how)
    val, train = (crops.visible(world, "bird", split) for split in ("val", "train"))
    for n, (row, near) in enumerate(zip(pairs.rows, pairs.neighbours[:, 0], strict=True)):
        own, other = (crops.keypoints([one], 227)[0] for one in (val[row], train[near]))
        both = np.isfinite(own[:, 0]) & np.isfinite(other[:, 0])
        copied = [np.hypot(*(own[k] - other[k])) for k in np.flatnonzero(both)]
        moved = [np.hypot(*(own[k] - pairs.points[n, 0, k])) for k in np.flatnonzero(both)]
        np.testing.assert_allclose(found["copy keypoints"][0][n], copied)
        np.testing.assert_allclose(found["flow keypoints"][0][n], moved)


def test_the_report_puts_each_number_in_its_cell(monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    pck = {"conv4 flow": {"cat": 0.5, "ghost": 0.25}, "mine": {"cat": 1.0, "ghost": 0.0}}
    means = {"conv4 flow": [[0.375, 0.3, 0.4]], "mine": [[0.5, 0.4, 0.6]]}
    head, _, cat, ghost, mean = report.table_2(pck, means, [0.1], 0.1).splitlines()
    assert head == "| category | conv4 flow, paper | conv4 flow, ours | mine, paper | mine, ours |"
    assert cat == "| cat | 19.6 | 50.0 |  | 100.0 |"
    assert ghost == "| ghost |  | 25.0 |  | 0.0 |"
    assert mean.replace("\u00a0", " ") == (
        "| **mean, alpha = 0.1** | 24.9 | 37.5<br>[30.0, 40.0] |  | 50.0<br>[40.0, 60.0] |"
    )
    other = report.table_2(pck, means, [0.2], 0.2)
    assert "19.6" not in other and "24.9" not in other  # the paper's are of 0.1
    pixels = {"mine": {"all pixels": np.array([[9.0, 0.5], [8.0, 0.4], [10.0, 0.6]])}}
    row = report.dense(pixels, [0.1]).splitlines()[-1].replace("\u00a0", " ")
    assert row == "| mine | all pixels | 9.0<br>[8.0, 10.0] | 50.0<br>[40.0, 60.0] |"
    judged = {"a is better": {"alphas": [0.05], "leads": [[0.01, 0.005, 0.02]], "verdict": "holds"}}
    row = report.claims(("here", judged), ("there", {})).splitlines()[-1]
    assert row.replace("\u00a0", " ") == "| a is better | **holds**<br>0.05: +1.0 [0.5, 2.0] |  |"


@pytest.mark.parametrize(
    ("verdicts", "text"),
    [
        (["holds"] * 2, "2 of 2 hold"),
        (["holds", "does not hold", "cannot be told"], "1 of 3 holds, 1 does not, 1 cannot be told"),
        (["does not hold"] * 2 + ["cannot be told"] * 3, "0 of 5 hold, 2 do not, 3 cannot be told"),
    ],
)
def test_verdicts_are_counted(verdicts, text):
    assert report.verdicts({n: {"verdict": one} for n, one in enumerate(verdicts)}) == text


def test_what_stays_is_told_of_the_papers_beta_and_one_solver():
    found = [
        dict(method=m, beta=b, solver=s, still=still)
        for m, b, s, still in [
            ("a", 1e-4, "trws", 0.1),
            ("a", 3e-3, "trws", 0.998),
            ("a", 3e-3, "bp", 0.2),
            ("b", 3e-3, "trws", 0.5),
        ]
    ]
    assert report.still(found, "trws") == "100 % of the pairs by a and 50 % of the pairs by b"


def test_figure_3_has_a_row_for_each_method(rng):
    def pictures(*shape):
        return rng.integers(0, 256, (*shape, 20, 20, 3), dtype=np.uint8)

    targets, own = list(pictures(2)), [rng.uniform(0, 20, (4, 2)) for _ in range(2)]
    warped = {name: [pictures(3), pictures(2)] for name in ("a", "b")}
    points = {name: [rng.uniform(0, 20, (n, 4, 2)) for n in (3, 2)] for name in warped}
    figure = plots.transferred(targets, own, warped, points)
    assert len(figure.axes) == 2 * 1 + 2 * (3 + 2) + 2 * 2
    shown = [axes.images[0].get_array() for axes in figure.axes]
    expected = []
    for n in range(2):
        expected += [targets[n], *(p for m in warped for p in [*warped[m][n], targets[n]])]
    assert all((a == b).all() for a, b in zip(shown, expected, strict=True))
    copied = [axes for axes in figure.axes if axes.get_title() == "copied"]
    dots = np.concatenate([np.asarray(c.get_offsets()) for c in copied[0].collections])
    np.testing.assert_allclose(dots, points["a"][0].reshape(-1, 2))
    colours = [c.get_facecolors() for c in copied[0].collections]
    assert all((c == colours[0]).all() for c in colours) and len(np.unique(colours[0], axis=0)) == 4
    figure.canvas.draw()


def test_arrows_lead_from_the_nodes_to_their_matches(rng):
    image = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    flow_of_pixels = rng.normal(size=(30, 40, 2))
    nodes = np.stack(np.meshgrid([5, 15, 25], [7.0, 20.0]), axis=-1)
    figure = plots.displacements(image, {"a": image}, {"a": image}, {"a": flow_of_pixels}, nodes)
    (arrows,) = figure.axes[1].collections
    np.testing.assert_allclose(arrows.get_offsets(), nodes.reshape(-1, 2))
    np.testing.assert_allclose(arrows.U, [flow_of_pixels[int(y), int(x), 0] for x, y in nodes.reshape(-1, 2)])
    np.testing.assert_allclose(arrows.V, [flow_of_pixels[int(y), int(x), 1] for x, y in nodes.reshape(-1, 2)])


def test_the_chapter_labels_every_figure_and_table_with_its_tier():
    text = (ROOT / "book" / "alignment.py").read_text()
    figures = re.findall(r"# :name: \S+\n# :alt: .+\n#\n# (.*)\n", text)
    captions = figures + re.findall(r"# :::\{table\} (.*)\n", text)
    assert len(figures) == 5 and len(captions) == 11
    for caption in captions:
        assert "tier: {glue:text}`tier`" in caption or "tier: photos" in caption


def test_the_chapter_runs_and_another_tolerance_aligns_nothing(world, network, monkeypatch):
    """All of its cells, on one small category: every value that the page shows is there."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(convnet, "load", lambda weights: network)
    monkeypatch.setattr(studies, "LAYERS", ("conv4",))
    monkeypatch.setattr(studies, "RADII", (20.0,))
    solved, align = [], flow.align
    monkeypatch.setattr(flow, "align", lambda *args, **kwargs: solved.append(1) or align(*args, **kwargs))
    cells = jupytext.read("book/alignment.py").cells
    values = dict(data_root=str(world.root), retrieval_layer="pool5", category="car")
    values |= dict(neighbors=9, studied=1, betas=[1e-3, 3e-3], iterations=9)

    def run(**more):
        page = {}
        monkeypatch.setattr("myst_nb.glue", lambda name, value, display: page.update({name: value}))
        scope = {}
        for cell in cells:
            if cell.cell_type == "code":
                exec(cell.source, scope)
                if "parameters" in cell.metadata.get("tags", []):
                    scope.update(values, **more)
        return page, scope["results"]

    page, results = run()
    assert len(solved) > 0
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    named = set(re.findall(r"\{glue:text\}`([^`:]+)", prose)) | set(re.findall(r"\{glue:\w+\} (\S+)", prose))
    assert named <= set(page)
    assert page["tier"] == "figurines" and page["reported"] == "conv4 flow"
    there = len(crops.visible(world, "car", "train"))
    assert page["few"] == f"car ({there})"
    (errors,) = scores.copy_errors(world, network, ["car"], count=9, retrieval_layer="pool5")
    assert results["means"]["NN transfer"][1, 0] == pytest.approx(oracles.mean_pck([errors], 0.05))
    before = len(solved)
    page, others = run(alpha=0.4, layer="sift")
    assert len(solved) == before
    for name, curve in results["validated"].items():  # beta is not chosen at alpha
        np.testing.assert_array_equal(curve, others["validated"][name])
    assert page["reported"] == "SIFT flow"
    assert others["alphas"] == [0.1, 0.05, 0.025, 0.4]
    assert page["score"] == report.percent(others["means"]["SIFT flow"][3])
    recorded = cache.read_result(cache.cache_dir() / "results" / "alignment-figurines.json")
    assert recorded["values"]["means"]["NN transfer"] == others["means"]["NN transfer"].tolist()
    assert recorded["provenance"]["parameters"]["alpha"] == 0.4
