"""The classification experiment: its parts against loops and closed forms, and whole on small worlds."""

import re
from dataclasses import dataclass, field
from types import SimpleNamespace

import jupytext
import matplotlib.pyplot as plt
import numpy as np
import pytest

import narrow
import oracles
from conftest import ROOT
from corrlib import convnet, metrics, sift, svm
from corrlib.convnet.dense import dense_features, unrectified
from corrlib.data import Instance, open_dataset
from corrlib.experiments.classification import claims, fine, keypoints, report, scores, studies, training
from corrlib.experiments.classification.keypoints import Square
from corrlib.publishing import plots

NAMES = ("L_Eye", "Nose", "R_Eye", "Tail")
NAN = np.nan
MINUS = "\u00a0\u2212\u00a0"


@dataclass
class World:
    """A data set in memory: at each keypoint of an image is a pattern of its own, before noise."""

    digest: str
    train: int = 12
    val: int = 6
    only: dict = field(default_factory=dict)  # type of keypoint -> the one training instance that shows it
    root: str = "memory"
    tier: str = "figurines"
    categories: tuple = ("thing",)
    inset: int = 0  # by how much the box is too small on each side

    def keypoint_names(self, category):
        return NAMES

    def instances(self, category, split):
        first = 0 if split == "train" else 1000
        return [self._instance(first + n, n) for n in range(getattr(self, split))]

    def _instance(self, seed, number):
        rng = np.random.default_rng(seed)
        points = np.array([[70, 70], [70, 170], [170, 70], [170, 170]]) + rng.integers(-25, 26, (4, 2))
        points = points.astype(float) + 16  # in the image, whose box begins at (15.5, 15.5)
        points[3] = NAN if number % 3 == 0 else points[3]
        for kind, owner in self.only.items():
            points[kind] = points[kind] if number == owner or seed >= 1000 else NAN
        box = np.array([15.5, 15.5, 15.5 + 227, 15.5 + 227]) + self.inset * np.array([1, 1, -1, -1])
        return Instance(f"{seed}", 0, "thing", box, points)

    def image(self, image_id):
        rng = np.random.default_rng(int(image_id) + 5000)
        image = rng.integers(110, 146, (259, 259, 3), dtype=np.uint8)
        one = self._instance(int(image_id), int(image_id) % 1000)
        y, x = np.mgrid[-16:17, -16:17]
        patterns = [128 + 127 * np.sin(x / 3), 128 + 127 * np.sin(y / 3)]
        patterns += [255.0 * (np.hypot(x, y) < 8), 255.0 * ((x + y) % 16 < 8)]
        for pattern, point in zip(patterns, one.keypoints, strict=True):
            if np.isfinite(point).all():
                col, row = point.astype(int)
                image[row - 16 : row + 17, col - 16 : col + 17] = pattern[..., None]
        return image


@pytest.fixture(scope="module")
def network():
    """A narrow CaffeNet with random weights, whose responses to 8 bits are small."""
    return narrow.network(0.02)


@pytest.fixture(scope="module", autouse=True)
def figures(own_cache):
    yield
    plt.close("all")


# --- keypoints and their features


def test_keypoints_are_numbered_instance_by_instance():
    found = keypoints.keypoints(World("a"), "thing", "train")
    assert found.names == NAMES and found.count == 12
    assert found.kind[:7].tolist() == [0, 1, 2, 0, 1, 2, 3]  # the first instance has no visible tail
    assert found.instance[:7].tolist() == [0, 0, 0, 1, 1, 1, 1]
    spread = found.spread(np.arange(len(found.kind)), -1)
    assert spread.shape == (12, 4) and spread[0].tolist() == [0, 1, 2, -1] and spread[1, 3] == 6


def test_features_are_those_at_the_keypoints(network):
    data, square = World("a"), Square()
    some = dict(data=data, network=network, category="thing", split="val", square=square)
    layer, local = (keypoints.features(feature=f, **some) for f in ("conv3", 20.0))
    sharp = keypoints.features(feature=(40.0, 12.0), **some)
    known = keypoints.keypoints(data, "thing", "val")
    assert layer.shape == (len(known.kind), 8) and local.shape == sharp.shape == (len(known.kind), 128)
    for row in (0, 5, len(known.kind) - 1):
        one = data.instances("thing", "val")[known.instance[row]]
        cut = data.image(one.image_id)[16:243, 16:243]  # the box is of 227 pixels: nothing is resampled
        x, y = one.keypoints[known.kind[row]] - 16
        maps = network.features(cut, "conv3")
        centers = network.receptive_fields["conv3"].centers(maps.shape[:2])
        nearest = np.unravel_index(((centers - (x, y)) ** 2).sum(-1).argmin(), maps.shape[:2])
        np.testing.assert_allclose(layer[row], maps[nearest], atol=1e-5)
        np.testing.assert_array_equal(local[row], sift.descriptors(cut, (x, y), radius=20))
        np.testing.assert_array_equal(sharp[row], sift.descriptors(cut, (x, y), radius=40, magnification=12))


def test_the_whole_image_can_be_the_frame(network):
    one = World("a").instances("thing", "val")[0]
    crop = Square("image", 518).crop(one, (259, 259))
    assert crop.shape == (518, 518)
    np.testing.assert_allclose(crop.points(np.array([[0, 10]])), [[0.5, 20.5]])
    some = dict(data=World("a"), network=network, category="thing", split="val", feature="conv1")
    by_box, by_image = (keypoints.features(square=Square(f), **some) for f in ("box", "image"))
    assert (by_box != by_image).mean() > 0.5


def test_a_margin_is_seen_at_the_same_scale():
    one = World("a").instances("thing", "val")[0]
    for frame in ("box", "image"):
        plain, wide = (Square(frame, 150, margin=m).crop(one, (259, 259)) for m in (0, 20))
        assert plain.shape == (150, 150) and wide.shape == (190, 190)
        np.testing.assert_allclose(wide.points(one.keypoints), plain.points(one.keypoints) + 20)
    assert Square(margin=20).digest != Square().digest


def test_linear_outputs_are_the_layer_and_the_layer_negated(network):
    data, square = World("a"), Square()
    some = dict(data=data, category="thing", split="val", square=square)
    for name, linear in keypoints.LINEAR.items():
        turned = _parameters(network)
        turned |= {f"{name}.{kind}": -turned[f"{name}.{kind}"] for kind in ("weight", "bias")}
        negated = convnet.Network("caffenet", turned, network.preprocessing, source="negated.safetensors")
        positive, negative = (keypoints.features(network=n, feature=name, **some) for n in (network, negated))
        assert (negative > 0).mean() > 0.2
        found = keypoints.features(network=network, feature=linear, **some)
        np.testing.assert_allclose(found, positive - negative, atol=1e-4)
    with pytest.raises(ValueError, match="pool5 is no convolution layer"):
        unrectified(network, "pool5", np.zeros((13, 13, 4), np.float32), np.zeros((1, 2), int))


def test_what_rectification_takes_away_is_counted(network):
    found = studies.rectification(World("a"), network, ["thing"], ["conv2", "conv5"])
    assert list(found) == ["conv5"]
    common = dict(data=World("a"), network=network, category="thing", square=Square())
    plain, linear = (
        keypoints.features(split="val", feature=name, **common) for name in ("conv5", "conv5 linear")
    )
    assert found["conv5"]["active"] == pytest.approx(100 * (plain > 0).mean())
    assert found["conv5"]["active"] == pytest.approx(100 * (linear > 0).mean())
    named = scores.classify(World("a"), network, ["thing"], ["conv5", "conv5 linear"])
    before, after = (scores.accuracy(named[name])[0] for name in ("conv5 linear", "conv5"))
    assert found["conv5"]["before"][0] == pytest.approx(before)
    assert found["conv5"]["gain"][0] == pytest.approx(before - after)
    assert before != after


def test_a_type_of_feature_has_one_scale_over_all_categories(network):
    data = World("a", categories=("thing", "other"))
    factor = keypoints.scale(data, network, feature="conv2", square=Square())
    common = dict(data=data, network=network, split="train", feature="conv2", square=Square())
    both = np.concatenate([keypoints.features(category=c, **common) for c in data.categories])
    assert metrics.rms_norm(both * factor) == pytest.approx(512, rel=1e-5)


def test_what_cannot_be_is_refused_by_name(network):
    data, square = World("a"), Square()
    some = dict(data=data, network=network, category="thing", split="val")
    with pytest.raises(ValueError, match=r"unknown layer 'conv9'.* conv1, pool1"):
        keypoints.features(feature="conv9", square=square, **some)
    with pytest.raises(ValueError, match=r"'conv5', or its receptive field is larger .* 151 pixels"):
        keypoints.features(feature="conv5", square=Square(size=151), **some)
    with pytest.raises(ValueError, match="conv3 linear"):
        keypoints.features(feature="conv2 linear", square=square, **some)
    with pytest.raises(ValueError, match="'box' or 'image', got 'crop'"):
        Square("crop")
    with pytest.raises(ValueError, match="memory: no instance of 'thing' has a visible keypoint in train"):
        keypoints.keypoints(World("empty", train=0), "thing", "train")
    with pytest.raises(ValueError, match=r"limit must be at least 1 instance, got 0"):
        fine.peaks(data, network, "thing", ["conv1"], limit=0)


def test_features_that_are_zero_throughout_are_refused(network):
    dead = {key: value.copy() for key, value in _parameters(network).items()}
    dead["conv2.weight"] *= 0
    dead["conv2.bias"] -= 1
    silent = convnet.Network("caffenet", dead, network.preprocessing, source="dead.safetensors")
    with pytest.raises(ValueError, match="'conv2' of the training set are all zero"):
        scores.classify(World("a"), silent, ["thing"], ["conv2"])


def _parameters(network):
    return {key: tensor.numpy() for key, tensor in network._tensors.items()}


# --- names, right and wrong


def test_patterns_are_named_and_cross_validation_says_so(network):
    data = World("a")
    named = scores.classify(data, network, ["thing"], ["conv1", 20.0, (40.0, 12.0)])
    assert list(named) == ["conv1", 20.0, (40.0, 12.0)]
    for (predicted,) in named.values():
        truth = np.array([np.isfinite(i.keypoints).all(1) for i in data.instances("thing", "val")])
        np.testing.assert_array_equal(predicted >= 0, truth)
    assert scores.accuracy(named[20.0])[0] == 100
    found = training.validate(data, network, ["thing"], [20.0], Cs=[1e-9, 1e-6], folds=3)
    assert scores.curve(found[20.0]).shape == (2, 1) and scores.curve(found[20.0])[1, 0] > 95


def test_names_are_those_of_a_loop_over_keypoints(network):
    data, feature = World("a"), "conv4"
    ((predicted,),) = scores.classify(data, network, ["thing"], [feature], C=1e-7).values()
    factor = keypoints.scale(data, network, feature=feature, square=Square())
    common = dict(data=data, network=network, category="thing", feature=feature, square=Square())
    known, asked = (keypoints.keypoints(data, "thing", s) for s in ("train", "val"))
    machine = svm.train(factor * keypoints.features(split="train", **common), known.kind, C=1e-7)
    values = machine.scores(factor * keypoints.features(split="val", **common))
    for row, (instance, kind) in enumerate(zip(asked.instance, asked.kind, strict=True)):
        assert predicted[instance, kind] == machine.classes[values[row].argmax()]


def test_accuracy_is_of_types_then_of_categories():
    first = np.array([[0, 1], [0, 0], [0, -1]])  # type 0: always right; type 1: one of two
    second = np.array([[1, -1], [0, -1]])  # type 0: one of two; type 1 is nowhere visible
    np.testing.assert_allclose(scores.accuracy([first, second]), [75, 50])
    estimate = scores.estimate([first, second])
    assert estimate[0] == pytest.approx(62.5) and estimate[1] <= 62.5 <= estimate[2]
    lead = scores.estimate([first, second], minus=[first, second])
    np.testing.assert_array_equal(lead, 0)


def test_left_and_right_are_merged_by_name_and_only_they():
    names = ["L_Eye", "R_Eye", "Nose", "Handle_Left_Junction", "Handle_Right_Junction", "Left_Junction"]
    merged = scores.mirrored(names)
    assert merged[0] == merged[1] and merged[3] == merged[4] and len(set(merged.tolist())) == 4
    predicted = np.array([[1, 0, 0, 4, 3, 3]])
    np.testing.assert_array_equal(scores.errors(predicted)[0], 1)
    np.testing.assert_array_equal(scores.errors(predicted, merged)[0], [0, 0, 1, 0, 0, 1])
    data = SimpleNamespace(keypoint_names=lambda category: names)
    value = studies.mirrored(data, ["thing"], {"conv1": [predicted]})["conv1"]
    assert value[0] == pytest.approx(100 * 4 / 6)


def test_confusions_are_shares_of_the_true_type():
    matrix = scores.confusion(np.array([[0, 2, -1], [1, 1, -1], [0, -1, -1]]))
    np.testing.assert_allclose(matrix, [[2 / 3, 1 / 3, 0], [0, 0.5, 0.5], [NAN] * 3])


def test_a_type_seen_once_is_wrong_in_cross_validation_and_one_never_seen_on_val(network):
    once = World("once", only={1: 4})
    (found,) = training.validate(once, network, ["thing"], [20.0], Cs=[1e-6])[20.0]
    assert (found[0, 4, 1] >= 0) and found[0, 4, 1] != 1
    never = World("never", only={1: 99})
    (named,) = scores.classify(never, network, ["thing"], [20.0])[20.0]
    assert (named[:, 1] >= 0).all() and (named[:, 1] != 1).all()
    assert scores.accuracy([named])[0] <= 75


def test_fewer_images_than_folds_and_a_single_one(network):
    three = World("three", train=3)
    few, many = (
        training.validate(three, network, ["thing"], [20.0], Cs=[1e-6], folds=n)[20.0][0] for n in (3, 5)
    )
    np.testing.assert_array_equal(few, many)
    with pytest.raises(ValueError, match=r"memory: 'thing' in train: .* 2 groups, got 5 and 1"):
        training.validate(World("single", train=1), network, ["thing"], [20.0], Cs=[1e-6])


def test_a_share_of_the_images_trains_and_a_larger_contains_a_smaller(network, monkeypatch):
    seen, train = [], svm.train
    monkeypatch.setattr(svm, "train", lambda x, y, C: seen.append(x) or train(x, y, C=C))
    data = World("shares")
    for share in (0.01, 0.5, 1.0):
        scores.classify(data, network, ["thing"], [20.0], share=share)
    rows = [{tuple(row) for row in x.tolist()} for x in seen]
    assert rows[0] < rows[1] < rows[2]
    assert len(seen[0]) in (3, 4) and len(seen[2]) == len(keypoints.keypoints(data, "thing", "train").kind)


# --- fine localisation


def test_a_classifier_of_one_pixel_patterns_peaks_at_the_keypoint(network):
    data = World("a")
    found = fine.peaks(data, network, "thing", ["conv1", 10.0, 40.0], limit=3)
    assert found.names == NAMES and len(np.unique(found.instance)) == 3
    assert found.inside.all()
    round_things = found.kind == 2  # the disc has a middle; the stripes repeat
    for feature in ("conv1", 10.0, 40.0):
        distances = found.distances(feature)[round_things]
        assert np.nanmedian(distances) <= 4
    assert np.nanmedian(found.distances(10.0)[found.kind < 3]) == 0


def test_responses_are_those_of_shifted_features(network):
    data, (one, *_) = World("a"), World("a").instances("thing", "val")
    ours = fine.peaks(data, network, "thing", ["conv3", 80.0], limit=1)
    cut = np.pad(data.image(one.image_id), [(16, 16), (16, 16), (0, 0)], mode="edge")  # the box, 32 pixels on
    points = (one.keypoints + 16)[np.isfinite(one.keypoints[:, 0])]
    (maps,) = dense_features(network, cut, ["conv3"]).values()
    for feature in ("conv3", 80.0):
        common = dict(data=data, network=network, feature=feature, square=Square())
        factor = keypoints.scale(**common)
        known = keypoints.keypoints(data, "thing", "train")
        samples = factor * keypoints.features(category="thing", split="train", **common)
        machine = svm.train(samples, known.kind)
        for n, (x, y) in enumerate(points):
            responses = np.empty((21, 21))
            for row in range(21):
                for col in range(21):
                    place = np.array([round(x) - 10 + col, round(y) - 10 + row])
                    if feature == "conv3":  # the first dense feature is centred on pixel 17
                        value = maps[place[1] - 17, place[0] - 17]
                    else:  # the point on a pixel of the image halved twice
                        cx, cy = place % 4
                        value = sift.descriptors(cut[cy:, cx:], place - (cx, cy), radius=80)
                    responses[row, col] = value @ machine.weights[:, n]
            row, col = np.unravel_index(responses.argmax(), (21, 21))
            expected = np.array([col - 10, row - 10]) + np.rint([x, y]) - [x, y]
            expected = np.full(2, NAN) if {row, col} & {0, 20} else expected
            np.testing.assert_allclose(ours.offsets[feature][n], expected)


@pytest.mark.parametrize("size", [227, 240])
def test_windows_lie_within_the_dense_features_at_any_size(network, size):
    data, square = World("tight", inset=40), Square(size=size)
    found = fine.peaks(data, network, "thing", ["conv1", "conv3"], square=square)
    scale = size / (227 - 80)
    (one, *_) = data.instances("thing", "val")
    points = ((one.keypoints - 56 + 0.5) * scale - 0.5)[:3] + 32  # of the first instance
    side = size + 64
    last = dense_features(network, np.zeros((side, side, 3), np.uint8), ["conv3"])["conv3"].shape[0] - 1 + 17
    expected = [(np.rint(p) - 10 >= 17).all() and (np.rint(p) + 10 <= last).all() for p in points]
    assert found.inside[:3].tolist() == expected and 0 < found.inside.mean() < 1
    assert np.isnan(found.offsets["conv1"][~found.inside]).all()
    np.testing.assert_allclose(found.fraction[:3], np.rint(points) - points, atol=1e-9)
    assert np.abs(found.fraction).max() > 0.1
    assert fine.peaks(World("a"), network, "thing", ["conv5"], limit=2).inside.all()


@pytest.mark.parametrize(("radius", "least"), [(40.0, 0.9998), (80.0, 0.99)])
def test_sift_at_every_pixel_is_not_rounded(rng, radius, least):
    import cv2

    image = cv2.GaussianBlur(rng.normal(size=(151, 131)), (0, 0), 5)
    image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    points = np.array([[64, 72], [65, 72], [64, 73]])
    found = fine.at_pixels(image, points, radius)
    for (x, y), row in zip(points, found, strict=True):
        slow = oracles.sift(image, x, y, radius)
        assert row @ slow / np.linalg.norm(row) / np.linalg.norm(slow) > least
    assert len(np.unique(found, axis=0)) == 3
    rounded = sift.descriptors(image, points, radius=radius)  # to two pixels, or to four
    assert len(np.unique(rounded, axis=0)) == 1


def test_peaks_on_the_border_are_dropped():
    responses = np.zeros((21, 21))
    responses[3, 17] = 1
    assert fine.highest(responses).tolist() == [3, 17]
    for place in ((0, 5), (20, 5), (7, 0), (7, 20)):
        responses[place] = 2
        assert np.isnan(fine.highest(responses)).all()
        responses[place] = 0


def test_windows_are_centred_on_the_nearest_pixel_and_the_draw_is_uniform():
    (window,) = fine.windows(np.array([[50.4, 60.6]]))
    np.testing.assert_array_equal(window[10, 10], [50, 61])
    np.testing.assert_array_equal(window[0, 20], [60, 51])
    (distances,) = fine.uniform(np.array([[-0.4, 0.4]]))
    slow = [np.hypot(x - 0.4, y + 0.4) for y in range(-9, 10) for x in range(-9, 10)]
    np.testing.assert_allclose(np.sort(distances), np.sort(slow))


def peaks(offsets, instance=(0, 0, 1, 1), inside=(True,) * 4):
    count = len(instance)
    return fine.Peaks(
        NAMES,
        np.array(instance),
        np.arange(count) % 2,
        np.array(inside),
        np.zeros((count, 2)),
        {"conv4": np.array(offsets, dtype=float)},
    )


def test_localisation_counts_what_is_near_and_what_was_dropped():
    one = peaks([[0, 1], [3, 4], [NAN, NAN], [0, 8]])
    other = peaks([[9, 9], [NAN, NAN]], instance=(0, 1), inside=(True, False))
    found = studies.localisation([one, other], ["conv4"])
    (row,) = found["features"]
    assert (found["total"], found["inside"]) == (6, 5)
    assert row["border"] == pytest.approx(20) and row["median"] == pytest.approx(6.5)
    # Instances: (1, 5), (8) and (12.7); one has no peak. Within 2, 4, 8 pixels.
    np.testing.assert_allclose(row["within"][:, 0], [100 / 6, 100 / 6, 200 / 3])
    inner = np.hypot(*np.mgrid[-9:10, -9:10]).ravel()
    np.testing.assert_allclose(found["uniform"]["within"], [100 * (inner <= r).mean() for r in (2, 4, 8)])
    assert found["uniform"]["median"] == np.median(inner)
    chance = [100 * (inner <= r).mean() for r in (2, 4, 8)]
    np.testing.assert_allclose(row["lead"][:, 0], row["within"][:, 0] - chance)


def test_histograms_count_one_keypoint():
    found = peaks([[0, 1], [3, 4], [-9, 2], [NAN, NAN]])
    counts = studies.histogram(found, "conv4", "L_Eye")  # the first and the third
    # pixels (10, 11) and (1, 12) of the window, in cells of three
    assert counts.shape == (7, 7) and counts.sum() == 2 and counts[3, 3] == 1 and counts[4, 0] == 1


# --- claims, tables, figures, the chapter


@pytest.mark.parametrize(
    ("leads", "ties", "verdict"),
    [
        ([[3, 1, 5]], False, "holds"),
        ([[3, 1, 5], [1, -1, 3]], False, "cannot be told"),
        ([[-3, -5, -1]], True, "does not hold"),
        ([[-1, -2, 0]], False, "does not hold"),
        ([[1, 0, 2]], True, "holds"),
        ([[0, -1, 1]], True, "cannot be told"),
    ],
)
def test_verdicts(leads, ties, verdict):
    assert metrics.judge(np.array(leads), ties=ties) == verdict


def test_claims_compare_what_they_say():
    right, wrong = np.tile([0, 1], (20, 1)), np.tile([1, 0], (20, 1))
    good, bad = [right], [wrong]
    named = {"conv1": bad, "conv4": good, "pool1": good, "norm1": bad, 20.0: bad, (40.0, 12.0): good}
    found = claims.classification(
        named, convnet="conv4", sift=20.0, sharp=(40.0, 12.0), early="conv1", layers=["conv1", "conv4"]
    )
    plain, sharp, deep, pooled = found.values()
    assert [one["verdict"] for one in (plain, sharp, deep)] == ["holds"] * 3
    np.testing.assert_allclose(plain["leads"], [[100, 100, 100]])
    assert plain["what"] == [f"conv4{MINUS}SIFT 20"] and sharp["what"] == [f"conv4{MINUS}SIFT 40, bin/12"]
    assert pooled["what"] == [f"conv1{MINUS}pool1", f"conv1{MINUS}norm1"]
    assert pooled["verdict"] == "does not hold"


def test_claims_of_localisation_are_of_half_the_stride_of_the_deep_layers():
    low, none, high = [-9.0, -10, -8], [0.0, -1, 1], [5.0, 4, 6]
    leads = {"conv1": high, "conv3": high, "conv5": high, 10.0: none, 20.0: low}
    found = {"features": [{"feature": f, "lead": np.array([low, none, lead])} for f, lead in leads.items()]}
    deep, local = claims.localisation(found, ["conv1", "conv3", "conv5"]).values()
    assert deep["what"] == ["conv3", "conv5"] and local["what"] == ["SIFT 10", "SIFT 20"]
    np.testing.assert_array_equal(deep["leads"], [high, high])
    assert (deep["verdict"], local["verdict"]) == ("holds", "does not hold")
    found["features"][-1]["lead"][-1] = none  # no better than chance is no tie that would do
    *_, local = claims.localisation(found, []).values()
    assert local["verdict"] == "cannot be told"


def test_table_3_has_the_papers_numbers_and_marks_the_best():
    found = {20.0: np.array([50.4, 1]), 40.0: np.array([50.0, 2]), "conv4": np.array([49, 3.0])}
    head, _, cat, mine, mean = report.table_3(found, ["cat", "unicorn"]).splitlines()
    assert head == "| category | SIFT 20 | SIFT 40 | conv 4 |"
    assert cat == "| cat | **50**<br>40 | 50<br>37 | **49**<br>55 |"
    assert mine == "| unicorn | 1 | **2** | **3** |"
    assert mean == "| **mean** | 26<br>50 | **26**<br>51 | **26**<br>56 |"


def test_the_best_are_chosen_by_their_means():
    accuracies = {"conv1": np.array([60.0, 10]), "conv4": np.array([40.0, 50]), 20.0: np.array([90.0, 90])}
    assert studies.best(accuracies, ["conv1", "conv4"]) == "conv4"
    curves = {"conv1": np.array([9.0, 5, 1]), "conv4": np.array([1.0, 8, 7]), 20.0: np.array([0.0, 0, 99])}
    assert studies.best_C(curves, [1e-7, 1e-6, 1e-5], ["conv1", "conv4"]) == 1e-6


def test_the_table_of_means_names_the_best_C():
    found = {"conv4": np.array([55.0, 54, 56])}
    found[(40.0, 12.0)] = np.array([50.0, 49, 51])
    curves = {"conv4": np.array([45.0, 52, 50.5])}
    trained = {"conv4": np.array([40.0, 50, 60]), (40.0, 12.0): np.array([30.0])}
    photos = {"conv4": [66.0, 65, 67]}
    *_, row, other = report.means(found, trained, curves, [1e-7, 1e-6, 1e-5], 1e-7, photos).splitlines()
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:2] == ["conv4", "56"] and cells[2].startswith("55.0") and cells[3].startswith("66.0")
    assert cells[4:] == ["50.0", "1e\u201106", "7.0"]
    assert other.endswith("|  | 30.0 |  |  |")


def test_the_tables_of_claims_and_of_localisation_say_what_was_found():
    found = {
        "it is so": {"what": ["a b", "c"], "leads": np.array([[1, 0.5, 2], [-1, -2, 0]]), "verdict": "holds"}
    }
    *_, row = report.verdicts(("here", found), ("there", {})).splitlines()
    assert row.startswith("| it is so | **holds**<br>a\u00a0b: +1.0\u00a0[0.5,") and row.endswith(" |  |")
    linear = {"conv5": {"active": 12.4, "before": np.array([50.0, 49, 51]), "gain": np.array([8.0, 7, 9])}}
    *_, row = report.rectification(linear, linear).splitlines()
    cells = [cell.strip().split("\u00a0")[0] for cell in row.strip("|").split("|")]
    assert cells == ["conv5", "12", "50.0", "+8.0", "12", "+8.0"]
    assert report.rectification(linear, {}).endswith("|  |  |")
    located = studies.localisation([peaks([[0, 1], [3, 4], [NAN, NAN], [0, 8]])], ["conv4"])
    *_, mine, drawn = report.localisation(located).splitlines()
    assert mine.startswith("| conv4 | 25.0 | 5.0 | 25\u00a0[") and drawn.startswith(
        "| uniform draw |  | 7.6 | 4 | 14 |"
    )


def test_figures_show_what_they_are_given(rng):
    figure = plots.validation(
        [1e-7, 1e-6], {"a": {"conv1": np.array([1.0, 2])}, "b": {"conv2": np.array([3.0, 4])}}, mark=1e-6
    )
    lines = figure.axes[0].lines
    np.testing.assert_array_equal(lines[0].get_ydata(), [1, 2])
    assert lines[1].get_xdata() == [1e-6, 1e-6] and figure.axes[1].get_title() == "(b) b"
    counts = rng.integers(0, 4, (7, 7)).astype(float)
    figure = plots.peaks(
        {"Nose": {"conv4": counts, "SIFT 10": counts}, "Tail": {"conv4": counts, "SIFT 10": counts}}
    )
    assert len(figure.axes) == 4 and figure.axes[0].get_title() == "conv4"
    np.testing.assert_array_equal(figure.axes[3].images[0].get_array(), counts)
    figure = plots.confusions({"conv4": np.eye(3)}, ["a", "b", "c"])
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), 100 * np.eye(3))
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]


def test_the_chapter_names_its_tier_in_every_caption():
    text = (ROOT / "book" / "classification.py").read_text()
    captions = re.findall(r"# :::\{table\} (.*)\n", text)
    captions += re.findall(r"# :alt: .*\n#\n# (.*)\n", text)
    assert len(captions) == 11 and all("{glue:text}`tier`" in caption for caption in captions)
    assert all(len(cell.source) > 0 for cell in jupytext.reads(text, "py:percent").cells)


def test_real_photographs_agree_with_an_independent_trial(real):
    """Ducks and faces of the photographs beside the project, as its README has them, to a few points."""
    data, network = open_dataset(real), convnet.load(real / "weights" / "bvlc_alexnet_conv_int8.npz")
    data.__dict__["categories"] = ("duck",)  # the others take minutes
    found = scores.classify(data, network, ["duck"], ["conv1", "conv4", 20.0])
    accuracy = {feature: scores.accuracy(one)[0] for feature, one in found.items()}
    assert accuracy["conv4"] > accuracy[20.0] > accuracy["conv1"]
    assert (
        abs(accuracy["conv4"] - 78) < 5 and abs(accuracy[20.0] - 55) < 5 and abs(accuracy["conv1"] - 27) < 6
    )
