"""PCK against counting one by one, and bootstrap intervals against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import oracles
from corrlib.metrics import bootstrap, errors, mean_interval, mean_pck, pck, rms_norm

NAN = np.nan
values = st.sampled_from([0, 0.025, 0.05, 0.07, 0.1, 0.4, np.inf, NAN])
categories = st.lists(
    arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=values), min_size=1, max_size=3
)


def test_a_distance_is_in_units_of_the_longer_side():
    truth = np.array([[[10, 10], [20, 20], [NAN, NAN], [30, 30]]])
    predicted = np.array([[[13, 14], [20, 20], [0, 0], [NAN, 5]]])
    found = errors(predicted, truth, [[0, 0, 20, 50]])
    np.testing.assert_allclose(found, [[5 / 50, 0, NAN, np.inf]])


def test_the_tolerance_itself_is_wrong():
    found = errors([[[3.0, 4.0]]], [[[0.0, 0.0]]], [[0, 0, 50, 20]])
    assert found[0, 0] == 0.1
    assert pck(found, 0.1) == 0 and pck(found, 0.1 + 1e-12) == 1


@given(categories)
def test_equals_counting(found):
    if not any((~np.isnan(e)).any() for e in found):
        assert np.isnan(mean_pck(found, 0.1))
        return
    curve = mean_pck(found, np.array([0.025, 0.1, 0.5]))
    np.testing.assert_allclose(curve, [oracles.mean_pck(found, a) for a in (0.025, 0.1, 0.5)])
    assert mean_pck(found, 0.1) == curve[1]


def test_types_weigh_the_same_however_often_they_are_visible():
    found = np.full((10, 3), NAN)
    found[:, 0], found[0, 1] = 0.0, np.inf  # seen ten times and right; once and not predicted; never
    assert pck(found, 0.1) == 0.5


def test_the_interval_of_a_proportion_is_the_binomial_one():
    n, p = 400, 0.3
    found = [np.where(np.arange(n) < n * p, 0.0, 1.0)[:, None]]
    interval = bootstrap(found, 0.1)
    half = 1.96 * np.sqrt(p * (1 - p) / n)
    np.testing.assert_allclose(interval, [p - half, p + half], atol=0.006)
    four = bootstrap(found * 4, 0.1)  # the mean over four such categories is twice as sure
    np.testing.assert_allclose(np.diff(four), half, rtol=0.1)


def test_the_interval_of_a_difference_is_paired(rng):
    one = [rng.random((300, 2))]
    other = [one[0] + 0.05]
    apart = bootstrap(one, 0.5, minus=other)
    gained = ((one[0] < 0.5) & ~(other[0] < 0.5)).mean()
    half = 1.96 * np.sqrt(gained * (1 - gained) / 600)
    np.testing.assert_allclose(apart, [gained - half, gained + half], atol=0.01)
    np.testing.assert_array_equal(bootstrap(one, 0.5, minus=one), [0, 0])


def test_an_interval_holds_the_truth_as_often_as_it_says(rng):
    inside = 0
    for draw in range(100):
        low, high = bootstrap([(rng.random((40, 1)) > 0.6).astype(float)], 0.5, resamples=300, seed=draw)
        inside += low <= 0.6 <= high
    assert 88 <= inside <= 99


def test_curves_have_the_intervals_of_their_points(rng):
    found = [rng.random((20, 3)), np.full((4, 2), NAN)]
    found[0][rng.random((20, 3)) < 0.3] = NAN
    alphas = np.array([0.2, 0.6])
    both = bootstrap(found, alphas, resamples=200)
    assert both.shape == (2, 2)
    for i, alpha in enumerate(alphas):
        np.testing.assert_array_equal(both[:, i], bootstrap(found, alpha, resamples=200))
        assert both[0, i] <= mean_pck(found, alpha) <= both[1, i]


def test_the_interval_of_a_mean(rng):
    values = [rng.normal(3, 2, (400, 2)), np.full((5, 2), 1.0)]
    values[0][:100, 1] = NAN
    found = mean_interval(values)
    means = [np.nanmean(v, axis=0) for v in values]
    half = 1.96 * np.nanstd(values[0], axis=0) / np.sqrt([400, 300]) / 2  # the second category does not vary
    np.testing.assert_allclose(found[0], np.mean(means, axis=0))
    np.testing.assert_allclose(found[1:], [found[0] - half, found[0] + half], atol=0.02)
    shifted = mean_interval(values, minus=[v - 0.5 for v in values])
    np.testing.assert_allclose(shifted, 0.5)
    assert mean_interval([v[:, 0] for v in values]).shape == (3,)


def test_rms_norm(rng):
    features = rng.normal(size=(5, 3, 7)).astype(np.float32)
    expected = np.sqrt(np.mean([np.sum(f.astype(float) ** 2) for f in features.reshape(-1, 7)]))
    assert rms_norm(features) == pytest.approx(expected, rel=1e-6)
    assert rms_norm(np.full((4, 128), 60000, np.float16)) == pytest.approx(60000 * np.sqrt(128), rel=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: errors(np.zeros((2, 3, 2)), np.zeros((2, 4, 2)), np.ones((2, 4))), r"and \(2, 4, 2\)"),
        (lambda: errors(np.zeros((2, 3, 2)), np.zeros((2, 3, 2)), np.ones((3, 4))), r"boxes \(2, 4\)"),
        (lambda: errors(np.zeros((1, 1, 2)), np.zeros((1, 1, 2)), [[5, 5, 5, 4]]), "x0 < x1"),
        (lambda: pck(np.zeros((0, 3)), 0.1), r"\(0, 3\)"),
        (lambda: bootstrap([np.zeros((2, 3))], 0.1, minus=[np.zeros((2, 4))]), "same instances"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
