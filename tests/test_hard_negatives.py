"""Hard negative mining: against training on every window, with windows extracted one by one."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.svm import LinearSVC

import oracles
from conftest import refused
from corrlib import hard_negatives
from corrlib.hard_negatives import NORM, solver, train

N, HEIGHT, WIDTH, CHANNELS = 40, 13, 17, 5


def planted(rng, dtype=np.float32, count=2):
    """Maps with a faint pattern for each keypoint somewhere, and their labels."""
    maps = np.maximum(0, rng.normal(20, 20, (N, HEIGHT, WIDTH, CHANNELS)))
    labels = np.full((count, N, HEIGHT, WIDTH), -1, np.int8)
    for k, pattern in enumerate(rng.normal(0, 20, (count, 3, 3, CHANNELS))):
        for n in range(N):
            row, col = rng.integers(1, HEIGHT - 1), rng.integers(1, WIDTH - 1)
            here = np.s_[n, row - 1 : row + 2, col - 1 : col + 2]
            maps[here] = np.maximum(0, maps[here] + pattern)
            labels[k][here] = 0
            labels[k, n, row, col] = 1
    return np.clip(maps, 0, 255).astype(dtype), labels


def extracted(maps, context=3):
    """All windows, scaled to RMS norm `NORM`, with the constant feature; and the scale."""
    x = oracles.windows(maps, context)
    scale = NORM / np.sqrt((x**2).sum(axis=1).mean())
    return np.column_stack([x * scale, np.full(len(x), NORM)]), scale


def solution(found, k, scale):
    return np.append(found.weights[k].ravel() / scale, found.bias[k] / NORM)


@pytest.mark.parametrize(("dtype", "context"), [(np.float32, 3), (np.uint8, 1)])
@pytest.mark.parametrize("C", [1e-6, 2e-5])
def test_mining_is_training_on_everything(rng, dtype, context, C):
    maps, labels = planted(rng, dtype)
    maps[5], labels[:, 5] = 255, 0  # not used
    maps[6], labels[:, 6] = maps[6, ::-1], -1  # without positives
    found = train(maps, labels, context=context, C=C, tolerance=1e-4)
    assert (found.rounds > 1).all() and (found.duality_gap >= 0).all() and (found.duality_gap <= 1e-4).all()
    x, scale = extracted(maps, context)
    for k, all_labels in enumerate(labels.reshape(len(labels), -1)):
        samples, y = x[all_labels != 0], all_labels[all_labels != 0]
        svm = LinearSVC(C=C, fit_intercept=False, tol=1e-8, max_iter=10**6, dual=True).fit(samples, y)
        ours, best = solution(found, k, scale), svm.coef_[0]

        def objective(w):
            return w @ w / 2 + C * (np.maximum(0, 1 - y * (samples @ w)) ** 2).sum()  # noqa: B023

        inside = (y * (samples @ ours) < 1).sum()
        assert abs(found.support_vectors[k] - inside) <= 0.002 * inside  # rounding
        # The objective is strongly convex: an excess of e over its minimum allows a distance of sqrt(2 e).
        excess = found.duality_gap[k] * objective(ours)
        assert objective(ours) - objective(best) <= excess * 1.001 + 1e-12
        assert np.linalg.norm(ours - best) <= np.sqrt(2 * excess) * 1.001 + 1e-9
        assert np.linalg.norm(ours - best) < 0.03 * np.linalg.norm(best)


@pytest.mark.parametrize("rounds", [1, 4, 12])  # also far from the minimum
def test_the_duality_gap(rng, rounds):
    maps, labels = planted(rng)
    (x, scale), C = extracted(maps), 2e-5
    found = train(maps, labels, C=C, rounds=rounds, tolerance=0)
    assert (found.rounds == rounds).all()
    for k, y in enumerate(labels.reshape(len(labels), -1)):
        w = solution(found, k, scale)
        losses = np.maximum(0, 1 - y * (x @ w))[y != 0]
        primal, alphas = w @ w / 2 + C * (losses @ losses), 2 * C * losses
        total = (alphas * y[y != 0]) @ x[y != 0]
        dual = alphas.sum() - alphas @ alphas / (4 * C) - total @ total / 2
        assert found.duality_gap[k] == pytest.approx((primal - dual) / primal, rel=0.01, abs=1e-5)
        assert found.support_vectors[k] == (losses > 0).sum()


def test_the_curvature_is_the_second_moments_of_the_windows_used(rng):
    maps, labels = planted(rng, np.uint8)
    maps[:5], labels[:, :5] = 255, 0
    x = extracted(maps)[0][5 * HEIGHT * WIDTH :]
    np.testing.assert_allclose(train(maps, labels, rounds=1).curvature, x.T @ x / len(x), rtol=1e-4)


def test_a_start_does_not_change_the_result(rng):
    maps, labels = planted(rng)
    whole = train(maps, labels, tolerance=1e-4)
    half = labels.copy()
    half[:, ::2] = 0
    cold, warm = (train(maps, half, tolerance=1e-4, start=start) for start in (None, whole))
    first, second, other = (found.weights.reshape(2, -1) for found in (cold, warm, whole))
    distance = np.linalg.norm(first - second, axis=1)
    assert (distance < 0.03 * np.linalg.norm(first, axis=1)).all()
    assert (np.linalg.norm(other - second, axis=1) > 5 * distance).all()  # nothing is left of the other half
    again = train(maps, labels, tolerance=1e-3, start=whole)
    assert (again.rounds == 1).all()  # it has converged already
    np.testing.assert_allclose(again.weights, whole.weights, rtol=1e-5)


@pytest.mark.parametrize("context", [1, 3, 5])
def test_responses_and_weighted_sums_are_those_of_extracted_windows(rng, context):
    maps = rng.integers(0, 256, (11, 5, 7, 2), dtype=np.uint8)
    windows = oracles.windows(maps, context)
    weights = rng.normal(size=(4, context, context, 2)).astype(np.float32)
    bias = rng.normal(size=4)
    expected = windows @ weights.reshape(4, -1).T + bias
    found = hard_negatives.responses(maps, weights, bias)
    np.testing.assert_allclose(found, expected.reshape(11, 5, 7, 4).transpose(0, 3, 1, 2), atol=2e-3)
    shares = rng.normal(size=(11, 4, 5, 7)).astype(np.float32)
    expected = shares.transpose(1, 0, 2, 3).reshape(4, -1) @ windows
    found = hard_negatives.weighted_sum(maps, shares, context).reshape(4, -1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=0.01)


@pytest.mark.parametrize("far", [1e-3, 1.0, 1e3])
def test_the_line_search_finds_the_minimum(rng, far):
    scores, change = rng.normal(size=(2, 500)).astype(np.float32)
    change = np.float32(far) * change
    signs = rng.choice(np.array([-1, 0, 1], np.int8), 500)

    def value(t):
        losses = np.maximum(0, 1 - signs * (scores.astype(float) + t * change))[signs != 0]
        return -0.5 * far * t + (0.3 * far * t) ** 2 / 2 + 1e-3 * (losses @ losses)

    t = solver.line_search(scores, change, signs, 1e-3, -0.5 * far, (0.3 * far) ** 2)
    best = minimize_scalar(value, bracket=(0, 1 / far), tol=1e-10).x
    assert t == pytest.approx(best, rel=0.03)
    assert value(t) <= value(0)


def test_keypoints_without_positives_or_negatives(rng):
    maps, labels = planted(rng)
    labels[0][labels[0] > 0] = 0  # no positive
    labels[1][labels[1] < 0] = 0  # no negative
    found = train(maps, labels)
    assert np.isnan(found.weights[0]).all() and np.isnan(found.bias[0]) and np.isnan(found.duality_gap[0])
    assert found.rounds[0] == found.support_vectors[0] == 0
    again = train(maps, labels, start=found)
    assert np.isnan(again.weights[0]).all() and np.isfinite(again.weights[1]).all()
    scores = hard_negatives.responses(maps, found.weights, found.bias)[:, 1]
    assert (scores[labels[1] > 0] > 0.5).all()


MAPS, LABELS = np.zeros((4, 5, 7, 2), np.float32), np.zeros((1, 4, 5, 7), np.int8)


test_bad_input_is_refused = refused(
    (lambda: train(MAPS.astype(float), LABELS), "float32 or uint8"),
    (lambda: train(MAPS, LABELS[:, :, :3]), r"labels \(K, 4, 5, 7\)"),
    (lambda: train(MAPS, LABELS, context=2), "odd"),
    (lambda: train(MAPS, LABELS, C=0), "C > 0"),
    (lambda: hard_negatives.responses(MAPS, np.zeros((1, 3, 3, 4)), np.zeros(1)), "weights"),
)
