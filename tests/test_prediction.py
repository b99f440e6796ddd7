"""The prediction experiment: its parts against loops and closed forms, and whole on a small world."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from corrlib import detection, hard_negatives, metrics
from corrlib.data import crops
from corrlib.experiments import prediction
from corrlib.experiments.neighbors import global_descriptors, neighbors
from corrlib.experiments.prediction import evaluation, features, training
from corrlib.geometry import ReceptiveField
from corrlib.publishing import tables

pytestmark = pytest.mark.usefixtures("own_cache")

NAN = np.nan


@pytest.fixture
def resolved(world, network):
    """Settings of crops that are small, for one category or more."""

    def resolve(*categories, **parameters):
        settings = prediction.Settings(size=227, category=categories[0], **parameters).resolve(world, network)
        return replace(settings, categories=categories)

    return resolve


def test_grids_of_the_papers_crops(network):
    assert features.grid(network, "conv5", size=500, context=3) == (ReceptiveField(195, 16, 17.0), (30, 30))
    assert features.grid(None, "sift", size=500) == (ReceptiveField(32, 8, 12.0), (60, 60))


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_a_finer_stride_is_that_of_shifted_crops(rng, network, factor):
    images = rng.integers(0, 256, (2, 239, 239, 3), dtype=np.uint8)
    result = features.features(network, images, "conv5", factor)
    step = 16 // factor
    for i, j in np.ndindex(factor, factor):
        shifted = np.ascontiguousarray(images[:, i * step :, j * step :])
        expected = network.features(shifted, "conv5")[:, : result.shape[3], : result.shape[4]]
        np.testing.assert_allclose(result[:, i, j], expected, rtol=1e-4, atol=1e-4)
    field, shape = features.grid(network, "conv5", size=239, factor=factor)
    assert field == ReceptiveField(163, step, 17.0)
    assert shape == (factor * result.shape[3], factor * result.shape[4])


def test_interleaved_scores_are_where_their_grid_says(world, network, monkeypatch):
    # A detector of brightness at the centre of what a unit sees: its scores follow a bright spot.
    detector = SimpleNamespace(weights=np.ones((1, 1, 1, 8), np.float32), bias=np.zeros(1))
    image = np.full((227, 227, 3), 128, np.uint8)
    image[120:123, 90:93] = 255
    monkeypatch.setattr(crops, "images", lambda data, objects, size: image[None])
    scores = training._score(world, network, "dog", "conv1", detector, 227, 0.0, factor=2, limit=1)["scores"]
    field, shape = features.grid(network, "conv1", size=227, factor=2)
    assert scores.shape == (1, 1, *shape) and field == ReceptiveField(11, 2, 5.0)
    around = scores[0, 0] - np.median(scores)
    touched = np.abs(around) > 1e-3 * np.abs(around).max()
    seen = (np.abs(field.centers(shape) - (91, 121)) <= 5 + 1).all(axis=-1)
    assert touched.any() and seen[touched].all() and touched[seen].mean() > 0.9


@pytest.mark.parametrize("split", ["train", "val"])
def test_neighbours_are_described_in_the_pass_of_the_detectors(world, network, split, monkeypatch):
    images = crops.images(world, crops.objects(world, "sheep", split), 240)
    own, pooled = (network.features(images, layer) for layer in ("conv5", "pool5"))
    found = list(features.category_features(world, network, "sheep", split, "conv5", size=240))
    np.testing.assert_array_equal(np.concatenate(found)[:, 0, 0], own)
    monkeypatch.setattr(crops, "images", None)  # which another pass would need
    described = global_descriptors(world, network, "sheep", split, "pool5", 240)
    np.testing.assert_array_equal(described, pooled.reshape(len(pooled), -1))


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize(("missing", "count"), [("next", None), ("any", 1)])
def test_the_prior_comes_from_the_nearest_object(world, network, split, missing, count):
    """Or, with "next", from the nearest that has the keypoint."""
    points = crops.keypoints(crops.objects(world, "horse", "train"), 500)
    settings = prediction.Settings(prior_missing=missing)
    means = evaluation.prior_means(world, network, settings, "horse", split)
    nearest = neighbors(world, network, "horse", split, layer="pool5", size=500)
    assert len(means) == len(nearest)
    for n, k in np.ndindex(means.shape[:2]):
        rows = [row for row in nearest[n, :count] if row >= 0 and np.isfinite(points[row, k]).all()]
        np.testing.assert_array_equal(means[n, k], [*points[rows, k], [NAN, NAN]][0])


def test_predictions_follow_eta(rng):
    field = ReceptiveField(35, 8, 5.0)
    scores = rng.normal(size=(3, 2, 7, 9)).astype(np.float32)
    means = rng.uniform(0, 70, (3, 2, 2))
    slope, offset = np.array([3.0, 0.5]), np.array([-1.0, 2.0])
    etas = [None, 0.0, 0.3, 1.0]
    parameters = dict(slope=slope, offset=offset, means=means, sigma=22.0)
    plain, zero, mixed, prior = evaluation.locate(scores, field, etas, **parameters)
    np.testing.assert_array_equal(plain, zero)
    np.testing.assert_array_equal(plain, detection.peak(scores, field))
    np.testing.assert_array_equal(prior, detection.nearest_location(means, field, (7, 9)))
    y, x = 5 + 8 * np.indices((7, 9))
    for n, k in np.ndindex(3, 2):
        s = 1 / (1 + np.exp(-(slope[k] * scores[n, k] + offset[k])))
        p = np.exp(-((x - means[n, k, 0]) ** 2 + (y - means[n, k, 1]) ** 2) / (2 * 22**2))
        best = np.unravel_index((s**0.7 * p**0.3).argmax(), x.shape)
        np.testing.assert_array_equal(mixed[n, k], (x[best], y[best]))


def test_folds_keep_images_whole():
    images = ["a", "b", "a", "c", "d", "d", "e"]
    fold = training.folds(images, 2, seed=1)
    assert fold[0] == fold[2] and fold[4] == fold[5] and set(fold) == {0, 1}
    assert sorted(np.bincount([fold[i] for i in (0, 1, 3, 4, 6)])) == [2, 3]
    assert (training.folds(images, 2, seed=1) == fold).all()


def test_held_out_scores_are_of_detectors_trained_without(world, network, resolved, monkeypatch):
    monkeypatch.setattr(training, "HELD_OUT_GAP", 1e-4)
    trained = training.train(world, network, resolved("bus"), "bus", "conv5")
    objects = crops.objects(world, "bus", "train")
    maps = network.features(crops.images(world, objects, 227), "conv5")
    field, shape = features.grid(network, "conv5", size=227, context=3)
    labels = detection.labels_by_field(crops.keypoints(objects, 227), field, shape)
    part = training.folds([instance.image_id for instance in objects], 2, 0)
    for fold in (0, 1):
        others = labels.copy()
        others[:, part == fold] = 0
        own = hard_negatives.train(maps, others, tolerance=1e-4)
        expected = hard_negatives.responses(maps[part == fold], own.weights, own.bias)
        scores = trained.held_out[part == fold]
        known = np.isfinite(expected)
        assert (known == np.isfinite(scores)).all()
        assert np.corrcoef(expected[known], scores[known])[0, 1] > 0.999
        assert np.abs(expected - scores)[known].max() < 0.1
    whole = hard_negatives.train(maps, labels, tolerance=1e-4)
    seen = (labels > 0).any(axis=(1, 2, 3))  # another has no detector
    assert (
        (np.isfinite(whole.bias) == seen).all() and np.isnan(trained.weights[~seen]).all() and seen.sum() > 1
    )
    change = (whole.weights - trained.weights)[seen]
    assert np.linalg.norm(change) < 0.1 * np.linalg.norm(whole.weights[seen])


def test_logistics_with_and_without_held_out_examples(rng):
    labels = rng.choice(np.array([-1, 0, 1], np.int8), (3, 4, 5, 6))
    labels[1][labels[1] > 0] = 0
    held_out = rng.normal(size=(4, 3, 5, 6)) + 2 * labels.swapaxes(0, 1)
    held_out[:, 2] = NAN
    slope, offset = training.calibrate(held_out, labels)
    used = labels[0] != 0
    assert (slope[0], offset[0]) == detection.fit_logistic(held_out[:, 0][used], labels[0][used] > 0)
    np.testing.assert_array_equal([slope[1:], offset[1:]], [[1, 1], [0, 0]])


def test_strides_are_compared_on_the_same_objects(world, network, resolved, monkeypatch):
    monkeypatch.setattr(crops, "evenly_spaced", lambda total, limit=None: np.arange(total)[::-1][:limit])
    settings = resolved("aeroplane", "sofa", studied=2, eta=1.0, prior_missing="next")
    result = prediction.by_stride(world, network, settings)
    assert list(result) == ["conv5", "conv5+prior", "best place"]
    assert all(list(strides) == [16, 8, 4] for strides in result.values())
    # With eta = 1 it is known where all objects, in their own order, are predicted.
    _, (at_prior,) = evaluation.predict(world, network, settings, "conv5", [1.0])
    field, shape = features.grid(network, "conv5", size=227)
    for c, category in enumerate(settings.categories):
        objects = crops.objects(world, category, "val")
        last = objects[::-1][:2]
        best = detection.nearest_location(crops.keypoints(last, 227), field, shape)
        best = crops.by_image(crops.errors(best, last, 227), last)
        np.testing.assert_array_equal(result["best place"][16][c], best)
        means = evaluation.prior_means(world, network, settings, category, "val")
        prior = crops.errors(detection.nearest_location(means, field, shape), objects, 227)
        np.testing.assert_array_equal(at_prior[c], crops.by_image(prior, objects))
        np.testing.assert_array_equal(result["conv5+prior"][16][c], crops.by_image(prior[::-1][:2], last))
        seen = ~np.isnan(best)
        for stride in (16, 8, 4):
            assert (result["best place"][stride][c] <= result["conv5"][stride][c])[seen].all()
        coarse, middle, fine = (np.nanmean(result["best place"][stride][c]) for stride in (16, 8, 4))
        assert fine < middle < coarse
    _, (coarse,) = evaluation.predict(world, network, settings, "conv5", [None])
    finer = replace(settings, stride=8)
    _, (fine,) = evaluation.predict(world, network, finer, "conv5", [None], every=2)
    for one, other in zip(coarse, fine, strict=True):
        assert np.isclose(one, other, equal_nan=True).mean() > 0.95  # batches round differently


def test_eta_is_the_best_on_train(world, network, resolved):
    settings = resolved("cat", etas=[0.0, 0.1, 0.9])
    etas, curves = prediction.validate(world, network, settings)
    for method, curve in curves.items():
        for eta, (value, lower, upper) in zip(settings.etas, curve, strict=True):
            feature = settings.features[method]
            _, (own,) = evaluation.predict(world, network, settings, feature, [eta], split="train")
            assert value == metrics.estimate(own, [0.1])[0, 0] and lower <= value <= upper
        assert curve[settings.etas.index(etas[method]), 0] == curve[:, 0].max()
    assert prediction.validate(world, network, replace(settings, eta=0.4))[0] == etas


def test_the_table_has_each_method_and_the_prior_alone(world, network, resolved):
    settings = resolved("aeroplane", eta=0.3)  # two are in one image
    errors = prediction.errors(world, network, settings, {"conv5": 0.2, "SIFT": 0.9})
    assert list(errors)[:4] == settings.methods == ["SIFT", "SIFT+prior", "conv5", "conv5+prior"]
    assert list(errors)[4:] == ["SIFT+prior, eta chosen", "conv5+prior, eta chosen", "prior alone"]
    objects = crops.objects(world, "aeroplane", "val")
    for method, eta in {"conv5": None, "conv5+prior": 0.3, "conv5+prior, eta chosen": 0.2}.items():
        ((points,),), _ = evaluation.predict(world, network, settings, "conv5", [eta])
        expected = crops.by_image(crops.errors(points, objects, 227), objects)
        np.testing.assert_array_equal(errors[method][0], expected)
    for layer in ("pool5", "conv1"):
        other = replace(settings, prior_layer=layer)
        (copied,) = evaluation.copy_errors(world, network, other)
        means = evaluation.prior_means(world, network, other, "aeroplane", "val")
        expected = crops.by_image(crops.errors(means, objects, 227), objects)
        np.testing.assert_array_equal(copied, expected)
        assert np.array_equal(errors["prior alone"][0], expected, equal_nan=True) == (layer == "pool5")


def test_the_table_needs_no_pass_of_its_own_for_the_prior(world, network, resolved, monkeypatch):
    settings = replace(resolved("cow"), size=240, prior_size=240)

    def features(own, images, layer):
        assert layer != "pool5"
        return own.layer_features(images, [layer])[layer]

    monkeypatch.setattr(type(network), "features", features)
    errors = prediction.errors(world, network, settings, dict.fromkeys(settings.features, 0.1))
    assert np.isfinite(errors["prior alone"][0]).any()


def test_other_readings_differ_from_ours_in_one_choice(world, network, resolved):
    settings = resolved("aeroplane", eta=0.3, prior_size=500)
    rows = {row["reading"]: row for row in prediction.readings(world, network, settings)}
    ours = [name for name, row in rows.items() if row["ours"]]
    assert len(ours) == len({row["choice"] for row in rows.values()}) == 6
    for reading, other in (
        (ours[0], {}),
        ("the next one that shows it", {"prior_missing": "next"}),
        ("by the plain logistic", {"calibrated": False}),
        ("before rectification", {"layer": "conv5 linear"}),
    ):
        own = replace(settings, **other)
        errors = prediction.errors(world, network, own, dict.fromkeys(own.features, 0.3))
        for method, name in zip(settings.methods, own.methods, strict=True):
            pck = metrics.pck(errors[name][0], prediction.ALPHAS)
            np.testing.assert_array_equal(rows[reading]["pck"][method]["aeroplane"], pck)
    (errors,) = prediction.errors(world, network, settings, dict.fromkeys(settings.features, 0.3))["conv5"]
    known = errors[~np.isnan(errors)]
    share = rows["over keypoints"]["pck"]["conv5"]["aeroplane"]
    np.testing.assert_allclose(share, [(known < alpha).mean() for alpha in prediction.ALPHAS])


def test_examples_are_predicted_as_the_table_is(world, network, resolved):
    settings = resolved("dog", seed=1, stride=8, eta=0.2)
    (example,) = prediction.examples(world, network, settings)
    assert example.image.shape == (227, 227, 3) and len(example.names) == len(example.truth)
    objects = crops.objects(world, "dog", "val")  # each in an image of its own, in their order
    truth = crops.keypoints(objects, 227)
    row = [np.array_equal(each, example.truth, equal_nan=True) for each in truth].index(True)
    for name, feature in (("conv5+prior", "conv5"), ("SIFT+prior", "sift")):
        ((points,),), ((errors,),) = evaluation.predict(world, network, settings, feature, [0.2])
        np.testing.assert_array_equal(example.correct[name], errors[row, 0] < 0.1)
        expected = np.where(np.isfinite(example.truth), points[row], NAN)
        np.testing.assert_array_equal(example.predicted[name], expected)


def test_claims_compare_what_they_say(rng, resolved):
    sift, prior, alone = ([rng.uniform(0, 0.2, (30, 3))] for _ in range(3))
    conv = [sift[0] * 0.2]
    errors = {"SIFT": sift, "SIFT+prior": prior, "conv4": conv, "conv4+prior": prior, "prior alone": alone}
    strides = {16: sift, 8: alone, 4: conv}
    differences = prediction.differences(errors, strides, resolved("cat", layer="conv4", alpha=0.05))
    expected = {
        "conv-over-sift": (conv, sift),
        "conv-prior-helps": (prior, conv),
        "sift-prior-helps": (prior, sift),
        "conv-prior-over-sift-prior": (prior, prior),
        "conv-prior-over-sift-prior-stricter": (prior, prior),
        "conv-prior-over-prior": (prior, alone),
        "sift-prior-over-prior": (prior, alone),
        "finer-stride": (conv, sift),
    }
    assert set(differences) == set(expected)
    for claim, (better, worse) in expected.items():
        alphas = [0.05, 0.025] if claim in ("finer-stride", "conv-prior-over-sift-prior-stricter") else [0.05]
        labels, values = zip(*differences[claim], strict=True)
        assert list(labels) == [f"alpha = {alpha:g}" for alpha in alphas]
        np.testing.assert_array_equal(values, 100 * metrics.estimate(better, alphas, minus=worse))


def test_tables_show_percent_and_the_published_numbers(monkeypatch, pytestconfig):
    monkeypatch.chdir(pytestconfig.rootpath)
    (row,) = tables.prediction_means({"SIFT": [(0.5, 0.4, 0.6)]}, [0.1])
    assert row["0.1, paper"] == "15.7" and row["0.1, ours"].tolist() == [50, 40, 60]
    values = {16: [(0.5, 0.4, 0.6)] * 3, 8: [(0.6, 0.5, 0.7)] * 3}
    rows = tables.strides({"conv5": values, "best place": values})
    assert [(row["method"], row["stride, px"]) for row in rows][1:3] == [("conv5", 8), ("best place", 16)]
    assert rows[1]["alpha = 0.025"].tolist() == [60, 50, 70]
    _, mean = tables.by_category({"SIFT": {"cat": (0.5, 0, 1)}}, means={"SIFT": [(0.3, 0.2, 0.4)]})
    assert mean["SIFT, ours"].tolist() == [30, 20, 40]
    (row,) = tables.gained({0.1: np.array([1.0, 0.5, 1.5])})
    assert row["alpha"] == "0.1" and row["verdict"] == "supported"


def test_settings_are_completed_or_refused(world, network):
    settings = prediction.Settings(alpha=0.2).resolve(world, network)
    assert settings.categories == world.categories and settings.alphas == [0.1, 0.05, 0.025, 0.2]
    assert (settings.stride, settings.eta) == (16, 0.1) and settings.resolve(world, network) == settings
    for parameters, message in (
        ({"layer": "conv9"}, "unknown layer 'conv9': .* has conv1, "),
        ({"alpha": 0.0}, "alpha must be positive, got 0.0"),
        ({"stride": 6}, "does not divide that of conv5, 16: expected one of 1, 2, 4, 8, 16"),
        ({"stride": 0}, "expected one of 1, 2, 4, 8, 16"),
        ({"category": "unicorn"}, "unknown category"),
        ({"etas": [0.1, 1.0]}, "etas must be one or more numbers from 0 to below 1, got .*1.0"),
        ({"prior_missing": "none"}, "prior_missing must be 'any' or 'next', got 'none'"),
    ):
        with pytest.raises(ValueError, match=message):
            prediction.Settings(**parameters).resolve(world, network)
