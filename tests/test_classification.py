"""The classification experiment: its parts against loops and closed forms, and whole on small datasets."""

import re
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

import narrow
from corrlib import convnet, metrics, sift, svm
from corrlib.convnet.dense import dense_features
from corrlib.data import Instance, crops, open_dataset
from corrlib.experiments.classification import Settings, evaluation, features, proximity, responses, training
from corrlib.experiments.classification.settings import Sampling
from corrlib.publishing import plots, tables
from corrlib.sift import SCALE_SPACE, Sift

pytestmark = pytest.mark.usefixtures("own_cache")

NAMES = ("L_Eye", "Nose", "R_Eye", "Tail")
NAN = np.nan
SETTINGS = Settings(categories=["thing"])
TYPES = replace(SETTINGS, average="types")
BOX, RECTIFIED = Sampling("box", 227), replace(SETTINGS, rectified=True)
SIFT = Sift(20.0)
SMOOTH = Sift(40.0, SCALE_SPACE)


@dataclass(eq=False)
class Patterns:
    """A dataset in memory: at each keypoint of an image is a pattern of its own, before noise."""

    digest: str
    train: int = 12
    val: int = 6
    only: dict = field(default_factory=dict)  # type of keypoint -> the one training object that shows it
    root: str = "memory"
    name: str = "figurines"
    categories: tuple = ("thing",)
    inset: int = 0  # by how much the box is too small on each side

    def keypoint_names(self, category):
        return NAMES

    def instances(self, category, split):
        first = 0 if split == "train" else 1000
        return [self._instance(first + n) for n in range(getattr(self, split))]

    def _instance(self, seed):
        number, rng = seed % 1000, np.random.default_rng(seed)
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
        y, x = np.mgrid[-16:17, -16:17]
        patterns = [128 + 127 * np.sin(x / 3), 128 + 127 * np.sin(y / 3)]
        patterns += [255.0 * (np.hypot(x, y) < 8), 255.0 * ((x + y) % 16 < 8)]
        for pattern, point in zip(patterns, self._instance(int(image_id)).keypoints, strict=True):
            if np.isfinite(point).all():
                col, row = point.astype(int)
                image[row - 16 : row + 17, col - 16 : col + 17] = pattern[..., None]
        return image


DATA = Patterns("a")


@pytest.fixture(scope="module")
def network():
    """A narrow CaffeNet with random weights, whose responses to 8 bits are small."""
    return narrow.network(0.02)


def at(network, feature, split="val", *, data=DATA, sampling=BOX):
    """The feature at each keypoint of a split."""
    return features.features(data, network, "thing", split, feature=feature, sampling=sampling)


# --- keypoints and their features


def test_keypoints_are_numbered_object_by_object_and_tables_have_those_of_each_image():
    known = features.keypoints(DATA, "thing", "train")
    assert known.visible.shape == (12, 4)
    assert known.kind[:7].tolist() == [0, 1, 2, 0, 1, 2, 3]  # the first object has no visible tail
    assert known.image[:7].tolist() == [0, 0, 0, 1, 1, 1, 1]
    objects = [SimpleNamespace(image_id=name) for name in ("b", "a", "a")]
    known = features.Keypoints(objects, np.array([[True, False], [True, True], [False, True]]), None)
    assert known.by_image(np.arange(4)).tolist() == [[[1, 2], [-1, 3]], [[0, -1], [-1, -1]]]


def test_features_are_those_at_the_keypoints(network):
    layer, plain, smooth = (at(network, feature) for feature in ("conv3", SIFT, SMOOTH))
    objects, kinds = np.nonzero(features.keypoints(DATA, "thing", "val").visible)
    assert layer.shape == (len(kinds), 8) and plain.shape == smooth.shape == (len(kinds), 128)
    for row in (0, 5, len(kinds) - 1):
        instance = DATA.instances("thing", "val")[objects[row]]
        crop = DATA.image(instance.image_id)[16:243, 16:243]  # the box has 227 pixels: nothing is resampled
        x, y = instance.keypoints[kinds[row]] - 16
        maps = network.features(crop, "conv3")
        centers = network.receptive_fields["conv3"].centers(maps.shape[:2])
        nearest = np.unravel_index(((centers - (x, y)) ** 2).sum(-1).argmin(), maps.shape[:2])
        np.testing.assert_allclose(layer[row], maps[nearest], atol=1e-5)
        np.testing.assert_array_equal(plain[row], sift.descriptors(crop, (x, y), bin_size=20))
        expected = sift.descriptors(crop, (x, y), bin_size=40, smoothing=SCALE_SPACE)
        np.testing.assert_array_equal(smooth[row], expected)


def test_crops_are_of_the_box_or_of_the_whole_image_and_a_margin_is_at_the_same_scale(network):
    instance = DATA.instances("thing", "val")[0]
    crop = Sampling("image", 518).crop(instance, (259, 259))
    assert crop.shape == (518, 518)
    np.testing.assert_allclose(crop.points(np.array([[0, 10]])), [[0.5, 20.5]])
    box, image = (at(network, "conv1", sampling=Sampling(frame, 227)) for frame in ("box", "image"))
    assert (box != image).mean() > 0.5
    given = dict(data=DATA, network=network, feature="conv1")
    box, image = (features.scale(**given, sampling=Sampling(frame, 227)) for frame in ("box", "image"))
    assert box == image, "the norm is that in boxes"
    for frame in ("box", "image"):
        plain, wide = (Sampling(frame, 150).crop(instance, (259, 259), margin) for margin in (0, 20))
        assert plain.shape == (150, 150) and wide.shape == (190, 190)
        np.testing.assert_allclose(wide.points(instance.keypoints), plain.points(instance.keypoints) + 20)


def test_outputs_before_rectification_are_the_layer_less_the_layer_negated(network):
    for name in ("conv1", "conv2", "conv5"):
        turned = narrow.parameters()
        turned |= {f"{name}.{kind}": -turned[f"{name}.{kind}"] for kind in ("weight", "bias")}
        negated = convnet.AlexNet("caffenet", turned, network.preprocessing, source="negated.safetensors")
        positive, negative = at(network, name), at(negated, name)
        assert (negative > 0).mean() > 0.2
        before = at(network, name, sampling=BOX._replace(rectified=False))
        np.testing.assert_allclose(before, positive - negative, atol=1e-4)
    for name in ("pool5", "conv5 linear"):
        before = at(network, name, sampling=BOX._replace(rectified=False))
        np.testing.assert_array_equal(before, at(network, name))


def test_what_rectification_loses_is_measured(network):
    lost = evaluation.rectification(DATA, network, replace(SETTINGS, layers=["conv2", "conv5", "pool5"]))
    assert list(lost) == ["conv2", "conv5"]
    assert lost["conv5"]["active"] == pytest.approx(100 * (at(network, "conv5") > 0).mean())
    predicted = evaluation.classify(DATA, network, RECTIFIED, ["conv5", "conv5 linear"])
    after, before = (evaluation.mean_accuracy(each, SETTINGS) for each in predicted.values())
    np.testing.assert_array_equal(lost["conv5"]["linear"], before)
    np.testing.assert_array_equal(lost["conv5"]["rectified"], after)
    assert lost["conv5"]["gain"][0] == pytest.approx(before[0] - after[0]) and before[0] != after[0]


def test_a_type_of_feature_has_one_scale_over_all_categories(network):
    data, take = Patterns("a", categories=("thing", "other")), dict(feature="conv2", sampling=BOX)
    each = [features.features(data, network, name, "train", **take) for name in data.categories]
    norm = metrics.rms_norm(np.concatenate(each) * features.scale(data, network, **take))
    assert norm == pytest.approx(512, rel=1e-5)


def test_bad_input_is_refused_by_name(network):
    dead = narrow.parameters()
    dead["conv2.weight"] *= 0
    dead["conv2.bias"] -= 1
    silent = convnet.AlexNet("caffenet", dead, network.preprocessing, source="dead.safetensors")
    empty, single = Patterns("empty", train=0), Patterns("single", train=1)
    for call, message in (
        (lambda: at(network, "conv9"), "unknown layer 'conv9'.* conv1, pool1"),
        (lambda: at(network, "conv5", sampling=BOX._replace(size=151)), "field is larger .* 151 pixels"),
        (lambda: at(network, "pool2 linear"), "unknown layer 'pool2 linear'.* conv2 linear"),
        (lambda: Settings(frame="crop"), "'box' or 'image', got 'crop'"),
        (lambda: Settings(average="objects"), "average must be 'keypoints' or 'types', got 'objects'"),
        (lambda: Settings(size=0), "size of object crops must be at least 1, got 0"),
        (lambda: features.keypoints(empty, "thing", "train"), "memory: no object of 'thing' .* in train"),
        (lambda: responses.category_peaks(DATA, network, SETTINGS, "thing", 0), "at least 1 object, got 0"),
        (lambda: evaluation.classify(DATA, silent, RECTIFIED, ["conv2"]), "'conv2' .* training .* all zero"),
        (lambda: training.cross_validate(single, network, SETTINGS, [SIFT], Cs=[1]), "in train: .* 2 gr"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_settings_are_completed_by_the_dataset(network):
    data = Patterns("many", categories=tuple(f"{n:02d}" for n in range(20)))
    settings = Settings(C=3e-6, others=3, chosen=4).resolve(data, network)
    assert settings.average == "keypoints" and settings.shown == "00"
    assert settings.Cs == [1e-8, 1e-7, 1e-6, 3e-6, 1e-5, 1e-4]
    assert len(settings.validated_categories) == 4 and len(settings.other_categories) == 3
    assert "00" in settings.validated_categories and "00" not in settings.other_categories
    assert Settings(category="07", shown="cat").resolve(data, network).categories == ("07",)
    assert [str(f) for f in settings.features[:6:5]] == ["SIFT 10", "conv1"]
    assert settings.smoothed[2] == SMOOTH and str(SMOOTH) == "SIFT 40, smoothed"


# --- keypoints classified


def test_patterns_are_recognised_and_cross_validation_agrees(network):
    predicted = evaluation.classify(DATA, network, SETTINGS, ["conv1", SIFT, SMOOTH])
    assert list(predicted) == ["conv1", SIFT, SMOOTH]
    truth = np.array([np.isfinite(i.keypoints).all(1) for i in DATA.instances("thing", "val")])
    for (table,) in predicted.values():
        np.testing.assert_array_equal(table >= 0, truth[:, None])
    assert evaluation.accuracy(predicted[SIFT], SETTINGS)["thing"].tolist() == [100, 100, 100]
    settings = replace(SETTINGS, layers=["conv1"], radii=[20.0], Cs=[1e-9, 1e-6], folds=3, shown="thing")
    trained, curves = evaluation.validate(DATA, network, settings)
    assert list(curves) == list(trained) == [SIFT, "conv1"]
    assert curves[SIFT].shape == (2,) and curves[SIFT][1] > 95 and trained[SIFT].shape == (1,)


def test_predictions_are_of_the_highest_score(network):
    settings = replace(RECTIFIED, C=1e-7)
    ((predicted,),) = evaluation.classify(DATA, network, settings, ["conv4"]).values()
    factor = features.scale(DATA, network, feature="conv4", sampling=BOX)
    train, val = (factor * at(network, "conv4", split) for split in ("train", "val"))
    classifier = svm.train(train, features.keypoints(DATA, "thing", "train").kind, C=1e-7)
    best = classifier.classes[classifier.scores(val).argmax(axis=1)]
    np.testing.assert_array_equal(predicted[:, 0][features.keypoints(DATA, "thing", "val").visible], best)


@pytest.mark.parametrize(("average", "expected"), [("keypoints", [80, 50]), ("types", [75, 50])])
def test_accuracy_is_averaged_over_keypoints_or_types_then_over_categories(average, expected):
    # Type 0: always right; type 1: one of two. Two objects of an image, and one of another.
    first = np.array([[[0, 1], [0, 0]], [[0, -1], [-1, -1]]])
    second = np.array([[[1, -1]], [[0, -1]]])  # type 0: one of two; type 1 is nowhere visible
    settings = replace(SETTINGS, average=average, categories=["a", "b"])
    by_category = evaluation.accuracy([first, second], settings)
    assert {name: value[0] for name, value in by_category.items()} == dict(zip("ab", expected, strict=True))
    value, low, high = evaluation.mean_accuracy([first, second], settings)
    assert value == pytest.approx(np.mean(expected)) and low < value < high
    same = evaluation.mean_accuracy([first, second], settings, minus=[first, second])
    np.testing.assert_array_equal(same, 0)


def test_confusions_are_shares():
    matrix = evaluation.confusion(np.array([[[0, 2, -1], [1, 1, -1]], [[0, -1, -1], [-1, -1, -1]]]))
    np.testing.assert_allclose(matrix, [[2 / 3, 1 / 3, 0], [0, 0.5, 0.5], [NAN] * 3])


def test_left_and_right_are_merged_by_name_and_only_they():
    names = ["L_Eye", "R_Eye", "Nose", "Handle_Left_Junction", "Handle_Right_Junction", "Left_Junction"]
    merged = evaluation.mirrored(names)
    assert merged[0] == merged[1] and merged[3] == merged[4] and len(set(merged.tolist())) == 4
    predicted = np.array([[[1, 0, 0, 4, 3, 3]]])
    np.testing.assert_array_equal(evaluation.errors(predicted, TYPES), np.ones((1, 1, 6)))
    np.testing.assert_array_equal(evaluation.errors(predicted, TYPES, merged), [[[0, 0, 1, 0, 0, 1]]])
    data = SimpleNamespace(keypoint_names=lambda category: names)
    value = evaluation.merged_accuracy(data, SETTINGS, [predicted])
    assert value[0] == pytest.approx(100 * 4 / 6)


def test_a_type_without_training_examples_is_classified_wrongly(network):
    once = Patterns("once", only={1: 4})
    (table,) = training.cross_validate(once, network, SETTINGS, [SIFT], Cs=[1e-6])[SIFT]
    kinds = table[..., 1]
    assert (kinds >= 0).sum() == 1 and kinds.max() != 1
    never = Patterns("never", only={1: 99})
    (table,) = evaluation.classify(never, network, SETTINGS, [SIFT])[SIFT]
    assert (table[..., 1] >= 0).all() and (table[..., 1] != 1).all()
    assert evaluation.mean_accuracy([table], TYPES)[0] <= 75


def test_a_share_of_the_images_is_used_and_a_larger_contains_a_smaller(network, monkeypatch):
    seen, train = [], svm.train
    monkeypatch.setattr(svm, "train", lambda x, y, C: seen.append(x) or train(x, y, C=C))
    data = Patterns("shares")
    for share in (0.01, 0.5, 1.0):
        evaluation.classify(data, network, SETTINGS, [SIFT], share=share)
    rows = [{tuple(row) for row in x.tolist()} for x in seen]
    assert rows[0] < rows[1] < rows[2]
    assert len(seen[0]) in (3, 4) and len(seen[2]) == len(features.keypoints(data, "thing", "train").kind)


def test_the_best_are_chosen_by_their_means():
    settings = Settings(layers=["conv1", "conv4"], radii=[20.0, 40.0])
    accuracies = {"conv1": [60, 10], "conv4": [40, 50], SIFT: [90, 90], Sift(40.0): [91, 80]}
    best = evaluation.best_features({f: np.array(value) for f, value in accuracies.items()}, settings)
    assert best == {"convnet": "conv4", "sift": SIFT, "early": "conv1"}
    curves = [np.array([9.0, 5, 1]), np.array([1.0, 8, 7])]
    assert evaluation.best_C(curves, [1e-7, 1e-6, 1e-5]) == 1e-6


# --- fine localisation


def test_peaks_of_two_objects_of_an_image_are_of_one_image(network, monkeypatch):
    first, other = DATA.instances("thing", "val")[:2]  # three and four keypoints are visible
    monkeypatch.setattr(crops, "objects", lambda *args: [other, first, other])
    settings = replace(SETTINGS, layers=[], radii=[10.0])
    peaks = responses.category_peaks(Patterns("twins"), network, settings, "thing")
    assert sorted(zip(peaks.image, peaks.kind, strict=True)) == sorted(
        [(0, k) for k in (0, 1, 2)] + 2 * [(1, k) for k in (0, 1, 2, 3)]
    )


def test_responses_are_those_of_shifted_features(network):
    (instance, *_) = DATA.instances("thing", "val")
    settings = replace(SETTINGS, layers=["conv3"], radii=[80.0])
    before = settings.sampling
    peaks = responses.category_peaks(DATA, network, settings, "thing", 1)
    wide = np.pad(DATA.image(instance.image_id), [(16, 16), (16, 16), (0, 0)], mode="edge")  # the margin
    points = (instance.keypoints + 16)[np.isfinite(instance.keypoints[:, 0])]
    maps = dense_features(network, wide, ["conv3 linear"])["conv3 linear"]

    def described(feature, place):
        if feature == "conv3":  # the first dense feature is centred on pixel 17
            return maps[place[1] - 17, place[0] - 17]
        return sift.descriptors(wide, place, bin_size=80)

    for feature in settings.features:
        factor = features.scale(DATA, network, feature=feature, sampling=before)
        rows = factor * at(network, feature, "train", sampling=before)
        classifier = svm.train(rows, features.keypoints(DATA, "thing", "train").kind)
        for n, point in enumerate(points):
            values = np.empty((21, 21))
            for row, col in np.ndindex(21, 21):
                place = np.rint(point).astype(int) + np.array([col - 10, row - 10])
                values[row, col] = described(feature, place) @ classifier.weights[:, n]
            row, col = np.unravel_index(values.argmax(), (21, 21))
            expected = np.array([col - 10, row - 10]) + np.rint(point) - point
            expected = np.full(2, NAN) if {row, col} & {0, 20} else expected
            np.testing.assert_allclose(peaks.offsets[feature][n], expected)


@pytest.mark.parametrize("size", [227, 240])
def test_windows_lie_within_the_dense_features_at_any_size(network, size):
    data = Patterns("tight", inset=40)
    settings = replace(SETTINGS, layers=["conv1", "conv3"], radii=[], size=size)
    peaks = responses.category_peaks(data, network, settings, "thing")
    (instance, *_) = data.instances("thing", "val")
    points = ((instance.keypoints - 56 + 0.5) * size / (227 - 80) - 0.5)[:3] + 32
    side = size + 64
    last = dense_features(network, np.zeros((side, side, 3), np.uint8), ["conv3"])["conv3"].shape[0] - 1 + 17
    expected = [(np.rint(p) - 10 >= 17).all() and (np.rint(p) + 10 <= last).all() for p in points]
    assert peaks.inside[:3].tolist() == expected and 0 < peaks.inside.mean() < 1
    assert np.isnan(peaks.offsets["conv1"][~peaks.inside]).all()
    np.testing.assert_allclose(peaks.fraction[:3], np.rint(points) - points, atol=1e-9)
    assert np.abs(peaks.fraction).max() > 0.1


def test_windows_are_centred_on_the_nearest_pixel_and_peaks_on_their_border_dropped():
    (window,) = responses.windows(np.array([[50.4, 60.6]]))
    np.testing.assert_array_equal(window[[10, 0], [10, 20]], [[50, 61], [60, 51]])
    (distances,) = proximity.uniform(np.array([[-0.4, 0.4]]))
    slow = [np.hypot(x - 0.4, y + 0.4) for y in range(-9, 10) for x in range(-9, 10)]
    np.testing.assert_allclose(np.sort(distances), np.sort(slow))
    values = np.zeros((21, 21))
    values[3, 17] = 1
    assert responses.highest(values).tolist() == [3, 17]
    for place in ((0, 5), (20, 5), (7, 0), (7, 20)):
        values[place] = 2
        assert np.isnan(responses.highest(values)).all()
        values[place] = 0


def peaks_at(offsets, image=(0, 0, 1, 1), inside=(True,) * 4):
    kinds, offsets = np.arange(len(image)) % 2, {"conv4": np.array(offsets, dtype=float)}
    fraction = np.zeros((len(image), 2))
    return responses.Peaks(NAMES, np.array(image), kinds, np.array(inside), fraction, offsets)


def test_localisation_counts_what_is_near_and_what_was_dropped():
    first = peaks_at([[0, 1], [3, 4], [NAN, NAN], [0, 8]])
    second = peaks_at([[9, 9], [NAN, NAN]], image=(0, 1), inside=(True, False))
    located = proximity.localisation([first, second])
    row = located["features"]["conv4"]
    assert (located["total"], located["inside"]) == (6, 5)
    assert row["border"] == pytest.approx(20) and row["kept"] == 4 and row["median"] == pytest.approx(6.5)
    # Images: (1, 5), (8) and (12.7); one has no peak. Within 2, 4, 8 pixels.
    np.testing.assert_allclose(row["within"][:, 0], [100 / 6, 100 / 6, 200 / 3])
    inner = np.hypot(*np.mgrid[-9:10, -9:10]).ravel()
    chance = [100 * (inner <= r).mean() for r in (2, 4, 8)]
    np.testing.assert_allclose(located["uniform"]["within"], chance)
    assert located["uniform"]["median"] == np.median(inner)
    np.testing.assert_allclose(row["difference"][:, 0], row["within"][:, 0] - chance)
    nothing = proximity.localisation([peaks_at([[NAN, NAN]], image=(0,), inside=(True,))])
    row, _ = tables.localisation(nothing)
    assert list(row.values()) == ["conv4", 100, 0, None, None, None, None]


def test_histograms_are_of_one_keypoint_and_of_all_categories():
    first, other = (
        peaks_at([[0, 1], [3, 4], [-9, 2], [NAN, NAN]]),
        peaks_at([[0, 1], [0, 1]], image=(0, 0), inside=(True, False)),
    )
    settings = Settings(layers=["conv4"], radii=[], pointed=["L_Eye", "Horn"])
    histograms = proximity.histograms([first, other], settings)
    assert list(histograms) == ["L Eye\nn = 2", "categories\nn = 5"]  # the first and the third
    # pixels (10, 11) and (1, 12) of the window, in cells of three
    percent, pooled = (each["conv4"] for each in histograms.values())
    assert percent.shape == (7, 7) and percent.sum() == 100 and percent[3, 3] == percent[4, 0] == 50
    # (25 + 100) / 2: the one with a window, and the mean of the categories, not of the windows
    assert pooled[3, 3] == 62.5 and pooled[4, 4] == pooled[4, 0] == 12.5 and pooled.sum() == 87.5
    names = [key.split("\n")[0] for key in proximity.histograms([first], replace(settings, pointed=[]))]
    assert names == ["L Eye", "Nose", "categories"]


# --- claims, tables, figures


def test_claims_compare_what_they_say():
    right, wrong = [np.tile([0, 1], (20, 1, 1))], [np.tile([1, 0], (20, 1, 1))]
    predicted = {"conv1": wrong, "conv4": right, "pool1": right, "norm1": wrong, SIFT: wrong}
    settings = Settings(layers=["conv1", "conv4"], radii=[20.0, 40.0])
    best = {"convnet": "conv4", "sift": SIFT, "early": "conv1"}
    near = np.array([[-9.0, -10, -8], [0.0, -1, 1], [5.0, 4, 6]])
    peaks = {"conv4": near, SIFT: near[::-1], Sift(40.0): [None] * 3}
    located = {"features": {feature: {"difference": each} for feature, each in peaks.items()}}
    found = evaluation.differences(predicted, best, located, settings)
    assert {claim: [(label, value[0]) for label, value in each] for claim, each in found.items()} == {
        "conv-as-good-as-sift": [("conv4 \u2212 SIFT 20", 100)],
        "conv4-conv5-best": [("conv4 \u2212 conv1", 100)],
        "conv-over-pool-and-norm": [("conv1 \u2212 pool1", -100), ("conv1 \u2212 norm1", 0)],
        "conv-peaks-near": [("conv4", 5)],  # within 8 pixels
        "sift-peaks-near": [("SIFT 20", -9)],
    }
    few = evaluation.differences(predicted, best | {"early": "conv4"}, located, Settings(layers=[], radii=[]))
    assert list(few) == ["conv-as-good-as-sift"]


def test_table_3_has_the_papers_numbers_and_marks_the_best():
    values = {SIFT: (50.4, 1), Sift(40.0): (50.0, 2), "conv4": (49, 3.0)}

    def naming(other):
        by_category = {f: {"cat": np.full(3, a), other: np.full(3, b)} for f, (a, b) in values.items()}
        return [list(row.values()) for row in tables.naming(by_category)]

    cat, unicorn, mean = naming("unicorn")  # not published, nor is a mean that has it
    assert cat == ["cat", "**50**<br>40", "50<br>37", "**49**<br>55"]
    assert unicorn == ["unicorn", "1", "**2**", "**3**"]
    assert mean == ["**mean**", "26", "**26**", "**26**"]
    assert naming("dog")[2] == ["**mean**", "26<br>39.0", "**26**<br>36.5", "**26**<br>53.0"]


def test_the_tables_of_means_and_of_rectification():
    settings = Settings(C=1e-7, Cs=[1e-7, 1e-6, 1e-5])
    means = {"conv4": [55.0, 54, 56], SMOOTH: [50.0, 49, 51]}
    photos = {"categories": ["cat", "dog"], "means": {"conv4": [66.0, 65, 67]}}
    trained = {"conv4": np.array([40.0, 50, 60]), SMOOTH: np.array([30.0])}
    rows = tables.naming_means(means, trained, {"conv4": np.array([45.0, 52, 50.5])}, settings, photos)
    row, other = (list(each.values()) for each in rows)
    assert row == ["conv4", "56", [55.0, 54, 56], "53.0", [66.0, 65, 67], 50, "1e\u201106", 7]
    assert other == ["SIFT 40, smoothed", None, [50.0, 49, 51], None, None, 30, None, None]
    before, after = [50.0, 49, 51], [40.5, 0, 0]
    lost = {"conv5": {"active": 12.4, "linear": before, "rectified": after, "gain": [8.0, 7, 9]}}
    photos = {"categories": ["cat", "dog"], "rectification": lost}
    (row,) = tables.rectification(lost, photos)  # 53 and 50 are published
    assert list(row.values()) == ["conv5", 12.4, before, [8.0, 7, 9], "51.5", before, after]
    assert list(tables.rectification({}, photos)[0].values()) == ["none", *[None] * 6]
    assert re.findall(r"\d+\.\d", tables.rectification_in_words(photos)) == ["1.5", "11.0"]


def test_figures_show_what_they_are_given(rng):
    settings = Settings(layers=["conv1"], radii=[20.0], Cs=[1e-6])
    plots.validation(settings, {"conv1": np.ones(1), SIFT: np.ones(1)})  # a single C: without a warning
    percent = rng.integers(0, 4, (7, 7)).astype(float)
    rows = {"Nose": {"conv4": 0 * percent, SIFT: percent}, "Tail": {"conv4": percent / 2, SIFT: percent}}
    *histograms, bar = plots.peaks(rows, {"conv4": 16}).axes
    assert len(histograms) == 4 and histograms[1].get_title() == "SIFT 20"
    np.testing.assert_array_equal(histograms[3].images[0].get_array(), percent)
    assert {axes.images[0].get_clim() for axes in histograms} == {(0, 3)} and bar.get_ylim()[1] == 3
    assert [len(axes.patches) for axes in histograms] == [1, 0, 1, 0]
    (box,) = histograms[0].patches
    assert box.get_bbox().extents.tolist() == [-8, -8, 8, 8]
    figure = plots.confusions({"conv4": np.eye(3)}, ["a", "b", "c"])
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), 100 * np.eye(3))


def test_real_photographs_agree_with_an_independent_trial(real):
    """Ducks of the photographs beside the project, as its README has them, to a few points."""
    data, network = open_dataset(real), convnet.load(real / "weights" / "bvlc_alexnet_conv_int8.npz")
    data.__dict__["categories"] = ("duck",)  # the others take minutes
    settings = replace(RECTIFIED, categories=["duck"])
    predicted = evaluation.classify(data, network, settings, ["conv1", "conv4", Sift(10.0, SCALE_SPACE)])
    conv1, conv4, sift = (evaluation.mean_accuracy(each, TYPES)[0] for each in predicted.values())
    assert conv4 > sift > conv1
    assert abs(conv4 - 78) < 5 and abs(sift - 55) < 5 and abs(conv1 - 27) < 6
