"""PCK against counting one by one, and bootstrap intervals against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import oracles
from conftest import refused
from corrlib.metrics import (
    bootstrap,
    by_category,
    errors,
    estimate,
    mean_interval,
    mean_pck,
    pck,
    resampled,
    rms_norm,
)

NAN = np.nan
values = st.sampled_from([0, 0.025, 0.05, 0.07, 0.1, 0.4, np.inf, NAN])
categories = st.lists(
    arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=values), min_size=1, max_size=3
)


def test_a_distance_is_in_units_of_the_longer_side_and_must_be_less_than_alpha():
    truth = np.array([[[10, 10], [20, 20], [NAN, NAN], [30, 30]]])
    predicted = np.array([[[13, 14], [20, 20], [0, 0], [NAN, 5]]])
    error = errors(predicted, truth, [[0, 0, 20, 50]])
    np.testing.assert_array_equal(error, [[0.1, 0, NAN, np.inf]])
    assert pck(error[:, :1], 0.1) == 0 and pck(error[:, :1], 0.1 + 1e-12) == 1


@given(categories)
def test_mean_pck_equals_counting(each):
    if not any((~np.isnan(e)).any() for e in each):
        assert np.isnan(mean_pck(each, 0.1))
        return
    curve = mean_pck(each, np.array([0.025, 0.1, 0.5]))
    np.testing.assert_allclose(curve, [oracles.mean_pck(each, a) for a in (0.025, 0.1, 0.5)])
    assert mean_pck(each, 0.1) == curve[1]


def test_the_interval_of_a_proportion_is_the_binomial_interval():
    n, p = 400, 0.3
    each = [np.where(np.arange(n) < n * p, 0.0, 1.0)[:, None]]
    half = 1.96 * np.sqrt(p * (1 - p) / n)
    np.testing.assert_allclose(bootstrap(each, 0.1), [p - half, p + half], atol=0.006)
    # The mean over four such categories has half the interval.
    np.testing.assert_allclose(np.diff(bootstrap(each * 4, 0.1)), half, rtol=0.1)


def test_the_interval_of_a_difference_is_paired(rng):
    ours = [rng.random((300, 2))]
    theirs = [ours[0] + 0.05]
    gained = ((ours[0] < 0.5) & ~(theirs[0] < 0.5)).mean()
    half = 1.96 * np.sqrt(gained * (1 - gained) / 600)
    interval = bootstrap(ours, 0.5, minus=theirs)
    np.testing.assert_allclose(interval, [gained - half, gained + half], atol=0.01)
    np.testing.assert_array_equal(bootstrap(ours, 0.5, minus=ours), [0, 0])


def test_an_interval_covers_the_truth_as_often_as_it_claims(rng):
    """Of three objects of an image, each is like the first with probability 0.7 (alone or not visible: NaN).

    Intervals that resample objects are too short.
    """
    covered = np.zeros(2)
    for seed in range(400):
        each = rng.random((60, 3, 1)) > 0.6
        each = np.where(rng.random((60, 3, 1)) < 0.7, each[:, :1], each).astype(float)
        each[rng.random((60, 3, 1)) < 0.2] = NAN
        for i, units in enumerate((each, each.reshape(180, 1))):
            low, high = np.quantile(resampled([units], 0.5, resamples=300, seed=seed), [0.025, 0.975])
            covered[i] += low <= 0.6 <= high
    assert 0.925 <= covered[0] / 400 <= 0.975 and covered[1] / 400 < 0.88


def test_objects_of_an_image_count_as_objects_alone(rng):
    each = rng.random((7, 4, 3))
    each[rng.random((7, 4, 3)) < 0.3] = NAN
    np.testing.assert_array_equal(pck(each, [0.3, 0.6]), pck(each.reshape(28, 3), [0.3, 0.6]))
    np.testing.assert_allclose(mean_interval([each])[0], np.nanmean(each, axis=(0, 1)))
    assert np.ptp(mean_interval([each])[1:], axis=0).min() > 0


def test_curves_and_categories_have_the_intervals_of_their_points(rng):
    each, alphas = [rng.random((20, 3)), rng.random((4, 2))], np.array([0.2, 0.6])
    each[0][rng.random((20, 3)) < 0.3] = NAN
    for alpha, point in zip(alphas, estimate(each, alphas), strict=True):
        np.testing.assert_array_equal(point, [mean_pck(each, alpha), *bootstrap(each, alpha)])
        for name, one in zip("ab", each, strict=True):
            expected = [pck(one, alpha), *bootstrap([one], alpha)]
            np.testing.assert_array_equal(by_category(each, "ab", alpha)[name], expected)
    shifted = [one + 0.1 for one in each]
    difference = mean_pck(each, 0.2) - mean_pck(shifted, 0.2)
    expected = [[difference, *bootstrap(each, 0.2, minus=shifted)]]
    np.testing.assert_array_equal(estimate(each, [0.2], minus=shifted), expected)


def test_the_interval_of_a_mean(rng):
    each = [rng.normal(3, 2, (400, 2)), np.full((5, 2), 1.0)]
    each[0][:100, 1] = NAN
    interval = mean_interval(each)
    means = [np.nanmean(v, axis=0) for v in each]
    half = 1.96 * np.nanstd(each[0], axis=0) / np.sqrt([400, 300]) / 2  # the second category does not vary
    np.testing.assert_allclose(interval[0], np.mean(means, axis=0))
    np.testing.assert_allclose(interval[1:], [interval[0] - half, interval[0] + half], atol=0.02)
    np.testing.assert_allclose(mean_interval(each, minus=[v - 0.5 for v in each]), 0.5)
    assert mean_interval([v[:, 0] for v in each]).shape == (3,)


def test_rms_norm(rng):
    features = rng.normal(size=(5, 3, 7)).astype(np.float32)
    expected = np.sqrt(np.mean([np.sum(f.astype(float) ** 2) for f in features.reshape(-1, 7)]))
    assert rms_norm(features) == pytest.approx(expected, rel=1e-6)
    assert rms_norm(np.full((4, 128), 60000, np.float16)) == pytest.approx(60000 * np.sqrt(128), rel=1e-3)


test_bad_input_is_refused = refused(
    (lambda: errors(np.zeros((2, 3, 2)), np.zeros((2, 4, 2)), np.ones((2, 4))), r"and \(2, 4, 2\)"),
    (lambda: errors(np.zeros((2, 3, 2)), np.zeros((2, 3, 2)), np.ones((3, 4))), r"boxes \(2, 4\)"),
    (lambda: errors(np.zeros((1, 1, 2)), np.zeros((1, 1, 2)), [[5, 5, 5, 4]]), "x0 < x1"),
    (lambda: pck(np.zeros((0, 3)), 0.1), r"\(0, 3\)"),
    (lambda: bootstrap([np.zeros((2, 3))], 0.1, minus=[np.zeros((2, 4))]), "same objects"),
)
