"""The prediction experiment: its parts against loops and closed forms, and whole on a small world."""

import math

import numpy as np
import pytest

from corrlib import detection, hard_negatives, metrics
from corrlib.data import crops
from corrlib.experiments.prediction import claims, examples, finer, grids, predictions, report, training
from corrlib.geometry import ReceptiveField

pytestmark = pytest.mark.usefixtures("own_cache")

NAN = np.nan
SMALL = {"size": 227}


def test_errors_are_measured_in_the_image(world):
    (one, *_) = crops.visible(world, "bus", "val")
    x0, y0, x1, y1 = one.box
    predicted = one.keypoints + np.array([0, 0.1 * max(x1 - x0, y1 - y0)])
    in_square = crops.crop(one, 500).points(predicted)
    errors = crops.errors(in_square[None], [one], 500)
    visible = np.isfinite(one.keypoints).all(axis=1)
    np.testing.assert_allclose(errors[0, visible], 0.1)
    assert np.isnan(errors[0, ~visible]).all()
    no_detector = crops.errors(np.full_like(in_square, NAN)[None], [one], 500)
    assert np.isinf(no_detector[0, visible]).all()


def test_grids_of_the_papers_squares(network):
    assert grids.shape(network, "conv5", 500) == (30, 30)  # 900 features
    assert grids.shape(network, "sift", 500) == (60, 60)
    assert grids.field(network, "conv5", 3) == ReceptiveField(195, 16, 17.0)
    assert grids.field(None, "sift", 1) == ReceptiveField(32, 8, 12.0)


def test_maps_are_those_of_the_squares(world, network):
    objects = crops.visible(world, "cow", "val")[:2]
    images = crops.images(world, objects, 227)
    found = grids.maps(world, network, objects, "conv4", 227)
    np.testing.assert_allclose(found, network.features(images, "conv4"), rtol=1e-4, atol=1e-4)
    sift = grids.maps(world, None, objects, "sift", 227)
    assert sift.shape == (2, *grids.shape(None, "sift", 227), 128) and sift.dtype == np.uint8


@pytest.mark.parametrize("factor", [2, 4])
def test_a_finer_stride_is_that_of_shifted_crops(rng, network, factor):
    images = rng.integers(0, 256, (2, 239, 251, 3), dtype=np.uint8)
    found = grids.shifted(network, images, "conv5", factor)
    step = 16 // factor
    for i, j in np.ndindex(factor, factor):
        crops = images[:, i * step :, j * step :]
        expected = network.features(np.ascontiguousarray(crops), "conv5")[
            :, : found.shape[3], : found.shape[4]
        ]
        np.testing.assert_allclose(found[:, i, j], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(
        found[:, 0, 0, :13, :13], grids.shifted(network, images, "conv5", 1)[:, 0, 0, :13, :13]
    )
    with pytest.raises(ValueError, match="cannot be divided by 3"):
        grids.shifted(network, images, "conv5", 3)


def test_interleaved_scores_are_where_their_grid_says(world, network, monkeypatch):
    # A detector of brightness at the centre of what a unit sees: its scores follow a bright spot.
    own = training.Trained(
        field=ReceptiveField(11, 4, 5.0), weights=np.ones((1, 1, 1, 8), np.float32), bias=np.zeros(1),
        slope=np.ones(1), offset=np.zeros(1), held_out=None, rounds=None, gap=None, hard=None,
    )  # fmt: skip
    monkeypatch.setattr(training, "train", lambda *args, **how: own)
    image = np.full((227, 227, 3), 128, np.uint8)
    image[120:123, 90:93] = 255
    monkeypatch.setattr(crops, "images", lambda data, objects, size: image[None])
    (one, *_) = crops.visible(world, "dog", "val")
    monkeypatch.setattr(finer, "_objects", lambda *args: ([one], np.arange(1)))
    scores = finer._scores(world, network, "dog", 2, None, "conv1", context=1, size=227)["scores"]
    assert scores.shape == (1, 1, *grids.shape(network, "conv1", 227, 2))
    around = scores[0, 0] - np.median(scores)
    centers = ReceptiveField(11, 2, 5.0).centers(around.shape)
    touched = np.abs(around) > 1e-3 * np.abs(around).max()
    seen = (np.abs(centers - (91, 121)) <= 5 + 1).all(axis=-1)
    assert touched.any() and seen[touched].all() and touched[seen].mean() > 0.9


def test_the_prior_comes_from_the_nearest_that_has_the_keypoint(world, network):
    train = crops.visible(world, "horse", "train")
    points = crops.keypoints(train, 500)
    for split in ("train", "val"):
        objects = crops.visible(world, "horse", split)
        means = grids.prior_means(world, network, "horse", split, 500)
        feature = {
            s: network.features(
                crops.images(world, crops.visible(world, "horse", s), 227), "pool5"
            ).reshape(len(crops.visible(world, "horse", s)), -1).astype(float)
            for s in (split, "train")
        }  # fmt: skip
        for n, one in enumerate(objects):
            a = feature[split][n]
            cosine = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in feature["train"]]
            for k in range(points.shape[1]):
                usable = [
                    j
                    for j in np.argsort(-np.array(cosine))
                    if train[j].image_id != one.image_id and np.isfinite(points[j, k]).all()
                ]
                expected = points[usable[0], k] if usable else [NAN, NAN]
                np.testing.assert_array_equal(means[n, k], expected)


def test_predictions_follow_eta(rng):
    field = ReceptiveField(35, 8, 5.0)
    scores = rng.normal(size=(3, 2, 7, 9)).astype(np.float32)
    means = rng.uniform(0, 70, (3, 2, 2))
    line = dict(slope=np.array([3.0, 0.5]), offset=np.array([-1.0, 2.0]))
    etas = [None, 0.0, 0.3, 1.0]
    found = predictions.predict(scores, field, etas, means=means, sigma=22.0, **line)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], detection.peak(scores, field))
    np.testing.assert_array_equal(found[3], detection.nearest_location(means, field, (7, 9)))
    for n, k in np.ndindex(3, 2):
        best, where = -1, None
        for row, col in np.ndindex(7, 9):
            x, y = 5 + 8 * col, 5 + 8 * row
            s = 1 / (1 + math.exp(-(line["slope"][k] * scores[n, k, row, col] + line["offset"][k])))
            p = math.exp(-((x - means[n, k, 0]) ** 2 + (y - means[n, k, 1]) ** 2) / (2 * 22**2))
            if s**0.7 * p**0.3 > best:
                best, where = s**0.7 * p**0.3, (x, y)
        np.testing.assert_array_equal(found[2, n, k], where)


def test_folds_keep_images_whole():
    images = ["a", "b", "a", "c", "d", "d", "e"]
    found = training.folds(images, 2, seed=1)
    assert found[0] == found[2] and found[4] == found[5] and set(found) == {0, 1}
    assert sorted(np.bincount([found[i] for i in (0, 1, 3, 4, 6)])) == [2, 3]
    assert (training.folds(images, 2, seed=1) == found).all()


def test_scores_of_train_are_of_detectors_trained_without(world, network, monkeypatch):
    monkeypatch.setattr(training, "ENOUGH", 1e-4)
    objects = crops.visible(world, "bus", "train")
    found = training.train(world, network, "bus", **SMALL)
    maps = grids.maps(world, network, objects, "conv5", 227)
    examples_ = detection.labels_by_field(crops.keypoints(objects, 227), found.field, (13, 13))
    part = training.folds([one.image_id for one in objects], 2, 0)
    for fold in (0, 1):
        others = examples_.copy()
        others[:, part == fold] = 0
        own = hard_negatives.mine(maps, others, tolerance=1e-4)
        expected = hard_negatives.responses(maps[part == fold], own.weights, own.bias)
        scores = found.held_out[part == fold]
        known = np.isfinite(expected)
        assert (known == np.isfinite(scores)).all()
        assert np.corrcoef(expected[known], scores[known])[0, 1] > 0.999
        assert np.abs(expected - scores)[known].max() < 0.1
    whole = hard_negatives.mine(maps, examples_, tolerance=1e-4)
    distance = np.linalg.norm(whole.weights - found.weights) / np.linalg.norm(whole.weights)
    assert distance < 0.1


def test_logistics_of_keypoints_with_and_without_held_out_examples(rng):
    labels = rng.choice(np.array([-1, 0, 1], np.int8), (3, 4, 5, 6))
    labels[1][labels[1] > 0] = 0
    held_out = rng.normal(size=(4, 3, 5, 6)) + 2 * labels.swapaxes(0, 1)
    held_out[:, 2] = NAN
    slope, offset = training.calibrate(held_out, labels)
    used = labels[0] != 0
    assert (slope[0], offset[0]) == detection.fit_logistic(held_out[:, 0][used], labels[0][used] > 0)
    np.testing.assert_array_equal([slope[1:], offset[1:]], [[1, 1], [0, 0]])


def test_a_finer_grid_holds_the_coarse_one(world, network, monkeypatch):
    given = (world, network, ["car", "sofa"])
    eta = [None, 0.2]
    coarse = predictions.errors(*given, eta, feature="conv5", **SMALL)
    fine = finer.errors(*given, [1, 2], eta, feature="conv5", **SMALL)
    for one, other in zip(coarse, fine[1], strict=True):
        for a, b in zip(one, other, strict=True):
            assert np.isclose(a, b, equal_nan=True).mean() > 0.95  # batches round differently
    best = finer.ceilings(*given, [1, 2, 4], feature="conv5", **SMALL)
    for c, category in enumerate(given[2]):
        objects = crops.visible(world, category, "val")
        truth = crops.keypoints(objects, 227)
        own = ReceptiveField(163, 16, 17.0)
        expected = crops.errors(detection.nearest_location(truth, own, (13, 13)), objects, 227)
        np.testing.assert_array_equal(best[1][c], expected)
        seen = np.isfinite(truth).all(axis=-1)
        assert (best[1][c] <= fine[1][0][c])[seen].all() and (best[2][c] <= fine[2][1][c])[seen].all()
        assert np.nanmean(best[4][c]) < np.nanmean(best[2][c]) < np.nanmean(best[1][c])
    monkeypatch.setattr(crops, "spread", lambda total, limit=None: np.arange(total)[::-1][:limit])
    few = finer.errors(*given, [1], [None, 1.0], limit=2, feature="conv5", **SMALL)
    for c, category in enumerate(given[2]):
        objects = grids.instances(world, category, "val")
        rows = crops.spread(len(objects), 2)
        means = grids.prior_means(world, network, category, "val", 227)[rows]
        best = detection.nearest_location(means, ReceptiveField(163, 16, 17.0), (13, 13))
        expected = crops.errors(best, [objects[row] for row in rows], 227)
        np.testing.assert_array_equal(few[1][1][c], expected)  # at eta = 1 there is but the prior
    with pytest.raises(ValueError, match="divide the largest"):
        finer.errors(*given, [2, 3], eta, **SMALL)


def test_eta_is_the_best_on_train(world, network):
    given = (world, network, ["cat"])
    etas = [0.0, 0.1, 1.0]
    best, curve = predictions.validate(*given, etas, feature="sift", **SMALL)
    for eta, (value, lower, upper) in zip(etas, curve, strict=True):
        ((own,),) = predictions.errors(*given, [eta], split="train", feature="sift", **SMALL)
        assert value == metrics.estimate([own], [0.1])[0, 0] and lower <= value <= upper
    assert curve[etas.index(best), 0] == curve[:, 0].max()


def test_the_prior_alone_copies(world, network):
    (own,) = predictions.copy_errors(world, network, ["cat"], **SMALL)
    objects = crops.visible(world, "cat", "val")
    means = grids.prior_means(world, network, "cat", "val", 227)
    np.testing.assert_array_equal(own, crops.errors(means, objects, 227))
    (other,) = predictions.copy_errors(world, network, ["cat"], neighbours="conv1", **SMALL)
    means = grids.prior_means(world, network, "cat", "val", 227, "conv1")
    assert not np.array_equal(
        grids.neighbours(world, network, "cat", "val", "conv1"),
        grids.neighbours(world, network, "cat", "val"),
    )
    np.testing.assert_array_equal(other, crops.errors(means, objects, 227))


def test_examples_are_predicted_as_the_table_is(world, network):
    methods = {"conv5+prior": {"feature": "conv5", "eta": 0.2}, "SIFT": {"feature": "sift", "eta": None}}
    (one,) = examples.examples(world, network, ["dog"], methods, seed=1, **SMALL)
    assert one.square.shape == (227, 227, 3) and len(one.names) == len(one.truth)
    objects = crops.visible(world, "dog", "val")
    row = [np.array_equal(p, one.truth, equal_nan=True) for p in crops.keypoints(objects, 227)].index(True)
    for name, own in methods.items():
        ((errors,),) = predictions.errors(
            world, network, ["dog"], [own["eta"]], feature=own["feature"], **SMALL
        )
        np.testing.assert_array_equal(one.correct[name], errors[row] < 0.1)
        assert np.isnan(one.predicted[name][np.isnan(one.truth)]).all()


@pytest.mark.parametrize(
    ("lead", "verdict"),
    [
        ((0.1, 0.05, 0.2), "holds"),
        ((0.1, -0.01, 0.2), "cannot be told"),
        ((0.1, 0.0, 0.2), "cannot be told"),
        ((-0.1, -0.2, 0.0), "does not hold"),
        ((-0.1, -0.2, -0.05), "does not hold"),
    ],
)
def test_verdicts(lead, verdict):
    assert metrics.judge(lead) == verdict


def test_claims_compare_what_they_say(rng):
    errors = {name: [rng.uniform(0, 0.2, (30, 3))] for name in ("SIFT", "SIFT+prior", "conv4", "conv4+prior")}
    errors["conv4"] = [e * 0.2 for e in errors["SIFT"]]
    found = claims.claims(errors, errors["SIFT+prior"], "conv4", 0.1)
    assert found["conv4 is better than SIFT"]["verdict"] == "holds"
    assert found["conv4+prior is better than conv4"]["verdict"] == "does not hold"
    assert len(found) == 6
    (same,) = (one for claim, one in found.items() if claim.startswith("SIFT+prior is better than the prior"))
    assert (same["lead"] == 0).all() and same["verdict"] == "does not hold"
    lead = found["conv4 is better than SIFT"]["lead"]
    expected = metrics.estimate(errors["conv4"], [0.1]) - metrics.estimate(errors["SIFT"], [0.1])
    assert lead[0] == pytest.approx(expected[0, 0])
    head, rows = report.claims(("a", found), ("b", {"other": found["SIFT+prior is better than SIFT"]}))
    assert head == ["claim", "a", "b"] and len(rows) == 7 and rows[0][2] == "" and rows[6][1] == ""


def test_tables_have_the_papers_numbers_beside_ours(monkeypatch, pytestconfig):
    monkeypatch.chdir(pytestconfig.rootpath)
    pck = {"SIFT": {"cat": 0.5, "dog": 0.25}, "conv4": {"cat": 1.0, "dog": NAN}}
    head, rows = report.by_category(pck, 0.1)
    assert head == ["category", "SIFT", "conv4"]
    assert rows[0] == ["cat", "12.6\u00a0/\u00a050.0", "100.0"]
    assert rows[-1] == ["**mean**", "**15.7\u00a0/\u00a037.5**", "**100.0**"]
    assert report.by_category(pck, 0.05)[1][0][1] == "50.0"
    head, rows = report.means({"SIFT": [(0.5, 0.4, 0.6)]}, [0.1])
    assert rows[0][:2] == ["SIFT", "15.7"] and rows[0][2].startswith("50.0")
    values = {16: [(0.5, 0.4, 0.6)], 8: [(0.6, 0.5, 0.7)]}
    head, rows = report.strides({"conv5": values}, values, [0.1])
    assert [row[:2] for row in rows] == [
        ["conv5", "16"],
        ["conv5", "8"],
        ["best place", "16"],
        ["best place", "8"],
    ]
    head, rows = report.photos(pck, {"SIFT": [(0.1,) * 3, (0.2,) * 3], "alone": [(0, 0, 0)] * 2}, [0.05, 0.1])
    assert rows[0][:3] == ["SIFT", "50.0", "25.0"] and rows[0][3].startswith("20.0") and rows[1][1] == ""


def test_bad_input_is_refused(world, network):
    with pytest.raises(ValueError, match="unknown features 'conv9': expected sift, conv1"):
        training.train(world, network, "cat", feature="conv9")
    with pytest.raises(ValueError, match="odd"):
        training.train(world, network, "cat", context=2, **SMALL)
    with pytest.raises(ValueError, match="at least 1 instance"):
        crops.spread(5, 0)
    with pytest.raises(ValueError, match="unknown category"):
        training.train(world, network, "unicorn", **SMALL)
