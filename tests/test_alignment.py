"""The alignment experiment: its parts against loops and closed forms, and whole on a small world."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import oracles
from corrlib import convnet, flow
from corrlib.datasets import VOC, figurines
from corrlib.experiments.alignment import dense, examples, flows, predictions, scores, squares
from corrlib.sift import descriptors

NAN = np.nan


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Four train images and two val images of each category."""
    out = tmp_path_factory.mktemp("world") / "figurines"
    return VOC(figurines.write_world(out, train=4, val=2, seed=3, jobs=1, progress=False))


@pytest.fixture(scope="module")
def network():
    """A narrow CaffeNet with random weights."""
    rng = np.random.default_rng(0)
    shapes = [(8, 3, 11), (8, 4, 5), (8, 8, 3), (6, 4, 3), (4, 3, 3)]
    parameters = {}
    for name, (outputs, inputs, kernel) in zip(map("conv{}".format, range(1, 6)), shapes, strict=True):
        spread = np.sqrt(2 / (inputs * kernel**2))
        parameters[f"{name}.weight"] = rng.normal(0, spread, (outputs, inputs, kernel, kernel))
        parameters[f"{name}.bias"] = np.zeros(outputs)
    mean = convnet.Preprocessing("rgb", (128.0, 128.0, 128.0))
    return convnet.Network("caffenet", parameters, mean, source="random.safetensors")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORRLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


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
    (one, *_) = squares.instances(world, "bus", "val")
    x0, y0, x1, y1 = one.box
    predicted = one.keypoints + np.array([0, 0.1 * max(x1 - x0, y1 - y0)])
    in_square = squares.crop(one, 227).points(predicted)
    errors = predictions.keypoint_errors(in_square[None], [one], 227)
    visible = np.isfinite(one.keypoints).all(axis=1)
    np.testing.assert_allclose(errors[0, visible], 0.1)
    assert np.isnan(errors[0, ~visible]).all()


def test_the_oracle_knows_the_best_neighbour(world):
    objects = squares.instances(world, "car", "val")[:2]
    truth = squares.keypoints(objects, 227)
    points = np.stack([truth + 9, truth, np.full_like(truth, NAN), truth - 4], axis=1)
    order = predictions.oracle_order(points, objects, 227)
    np.testing.assert_array_equal(np.argsort(order, axis=1), [[1, 3, 0, 2]] * len(objects))


def test_features_of_all_kinds_are_taken_at_the_same_places(world, network):
    (one, *_) = squares.instances(world, "cow", "val")
    image = squares.crop(one, 227).image(world.image(one.image_id))
    inputs = (world, network, "cow", "val")
    conv4, conv1, sift = (squares.features(*inputs, feature=f)[0] for f in ("conv4", "conv1", 20.0))
    assert conv4.shape == (13, 13, 6) and conv1.shape == (13, 13, 8) and sift.shape == (13, 13, 128)
    np.testing.assert_allclose(conv4, network.features(image, "conv4"), rtol=2e-3, atol=1e-3)
    # conv1 has its units at 5 + 4 i, conv4 at 17 + 16 i.
    np.testing.assert_allclose(conv1, network.features(image, "conv1")[3:52:4, 3:52:4], rtol=2e-3, atol=1e-3)
    np.testing.assert_array_equal(sift[2, 5], descriptors(image, [17 + 5 * 16, 17 + 2 * 16], radius=20))


def test_the_scale_makes_the_norm_one_over_the_training_set(world, network):
    squared = [
        np.sum(squares.features(world, network, c, "train", feature=20.0).astype(float) ** 2, axis=-1).ravel()
        for c in world.categories
    ]
    expected = np.sqrt(np.concatenate(squared).mean())
    assert squares.scale(world, network, feature=20.0) == pytest.approx(expected)


def test_neighbours_are_training_instances_of_other_images(world, network):
    train = squares.instances(world, "dog", "train")
    rows = squares.neighbours(world, network, "dog", "val", count=25, layer="pool5")
    assert rows.shape == (len(squares.instances(world, "dog", "val")), len(train))  # all there are
    own = squares.neighbours(world, network, "dog", "train", count=2, layer="pool5")
    assert own.shape == (len(train), 2)
    for one, found in zip(train, own, strict=True):
        assert one.image_id not in {train[row].image_id for row in found}


def test_retrieval_by_fc7_needs_it(world, network):
    with pytest.raises(ValueError, match="pool5"):
        squares.neighbours(world, network, "dog", "val", layer="fc7")


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\(N, k\)"):
        predictions.first_median(np.zeros((2, 3, 4, 2)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="at least 1"):
        predictions.first_median(np.zeros((2, 3, 4, 2)), np.zeros((2, 3)), top=0)


def test_an_image_is_aligned_with_a_shifted_copy_of_itself(network):
    """One cell to the right: labels, energies and keypoints are known."""
    field = network.receptive_fields[squares.GRID_LAYER]
    rows, cols = np.indices((13, 13))
    labels = np.stack([rows, np.minimum(cols + 1, 12)], axis=-1)
    points = np.array([[113.0, 60.0], [NAN, NAN], [49.0, 180.5]])
    moved = flows.transfer(labels, field, 227, points)
    np.testing.assert_allclose(moved, points - [16, 0], atol=0.05)


def test_the_coarse_field_carries_keypoints_where_the_fine_one_does(network, rng):
    field = network.receptive_fields[squares.GRID_LAYER]
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
    norm = squares.scale(world, network, feature=feature)
    one = squares.features(world, network, "bus", "val", feature=feature)[0].astype(np.float32) / norm
    many = squares.features(world, network, "bus", "train", feature=feature).astype(np.float32) / norm
    train = squares.keypoints(squares.instances(world, "bus", "train"), 227)
    for j, row in enumerate(found.neighbours[0]):
        alone = flow.align(one, many[row], beta=1e-3)
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
    train = squares.keypoints(squares.instances(world, "cow", "train"), 227)
    rows = squares.neighbours(world, network, "cow", "val", count=2, layer="pool5")
    np.testing.assert_array_equal(copied, train[rows])
    errors = scores.copy_errors(world, network, ["cow"], top=1, count=2, retrieval_layer="pool5")
    objects = squares.instances(world, "cow", "val")
    nearest = np.where(np.isnan(copied[:, 0]), copied[:, 1], copied[:, 0])
    np.testing.assert_array_equal(errors[0], predictions.keypoint_errors(nearest, objects, 227))
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
    (one, *_) = squares.instances(world, "sofa", "val")
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
    val, train = (squares.instances(world, "tvmonitor", s) for s in ("val", "train"))
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


def test_an_unknown_order_is_refused(world, network):
    with pytest.raises(ValueError, match="deformation, data, retrieval, oracle"):
        scores.flow_errors(world, network, ["bus"], order="energy")


def test_an_example_shows_the_least_deformed_and_warps_them(world, network, monkeypatch):
    """Aligned with nothing moved, a neighbour is warped to itself."""
    how = dict(retrieval_layer="pool5", count=3)
    pairs = flows.align(world, network, "chair", **how)
    still = np.broadcast_to(np.stack(np.indices((13, 13)), axis=-1), pairs.labels_rc.shape)
    rough = np.broadcast_to([2.0, 0.0, 1.0], pairs.smoothness.shape)
    pairs = replace(pairs, labels_rc=still, smoothness=rough)
    monkeypatch.setattr(examples, "align", lambda *args, **kwargs: pairs)
    one = examples.examples(world, network, "chair", 1, {"conv4": {}}, top=2, **how)["conv4"]
    val, train = (squares.instances(world, "chair", s) for s in ("val", "train"))
    n = 1 % len(val)
    np.testing.assert_array_equal(one.target, squares.squares(world, [val[n]], 227)[0])
    expected = squares.squares(world, [train[pairs.neighbours[n, j]] for j in (1, 2)], 227)
    np.testing.assert_array_equal(one.neighbours, expected)
    np.testing.assert_array_equal(one.warped, expected)
    np.testing.assert_array_equal(one.points, pairs.points[n, [1, 2]])


def test_the_gap_is_measured_from_the_certified_bound(world, network):
    how = dict(retrieval_layer="pool5", count=2, limit=1, feature=20.0, beta=1e-4)
    trws, bp = (scores.optimality_gaps(world, network, ["boat"], solver=s, **how) for s in ("trws", "bp"))
    assert trws.shape == bp.shape == (2,)
    assert (trws >= -1e-6).all() and (trws <= 1e-2).all()
    assert (bp >= trws - 1e-4).all()


def test_an_estimate_is_the_mean_and_its_interval(rng):
    errors, others = [rng.random((9, 3))], [rng.random((9, 3))]
    value = scores.estimate(errors, [0.2, 0.5])
    np.testing.assert_allclose(value[:, 0], [(errors[0] < a).mean() for a in (0.2, 0.5)])
    lead = scores.estimate(errors, [0.5], minus=others)
    assert lead[0, 0] == pytest.approx((errors[0] < 0.5).mean() - (others[0] < 0.5).mean())
    assert lead[0, 1] <= lead[0, 0] <= lead[0, 2]
