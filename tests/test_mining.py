"""Hard negative mining: against training on every window, and against windows put together one by one."""

import numpy as np
import pytest
from sklearn.svm import LinearSVC

import oracles
from corrlib import mining

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
def test_mining_is_training_on_everything(rng, monkeypatch, dtype, context, C):
    monkeypatch.setattr(mining.rounds, "FIRST", 50)  # of some 8,000: it has to find the others
    maps, labels = planted(rng, dtype)
    found = mining.mine(maps, labels, context=context, C=C, tolerance=0.01)
    assert (found.left == 0).all() and (found.rounds > 1).all() and (found.gap >= 0).all()
    x = oracles.windows(maps, context)
    scale = mining.NORM / np.sqrt((x**2).sum(axis=1).mean())
    for k, y in enumerate(labels.reshape(len(labels), -1)):
        used = y != 0
        machine = LinearSVC(C=C, intercept_scaling=mining.NORM, tol=1e-8, max_iter=10**6, dual=True)
        machine.fit(x[used] * scale, y[used])
        ours = np.append(found.weights[k].ravel() / scale, found.bias[k] / mining.NORM)
        best = np.append(machine.coef_[0], machine.intercept_ / mining.NORM)

        def objective(w):
            margins = y[used] * (x[used] @ w[:-1] * scale + w[-1] * mining.NORM)  # noqa: B023
            return w @ w / 2 + C * (np.maximum(0, 1 - margins) ** 2).sum()

        # The objective is strongly convex: an excess of e over its minimum allows a distance of sqrt(2 e).
        excess = found.gap[k] * objective(ours)
        assert found.gap[k] < 0.02
        assert objective(ours) - objective(best) <= excess * 1.001 + 1e-12
        assert np.linalg.norm(ours - best) <= np.sqrt(2 * excess) * 1.001 + 1e-9
        assert np.linalg.norm(ours - best) < 0.03 * np.linalg.norm(best)


def test_too_few_rounds_say_what_they_left(rng, monkeypatch):
    monkeypatch.setattr(mining.rounds, "FIRST", 50)
    maps, labels = planted(rng, np.float32)
    one, all_ = (mining.mine(maps, labels, rounds=r) for r in (1, 20))
    assert (one.rounds == 1).all() and (one.left > 0).all()
    assert (one.gap > all_.gap).all()


def test_a_warm_start_changes_the_way_but_not_the_end(rng):
    maps, labels = planted(rng, np.float32)
    whole = mining.mine(maps, labels, tolerance=0.01)
    half = labels.copy()
    half[:, ::2] = 0
    cold, warm = (mining.mine(maps, half, tolerance=0.01, start=s) for s in (None, whole))
    first, second, other = (one.weights.reshape(2, -1) for one in (cold, warm, whole))
    distance = np.linalg.norm(first - second, axis=1)
    assert (distance < 0.03 * np.linalg.norm(first, axis=1)).all()
    apart = np.linalg.norm(other - second, axis=1)
    assert (apart > 5 * distance).all()  # it has let go of the other half
    assert all((half[k].ravel()[rows] != 0).all() for k, rows in enumerate(warm.rows))


def test_nothing_to_train_on(rng):
    maps, labels = planted(rng, np.float32)
    labels[0][labels[0] > 0] = 0  # no positive
    labels[1][labels[1] < 0] = 0  # no negative
    found = mining.mine(maps, labels)
    assert np.isnan(found.weights[0]).all() and np.isnan(found.bias[0]) and not len(found.rows[0])
    score = mining.responses(maps, found.weights, found.bias)[:, 1]
    assert (score[labels[1] > 0] > 0.5).all()


@pytest.mark.parametrize("context", [1, 3, 5])
def test_responses_are_those_of_the_windows(rng, context):
    maps = rng.normal(size=(3, 5, 7, 2)).astype(np.float32)
    weights = rng.normal(size=(4, context, context, 2)).astype(np.float32)
    bias = rng.normal(size=4)
    found = mining.responses(maps, weights, bias)
    expected = oracles.windows(maps, context) @ weights.reshape(4, -1).T + bias
    np.testing.assert_allclose(found, expected.reshape(3, 5, 7, 4).transpose(0, 3, 1, 2), atol=1e-5)


def test_bad_input_is_refused(rng):
    maps, labels = planted(rng, np.float32)
    with pytest.raises(ValueError, match="float32 or uint8"):
        mining.mine(maps.astype(float), labels)
    with pytest.raises(ValueError, match=r"labels \(K, 40, 13, 17\)"):
        mining.mine(maps, labels[:, :, :5])
    with pytest.raises(ValueError, match="odd"):
        mining.mine(maps, labels, context=2)
    with pytest.raises(ValueError, match="C > 0"):
        mining.mine(maps, labels, C=0)
    with pytest.raises(ValueError, match="weights"):
        mining.responses(maps, np.zeros((1, 3, 3, 4)), np.zeros(1))
