"""Detection: labels against loops over the grid, probabilities against the formulas, far tails included."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from conftest import refused
from corrlib import convnet, detection
from corrlib.geometry import ReceptiveField

NAN = np.nan
FIELD, SHAPE = ReceptiveField(size=35, stride=8, center=5.0), (11, 13)
# On the grid, between its points, on the edge of a receptive field, slightly and far outside, invisible.
POINTS = [[45, 37], [40.2, 61.9], [62.5, 22.5], [-9, 20], [-90, 300], [NAN, NAN], [101, 85], [NAN, 4]]
KEYPOINTS = np.array(POINTS, float).reshape(4, 2, 2)
# From each keypoint to each place of the grid: (type, object, row, col).
X, Y = KEYPOINTS.transpose(2, 1, 0)[..., None, None]
DX, DY = np.abs(X - (5 + 8 * np.arange(13))), np.abs(Y - (5 + 8 * np.arange(11)[:, None]))
DISTANCE = np.hypot(DX, DY)


def test_windows_of_conv5_and_ten_positives_per_keypoint_are_the_papers():
    field = detection.windows(convnet.receptive_fields("caffenet")["conv5"], 3)
    assert field == ReceptiveField(195, 16, 17.0)  # around every unit, including those on the border
    labels = detection.labels_by_field(np.array([[[250.0, 250.0]]]), field, (30, 30))
    assert (labels == 1).sum() == 10


def test_labels_of_convnet_features():
    labels = detection.labels_by_field(KEYPOINTS, FIELD, SHAPE, count=7)
    seventh = np.sort(DISTANCE.reshape(2, 4, -1), axis=-1)[..., 6, None, None]
    outside = ~np.isnan(DISTANCE) & ((DX > 17.5) | (DY > 17.5))
    expected = np.where(outside, -1, seventh > DISTANCE)
    assert labels.dtype == np.int8 and (labels == expected)[outside | (seventh != DISTANCE)].all()
    inside = ((KEYPOINTS > -5) & (KEYPOINTS < 105)).all(axis=-1).T
    assert ((labels == 1).sum(axis=(2, 3))[inside] == 7).all()


def test_labels_of_sift():
    labels = detection.labels_by_distance(KEYPOINTS, FIELD, SHAPE)
    expected = np.where(DISTANCE <= 16, 1, np.where(DISTANCE >= 32, -1, 0))
    np.testing.assert_array_equal(labels, expected)
    # At exactly 16, 24 and 32 pixels from (45, 37), a point of the grid.
    assert labels[0, 0, 4, [5 + 2, 5 + 3, 5 - 4]].tolist() == [1, 0, -1]


def test_the_prior_is_a_gaussian_around_the_neighbours_keypoint():
    found = detection.log_prior(KEYPOINTS, FIELD, SHAPE, sigma=22.0)
    np.testing.assert_allclose(found.swapaxes(0, 1), np.nan_to_num(-(DX**2 + DY**2) / (2 * 22**2)))
    far = detection.log_prior(np.array([[[1e6, 0.0]]]), FIELD, SHAPE)[0, 0]  # the density underflows
    assert np.isfinite(far).all() and (np.diff(far, axis=1) > 0).all()


@given(s=st.floats(0.01, 0.99), p=st.floats(0.01, 1), eta=st.floats(0, 1), slope=st.floats(0.2, 9))
def test_the_combination_is_the_papers_formula_also_in_far_tails(s, p, eta, slope):
    score = np.full((1, 1, 1, 1), (math.log(s / (1 - s)) - 0.3) / slope)
    log_s = detection.log_probability(score, [slope], [0.3])
    np.testing.assert_allclose(np.exp(log_s), s, rtol=1e-9)
    other = math.log(s ** (1 - eta) * p**eta)  # of a place with p = 1: the better one is found
    there = other / (1 - eta) if eta < 1 else 0.0
    two = np.array([[[log_s.item(), there + 1e-6, there - 1e-6]]]), np.array([[[math.log(p), 0.0, 0.0]]])
    if 0 < eta < 0.99:
        assert detection.peaks(*two, [eta], FIELD)[0, 0, 0] == 5 + 8
        assert detection.peaks(*(a[..., [0, 2]] for a in two), [eta], FIELD)[0, 0, 0] == 5
    scores = np.array([[[[-1e4, -1e4 + 1, -9e3]]]])
    log_s = detection.log_probability(scores, [2.0], [0.0])
    np.testing.assert_allclose(log_s, 2 * scores)
    prior = np.array([[[[-1e6, -1e6 - 10, -2e6]]]])  # at 0.1 the second gains 0.9 * 2 and loses 0.1 * 10
    found = detection.peaks(log_s[0], prior[0], [0, 0.1, 1], FIELD)
    assert found[:, 0].tolist() == [[5 + 8 * 2, 5], [5 + 8, 5], [5, 5]]
    assert np.isnan(detection.peaks(np.full((1, 1, 3), NAN), prior[0], [0.5], FIELD)).all()


def test_the_logistic_has_maximum_likelihood(rng):
    positive = np.arange(500) < 60
    scores = rng.normal(np.where(positive, 1.5, -1), 1)
    target = np.where(positive, 61 / 62, 1 / 442)

    def loss(line):
        p = 1 / (1 + np.exp(-(line[0] * scores + line[1])))
        return -(target * np.log(p) + (1 - target) * np.log(1 - p)).sum()

    best = minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    np.testing.assert_allclose(detection.fit_logistic(scores, positive), best.x, rtol=1e-5)
    for shift in (0.0, 1e4):  # finite for separable classes
        scores = np.array([-1.2, -1.1, -1.0, 1.0, 1.1]) + shift
        slope, offset = detection.fit_logistic(scores, scores > shift)
        assert np.isfinite([slope, offset]).all() and slope > 0
        assert slope * scores[3] + offset > 0 > slope * scores[2] + offset
    slope, offset = detection.fit_logistic(np.full(8, 3.0), np.arange(8) < 2)
    mean = (2 * 3 / 4 + 6 * 1 / 8) / 8  # of the targets: the base rate for equal scores
    assert 1 / (1 + math.exp(-(slope * 3 + offset))) == pytest.approx(mean)


def test_the_peak_is_the_location_of_the_maximum_and_the_nearest_on_the_grid(rng):
    values = rng.normal(size=(3, 2, *SHAPE))
    values[1, 1] = NAN
    values[2, 0, 4, 6] = values[2, 0, 3, 9] = 99
    found = detection.peak(values, FIELD)
    row, col = np.unravel_index(values[0, 0].argmax(), SHAPE)
    np.testing.assert_array_equal(found[0, 0], [5 + 8 * col, 5 + 8 * row])
    np.testing.assert_array_equal(found[2, 0], [5 + 8 * 9, 5 + 8 * 3])  # the first of two
    assert np.isnan(found[1, 1]).all()
    locations = [(5 + 8 * c, 5 + 8 * r) for r in range(SHAPE[0]) for c in range(SHAPE[1])]
    nearest = detection.nearest_location(KEYPOINTS, FIELD, SHAPE).reshape(-1, 2)
    for best, point in zip(nearest, KEYPOINTS.reshape(-1, 2), strict=True):
        distance = min(math.dist(location, point) for location in locations)
        np.testing.assert_equal(math.dist(best, point), NAN if np.isnan(point).any() else distance)


test_bad_input_is_refused = refused(
    (lambda: detection.windows(FIELD, 2), "odd"),
    (lambda: detection.labels_by_field(np.zeros((3, 2)), FIELD, SHAPE), r"\(N, K, 2\)"),
    (lambda: detection.labels_by_field(KEYPOINTS, FIELD, SHAPE, count=144), "143 features"),
    (lambda: detection.labels_by_distance(KEYPOINTS, FIELD, SHAPE, near=32, far=16), "near < far"),
    (lambda: detection.log_prior(KEYPOINTS, FIELD, SHAPE, sigma=0), "sigma"),
    (lambda: detection.peaks(np.zeros((1, 1, 1)), np.zeros((1, 1, 1)), [1.5], FIELD), "eta"),
    (lambda: detection.fit_logistic(np.arange(3.0), np.zeros(3, bool)), "positive"),
    (lambda: detection.fit_logistic(np.arange(3.0), np.ones(3, bool)), "positive"),
    (lambda: detection.fit_logistic(np.array([0, NAN, 1]), np.array([True, False, True])), "finite"),
)
