"""Hard negative mining: against training on every window, and against windows put together one by one."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.svm import LinearSVC

import oracles
from corrlib import hard_negatives
from corrlib.hard_negatives import descent

N, HEIGHT, WIDTH, CHANNELS = 40, 13, 17, 5


def planted(rng, dtype, count=2):
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


@pytest.mark.parametrize(("dtype", "context"), [(np.float32, 3), (np.uint8, 1)])
@pytest.mark.parametrize("C", [1e-6, 2e-5])
def test_mining_is_training_on_everything(rng, dtype, context, C):
    maps, labels = planted(rng, dtype)
    maps[5], labels[:, 5] = 255, 0  # not trained on
    maps[6], labels[:, 6] = maps[6, ::-1], -1  # no keypoint is seen
    found = hard_negatives.mine(maps, labels, context=context, C=C, tolerance=1e-4)
    assert (found.rounds > 1).all() and (found.gap >= 0).all() and (found.gap <= 1e-4).all()
    x = oracles.windows(maps, context)
    scale = hard_negatives.NORM / np.sqrt((x**2).sum(axis=1).mean())
    for k, y in enumerate(labels.reshape(len(labels), -1)):
        used = y != 0
        machine = LinearSVC(C=C, intercept_scaling=hard_negatives.NORM, tol=1e-8, max_iter=10**6, dual=True)
        machine.fit(x[used] * scale, y[used])
        ours = np.append(found.weights[k].ravel() / scale, found.bias[k] / hard_negatives.NORM)
        best = np.append(machine.coef_[0], machine.intercept_ / hard_negatives.NORM)

        def objective(w):
            margins = y[used] * (x[used] @ w[:-1] * scale + w[-1] * hard_negatives.NORM)  # noqa: B023
            return w @ w / 2 + C * (np.maximum(0, 1 - margins) ** 2).sum()

        # The objective is strongly convex: an excess of e over its minimum allows a distance of sqrt(2 e).
        excess = found.gap[k] * objective(ours)
        inside = y[used] * (x[used] @ ours[:-1] * scale + ours[-1] * hard_negatives.NORM) < 1
        assert abs(found.hard[k] - inside.sum()) <= 0.002 * inside.sum()  # but for rounding
        assert objective(ours) - objective(best) <= excess * 1.001 + 1e-12
        assert np.linalg.norm(ours - best) <= np.sqrt(2 * excess) * 1.001 + 1e-9
        assert np.linalg.norm(ours - best) < 0.03 * np.linalg.norm(best)


def test_the_gap_is_that_of_the_dual(rng):
    maps, labels = planted(rng, np.float32)
    x, C = oracles.windows(maps, 3), 2e-5
    scale = hard_negatives.NORM / np.sqrt((x**2).sum(axis=1).mean())
    x = np.column_stack([x * scale, np.full(len(x), hard_negatives.NORM)])
    for rounds in (1, 4, 12):  # far from the minimum, too
        found = hard_negatives.mine(maps, labels, C=C, rounds=rounds, tolerance=0)
        assert (found.rounds == rounds).all()
        for k, y in enumerate(labels.reshape(len(labels), -1)):
            w = np.append(found.weights[k].ravel() / scale, found.bias[k] / hard_negatives.NORM)
            losses = np.maximum(0, 1 - y * (x @ w))[y != 0]
            primal, alphas = w @ w / 2 + C * (losses @ losses), 2 * C * losses
            total = (alphas * y[y != 0]) @ x[y != 0]
            dual = alphas.sum() - alphas @ alphas / (4 * C) - total @ total / 2
            assert found.gap[k] == pytest.approx((primal - dual) / primal, rel=0.01, abs=1e-5)
            assert found.hard[k] == (losses > 0).sum()


def test_curvature_is_that_of_the_windows(rng):
    maps, labels = planted(rng, np.uint8)
    maps[:5], labels[:, :5] = 255, 0
    found = hard_negatives.mine(maps, labels, rounds=1).curvature
    x = oracles.windows(maps, 3)
    scale = hard_negatives.NORM / np.sqrt((x**2).sum(axis=1).mean())
    used = np.column_stack([x * scale, np.full(len(x), hard_negatives.NORM)])[5 * HEIGHT * WIDTH :]
    np.testing.assert_allclose(found, used.T @ used / len(used), rtol=1e-4)


def test_rounds_run_out(rng):
    maps, labels = planted(rng, np.float32)
    one, all_ = (hard_negatives.mine(maps, labels, rounds=r) for r in (2, 200))
    assert (one.rounds == 2).all() and (one.gap > all_.gap).all() and (all_.gap <= 1e-3).all()


def test_a_start_changes_the_way_but_not_the_end(rng):
    maps, labels = planted(rng, np.float32)
    whole = hard_negatives.mine(maps, labels, tolerance=1e-4)
    half = labels.copy()
    half[:, ::2] = 0
    cold, warm = (hard_negatives.mine(maps, half, tolerance=1e-4, start=s) for s in (None, whole))
    first, second, other = (one.weights.reshape(2, -1) for one in (cold, warm, whole))
    distance = np.linalg.norm(first - second, axis=1)
    assert (distance < 0.03 * np.linalg.norm(first, axis=1)).all()
    apart = np.linalg.norm(other - second, axis=1)
    assert (apart > 5 * distance).all()  # it has let go of the other half
    again = hard_negatives.mine(maps, labels, tolerance=1e-3, start=whole)
    assert (again.rounds == 1).all()  # it was there already
    np.testing.assert_allclose(again.weights, whole.weights, rtol=1e-5)


def test_the_sum_of_windows_is_the_transpose_of_responses(rng):
    maps = rng.integers(0, 256, (11, 5, 7, 2), dtype=np.uint8)
    shares = rng.normal(size=(11, 4, 5, 7)).astype(np.float32)
    for context in (1, 3, 5):
        expected = shares.transpose(1, 0, 2, 3).reshape(4, -1) @ oracles.windows(maps, context)
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

    t = descent.line_search(scores, change, signs, 1e-3, -0.5 * far, (0.3 * far) ** 2)
    best = minimize_scalar(value, bracket=(0, 1 / far), tol=1e-10).x
    assert t == pytest.approx(best, rel=0.03)
    assert value(t) <= value(0)


def test_nothing_to_train_on(rng):
    maps, labels = planted(rng, np.float32)
    labels[0][labels[0] > 0] = 0  # no positive
    labels[1][labels[1] < 0] = 0  # no negative
    found = hard_negatives.mine(maps, labels)
    assert np.isnan(found.weights[0]).all() and np.isnan(found.bias[0]) and np.isnan(found.gap[0])
    assert found.rounds[0] == found.hard[0] == 0
    again = hard_negatives.mine(maps, labels, start=found)
    assert np.isnan(again.weights[0]).all() and np.isfinite(again.weights[1]).all()
    score = hard_negatives.responses(maps, found.weights, found.bias)[:, 1]
    assert (score[labels[1] > 0] > 0.5).all()


@pytest.mark.parametrize("context", [1, 3, 5])
def test_responses_are_those_of_the_windows(rng, context):
    maps = rng.normal(size=(3, 5, 7, 2)).astype(np.float32)
    weights = rng.normal(size=(4, context, context, 2)).astype(np.float32)
    bias = rng.normal(size=4)
    found = hard_negatives.responses(maps, weights, bias)
    expected = oracles.windows(maps, context) @ weights.reshape(4, -1).T + bias
    np.testing.assert_allclose(found, expected.reshape(3, 5, 7, 4).transpose(0, 3, 1, 2), atol=1e-5)


def test_bad_input_is_refused(rng):
    maps, labels = planted(rng, np.float32)
    with pytest.raises(ValueError, match="float32 or uint8"):
        hard_negatives.mine(maps.astype(float), labels)
    with pytest.raises(ValueError, match=r"labels \(K, 40, 13, 17\)"):
        hard_negatives.mine(maps, labels[:, :, :5])
    with pytest.raises(ValueError, match="odd"):
        hard_negatives.mine(maps, labels, context=2)
    with pytest.raises(ValueError, match="C > 0"):
        hard_negatives.mine(maps, labels, C=0)
    with pytest.raises(ValueError, match="weights"):
        hard_negatives.responses(maps, np.zeros((1, 3, 3, 4)), np.zeros(1))
