"""Linear SVMs against closed forms and a general optimiser; cross validation against a loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC

import oracles
from corrlib import svm


def clouds(rng, count=240, dimensions=17, classes=5, spread=1.0):
    """Samples around a centre for each class, of RMS norm 512."""
    labels = rng.integers(0, classes, count) * 3 + 1  # labels need not be 0, 1, 2 ...
    x = rng.normal(size=(classes, dimensions))[(labels - 1) // 3] + rng.normal(0, spread, (count, dimensions))
    x = np.abs(x)  # as rectified features are: a mean that is not zero
    return (x * 512 / np.sqrt((x**2).sum(axis=1).mean())).astype(np.float32), labels


def objectives(machine, x, labels, C):
    signs = np.where(labels[:, None] == machine.classes, 1.0, -1.0)
    return np.array(
        [
            oracles.svm_objective(machine.weights[:, k], machine.intercepts[k], x, signs[:, k], C)
            for k in range(len(machine.classes))
        ]
    )


@given(seed=st.integers(0, 10**6), C=st.sampled_from([1e-8, 1e-6, 1e-4]), count=st.integers(2, 40))
def test_no_general_optimiser_does_better(seed, C, count):
    x, labels = clouds(np.random.default_rng(seed), count=count, dimensions=3, classes=3, spread=2.0)
    machine = svm.train(x, labels, C=C)
    if len(machine.classes) > 1:  # a single class needs no optimum
        found = objectives(machine, x, labels, C)
        for k, label in enumerate(machine.classes):
            best = oracles.least_svm_objective(x, np.where(labels == label, 1.0, -1.0), C)
            assert found[k] <= best * (1 + 1e-6)


def test_at_small_C_it_is_ridge_regression(rng):
    x, labels = clouds(rng)
    machine = svm.train(x, labels, C=1e-10)
    extended = np.hstack([x, np.full((len(x), 1), 512)]).astype(float)
    signs = np.where(labels[:, None] == machine.classes, 1.0, -1.0)
    assert (np.abs(machine.scores(x)) < 1).all()  # every sample is within its margin: the loss is quadratic
    w = np.linalg.solve(np.eye(18) / 2e-10 + extended.T @ extended, extended.T @ signs)
    np.testing.assert_allclose(machine.weights, w[:-1], rtol=1e-4, atol=1e-4 * np.abs(w).max())
    np.testing.assert_allclose(machine.intercepts, 512 * w[-1], rtol=1e-4)


def test_one_sample_a_class_and_one_class():
    x = np.array([[512.0, 0], [0, 512.0]])
    machine = svm.train(x, np.array([4, 9]), C=1e-3)
    np.testing.assert_array_equal(machine.predict(x), [4, 9])
    # w = a (512, -512) for class 4: a solves a + 2 C (512 a - 1) 512 = 0 by hand (the intercept is zero).
    a = 2 * 1e-3 * 512 / (1 + 2 * 1e-3 * 512**2)
    np.testing.assert_allclose(machine.weights, [[a, -a], [-a, a]], rtol=1e-4)
    single = svm.train(x, np.array([7, 7]), C=1e-6)
    assert single.predict(x).tolist() == [7, 7]


def test_features_that_are_constant_or_zero_name_one_class_for_all():
    labels = np.array([0] * 3 + [1] * 6 + [2] * 2)
    for value in (0.0, 512.0):
        machine = svm.train(np.full((11, 4), value), labels)
        assert set(machine.predict(np.full((5, 4), value)).tolist()) == {1}  # the most frequent


def test_prediction_keeps_shapes(rng):
    x, labels = clouds(rng)
    machine = svm.train(x, labels)
    np.testing.assert_array_equal(machine.predict(x.reshape(8, 30, 17)).ravel(), machine.predict(x))
    assert machine.scores(x[0]).shape == (5,)


def test_cross_validation_is_the_loop_over_folds(rng):
    x, labels = clouds(rng, spread=3.0)
    groups = rng.integers(0, 30, len(x))
    Cs = [1e-5, 1e-8, 1e-6]
    found = svm.cross_validate(x, labels, groups, Cs=Cs, count=4)
    assert found.shape == (3, len(x))
    for row, C in zip(found, Cs, strict=True):
        for known, out in GroupKFold(4).split(x, groups=groups):
            expected = svm.train(x[known], labels[known], C=C).predict(x[out])
            np.testing.assert_array_equal(row[out], expected)
    assert len({tuple(row) for row in found}) == 3


def test_a_group_is_never_divided(rng):
    groups = np.repeat(np.arange(20), 6)
    labels = np.repeat(rng.permutation(20) % 4, 6)
    own = 512 * np.eye(20)[groups]  # tells the group, and nothing else: known only to who has seen it
    found = svm.cross_validate(own, labels, groups, Cs=[1e-4])[0]
    assert (found == labels).mean() < 0.45
    scattered = svm.cross_validate(own, labels, np.arange(120), Cs=[1e-4])[0]
    assert (scattered == labels).mean() == 1


def test_a_class_that_is_in_one_fold_alone_is_named_wrongly(rng):
    x, labels = clouds(rng, count=60)
    groups = np.repeat(np.arange(10), 6)
    labels[groups == 3] = 99
    found = svm.cross_validate(x, labels, groups, Cs=[1e-6])[0]
    assert not (found[groups == 3] == 99).any() and (found[groups != 3] != 99).any()


def test_fewer_groups_than_folds_are_as_many_folds(rng):
    x, labels = clouds(rng, count=60)
    groups = np.repeat([5, 6, 7], 20)
    few, all_of_them = (svm.cross_validate(x, labels, groups, Cs=[1e-6], count=n) for n in (3, 5))
    np.testing.assert_array_equal(few, all_of_them)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(features=np.zeros((0, 3)), labels=np.zeros(0)), r"0 sample\(s\) \(shape=\(0, 3\)\)"),
        (dict(features=np.zeros((4, 3))), r"inconsistent numbers of samples: \[4, 6\]"),
        (dict(features=np.full((6, 3), np.nan)), "NaN"),
        (dict(C=0.0), "positive and finite; got 0.0"),
        (dict(C=np.nan), "positive and finite; got nan"),
        (dict(C=np.inf), "positive and finite; got inf"),
    ],
)
def test_bad_input_is_refused(change, message):
    how = dict(features=np.eye(6, 3), labels=np.arange(6) % 2, C=1e-6) | change
    with pytest.raises(ValueError, match=message):
        svm.train(how["features"], how["labels"], C=how["C"])


@pytest.mark.parametrize(("groups", "count"), [(np.zeros(6), 5), (np.arange(6), 1)])
def test_folds_take_two_groups(groups, count):
    with pytest.raises(ValueError, match="2 folds and 2 groups"):
        svm.cross_validate(np.eye(6, 3), np.arange(6) % 2, groups, Cs=[1.0], count=count)


def test_no_convergence_is_an_error_that_says_what_to_do(rng, monkeypatch):
    monkeypatch.setattr(svm, "STEPS", 3)
    x, labels = clouds(rng, spread=4.0)
    with pytest.raises(ValueError, match=r"did not converge at C = 1 for features of RMS norm 512: scale"):
        svm.train(x, labels, C=1.0)


@pytest.mark.parametrize("C", [1e-8, 1e-6, 1e-4])
def test_liblinear_does_no_better(rng, C):
    x, labels = clouds(rng, count=900, dimensions=50, spread=2.0)
    found = svm.train(x, labels, C=C)
    theirs = LinearSVC(C=C, dual=False, intercept_scaling=512, tol=1e-6).fit(x.astype(float), labels)
    best = objectives(svm.LinearSVM(theirs.classes_, theirs.coef_.T, theirs.intercept_), x, labels, C)
    assert (objectives(found, x, labels, C) <= best * (1 + 1e-5)).all()
    assert abs((found.predict(x) == labels).mean() - (theirs.predict(x) == labels).mean()) <= 0.002
