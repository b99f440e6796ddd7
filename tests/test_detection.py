"""Detection: rules against loops over the grid, probabilities against the formulas, the far tails of both."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from corrlib import convnet, detection, sift
from corrlib.geometry import ReceptiveField

NAN = np.nan
FIELD, SHAPE = ReceptiveField(size=35, stride=8, center=5.0), (11, 13)
# On the grid, between, on the edge of a field, outside near and far, invisible.
POINTS = [[45, 37], [40.2, 61.9], [62.5, 22.5], [-9, 20], [-90, 300], [NAN, NAN], [101, 85], [NAN, 4]]
KEYPOINTS = np.array(POINTS, float).reshape(4, 2, 2)


def each(labels):
    """Every label with its keypoint and the centre of its feature."""
    for k, n, row, col in np.ndindex(labels.shape):
        yield labels[k, n, row, col], KEYPOINTS[n, k], (5 + 8 * col, 5 + 8 * row)


def test_windows_of_conv5_are_the_papers():
    field = detection.windows(convnet.receptive_fields("caffenet")["conv5"], 3)
    assert (field.size, field.stride) == (195, 16)
    assert field.center == 17  # around every unit, those on the border too
    with pytest.raises(ValueError, match="odd"):
        detection.windows(field, 2)


def test_examples_of_convnet_features():
    labels = detection.labels_by_field(KEYPOINTS, FIELD, SHAPE, count=7)
    assert labels.dtype == np.int8
    distances = {}
    for _, (x, y), (u, v) in each(labels):
        distances.setdefault((x, y), []).append(math.hypot(x - u, y - v))
    for label, (x, y), (u, v) in each(labels):
        if math.isnan(x) or math.isnan(y):
            assert label == 0
            continue
        sees = abs(x - u) <= 17.5 and abs(y - v) <= 17.5
        rank = sorted(distances[x, y])[7 - 1]
        close = math.hypot(x - u, y - v)
        if not sees:
            assert label == -1
        elif close != rank:
            assert label == (1 if close < rank else 0)
    seen = np.isfinite(KEYPOINTS).all(axis=-1).T
    inside = seen & (KEYPOINTS > -5).all(axis=-1).T & (KEYPOINTS < 105).all(axis=-1).T
    assert ((labels == 1).sum(axis=(2, 3))[inside] == 7).all()


def test_ten_positives_is_the_papers_number():
    one = np.array([[[250.0, 250.0]]])
    labels = detection.labels_by_field(one, ReceptiveField(195, 16, 17.0), (30, 30))
    assert (labels == 1).sum() == 10


def test_examples_of_sift():
    labels = detection.labels_by_distance(KEYPOINTS, FIELD, SHAPE)
    for label, (x, y), (u, v) in each(labels):
        distance = math.hypot(x - u, y - v)
        expected = 1 if distance <= 16 else -1 if distance >= 32 else 0
        assert label == (0 if math.isnan(distance) else expected)
    assert (labels == 1).any() and (labels[labels != 1] == 0).any()
    # At exactly 16 and 32 pixels: (45, 37) is a place of the grid.
    assert labels[0, 0, 4, 5 + 2] == 1 and labels[0, 0, 4, 5 + 3] == 0 and labels[0, 0, 4, 5 - 4] == -1


def test_the_prior_is_a_gaussian_around_the_neighbours_keypoint():
    found = detection.log_prior(KEYPOINTS, FIELD, SHAPE, sigma=22.0)
    for (n, k, row, col), value in np.ndenumerate(found):
        x, y = KEYPOINTS[n, k]
        squared = (x - 5 - 8 * col) ** 2 + (y - 5 - 8 * row) ** 2
        assert value == pytest.approx(0 if math.isnan(squared) else -squared / (2 * 22**2))
    with pytest.raises(ValueError, match="sigma"):
        detection.log_prior(KEYPOINTS, FIELD, SHAPE, sigma=0)


def test_the_prior_does_not_underflow():
    far = np.array([[[1e6, 0.0]]])
    assert np.exp(-((1e6 / 22) ** 2) / 2) == 0
    found = detection.log_prior(far, FIELD, SHAPE)[0, 0]
    assert np.isfinite(found).all() and (np.diff(found, axis=1) > 0).all()


@given(s=st.floats(0.01, 0.99), p=st.floats(0.01, 1), eta=st.floats(0, 1), slope=st.floats(0.2, 9))
def test_combination_is_the_papers_formula(s, p, eta, slope):
    score = np.full((1, 1, 1, 1), (math.log(s / (1 - s)) - 0.3) / slope)
    log_s = detection.log_probability(score, [slope], [0.3])
    np.testing.assert_allclose(np.exp(log_s), s, rtol=1e-9)
    found = detection.combine(log_s, np.full((1, 1, 1, 1), math.log(p)), eta)
    np.testing.assert_allclose(np.exp(found), s ** (1 - eta) * p**eta, rtol=1e-9)


def test_combination_far_in_both_tails():
    scores = np.array([[[[-1e4, -1e4 + 1, -9e3]]]])
    log_s = detection.log_probability(scores, [2.0], [0.0])
    np.testing.assert_allclose(log_s, 2 * scores)
    prior = np.array([[[[-1e6, -1e6 - 10, -2e6]]]])
    assert detection.combine(log_s, prior, 0.1).argmax() == 1  # 0.9 * 2 gained, 0.1 * 10 lost
    assert detection.combine(log_s, prior, 0).argmax() == 2
    assert detection.combine(log_s, prior, 1).argmax() == 0
    with pytest.raises(ValueError, match="eta"):
        detection.combine(log_s, prior, 1.5)


def test_the_logistic_is_the_most_likely(rng):
    positive = np.arange(500) < 60
    scores = rng.normal(np.where(positive, 1.5, -1), 1)
    slope, offset = detection.fit_logistic(scores, positive)
    target = np.where(positive, 61 / 62, 1 / 442)

    def loss(line):
        p = 1 / (1 + np.exp(-(line[0] * scores + line[1])))
        return -(target * np.log(p) + (1 - target) * np.log(1 - p)).sum()

    best = minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    np.testing.assert_allclose([slope, offset], best.x, rtol=1e-5)


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_the_logistic_of_separate_kinds_is_finite(shift):
    scores = np.array([-1.2, -1.1, -1.0, 1.0, 1.1]) + shift
    slope, offset = detection.fit_logistic(scores, scores > shift)
    assert np.isfinite([slope, offset]).all() and slope > 0
    assert slope * scores[3] + offset > 0 > slope * scores[2] + offset


def test_a_logistic_of_equal_scores_is_the_base_rate():
    slope, offset = detection.fit_logistic(np.full(8, 3.0), np.arange(8) < 2)
    mean = (2 * 3 / 4 + 6 * 1 / 8) / 8  # of the targets
    assert 1 / (1 + math.exp(-(slope * 3 + offset))) == pytest.approx(mean)


def test_a_logistic_needs_both_kinds_and_finite_scores():
    for positive in (np.zeros(3, bool), np.ones(3, bool)):
        with pytest.raises(ValueError, match="positive"):
            detection.fit_logistic(np.arange(3.0), positive)
    with pytest.raises(ValueError, match="finite"):
        detection.fit_logistic(np.array([0, NAN, 1]), np.array([True, False, True]))


def test_the_peak_is_the_highest_place(rng):
    values = rng.normal(size=(3, 2, *SHAPE))
    values[1, 1] = NAN
    values[2, 0, 4, 6] = values[2, 0, 3, 9] = 99
    found = detection.peak(values, FIELD)
    row, col = np.unravel_index(values[0, 0].argmax(), SHAPE)
    np.testing.assert_array_equal(found[0, 0], [5 + 8 * col, 5 + 8 * row])
    np.testing.assert_array_equal(found[2, 0], [5 + 8 * 9, 5 + 8 * 3])  # the first of two
    assert np.isnan(found[1, 1]).all()


def test_the_best_a_grid_can_do():
    found = detection.nearest_location(KEYPOINTS, FIELD, SHAPE)
    places = [(5 + 8 * c, 5 + 8 * r) for r in range(SHAPE[0]) for c in range(SHAPE[1])]
    for best, point in zip(found.reshape(-1, 2), KEYPOINTS.reshape(-1, 2), strict=True):
        if np.isnan(point).any():
            assert np.isnan(best).all()
        else:
            assert math.dist(best, point) == min(math.dist(place, point) for place in places)


def test_bad_keypoints_and_counts_are_refused():
    with pytest.raises(ValueError, match=r"\(N, K, 2\)"):
        detection.labels_by_field(np.zeros((3, 2)), FIELD, SHAPE)
    with pytest.raises(ValueError, match="143 features"):
        detection.labels_by_field(KEYPOINTS, FIELD, SHAPE, count=144)
    with pytest.raises(ValueError, match="near < far"):
        detection.labels_by_distance(KEYPOINTS, FIELD, SHAPE, near=32, far=16)


def test_dense_sift_is_sift_on_the_grid(rng):
    layers = [cv2.GaussianBlur(rng.normal(size=(83, 101, 3)), (0, 0), s) * s for s in (1, 2, 4, 8)]
    image = cv2.normalize(sum(layers), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    image[:50, :50] = 128  # flat: a descriptor of zeros
    found = sift.dense(image)
    assert found.shape == ((83 - 1 - 24) // 8 + 1, (101 - 1 - 24) // 8 + 1, 128) and found.dtype == np.uint8
    field = sift.dense_grid()
    centers = field.centers(found.shape[:2])
    assert centers.min() == 12 and (centers[-1, -1] + 12 <= (100, 82)).all()
    one_by_one = sift.descriptors(image, centers, radius=16)
    off = np.abs(found - one_by_one)
    assert off.max() <= 4 and off.mean() < 0.02  # of 512; most are 0
    assert (found[0, 0] == 0).all() and found[-1, -1].any()


def test_dense_sift_of_what_is_no_image():
    with pytest.raises(ValueError, match="uint8"):
        sift.dense(np.zeros((50, 50, 3)))
    with pytest.raises(ValueError, match="do not fit"):
        sift.dense(np.zeros((24, 50, 3), np.uint8))
