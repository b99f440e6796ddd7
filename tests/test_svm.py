"""Linear SVMs against closed forms and a general optimiser; cross validation against a loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC

import oracles
from conftest import refused
from corrlib import svm


def clouds(rng, count=240, dimensions=17, classes=5, spread=1.0):
    """Samples around a centre for each class, of RMS norm 512."""
    labels = rng.integers(0, classes, count) * 3 + 1  # labels need not be 0, 1, 2 ...
    x = rng.normal(size=(classes, dimensions))[(labels - 1) // 3] + rng.normal(0, spread, (count, dimensions))
    x = np.abs(x)  # as rectified features are: a mean that is not zero
    return (x * 512 / np.sqrt((x**2).sum(axis=1).mean())).astype(np.float32), labels


def objectives(classifiers, x, labels, C):
    signs = np.where(labels[:, None] == classifiers.classes, 1.0, -1.0)
    columns = zip(classifiers.weights.T, classifiers.intercepts, signs.T, strict=True)
    return np.array([oracles.svm_objective(w, b, x, sign, C) for w, b, sign in columns])


@given(seed=st.integers(0, 10**6), C=st.sampled_from([1e-8, 1e-6, 1e-4]), count=st.integers(2, 40))
def test_no_worse_than_a_general_optimiser(seed, C, count):
    x, labels = clouds(np.random.default_rng(seed), count=count, dimensions=3, classes=3, spread=2.0)
    found = svm.train(x, labels, C=C)
    if len(found.classes) > 1:
        best = [oracles.least_svm_objective(x, np.where(labels == c, 1.0, -1.0), C) for c in found.classes]
        assert (objectives(found, x, labels, C) <= np.multiply(best, 1 + 1e-6)).all()


@pytest.mark.parametrize("C", [1e-8, 1e-6, 1e-4])
def test_no_worse_than_liblinear(rng, C):
    x, labels = clouds(rng, count=900, dimensions=50, spread=2.0)
    found = svm.train(x, labels, C=C)
    theirs = LinearSVC(C=C, dual=False, intercept_scaling=512, tol=1e-6).fit(x.astype(float), labels)
    best = objectives(svm.LinearSVM(theirs.classes_, theirs.coef_.T, theirs.intercept_), x, labels, C)
    assert (objectives(found, x, labels, C) <= best * (1 + 1e-5)).all()
    assert abs((found.predict(x) == labels).mean() - (theirs.predict(x) == labels).mean()) <= 0.002


def test_at_small_C_it_is_ridge_regression(rng):
    x, labels = clouds(rng)
    found = svm.train(x, labels, C=1e-10)
    extended = np.hstack([x, np.full((len(x), 1), 512)]).astype(float)
    signs = np.where(labels[:, None] == found.classes, 1.0, -1.0)
    assert (np.abs(found.scores(x)) < 1).all()  # all samples are inside the margin: the loss is quadratic
    w = np.linalg.solve(np.eye(18) / 2e-10 + extended.T @ extended, extended.T @ signs)
    np.testing.assert_allclose(found.weights, w[:-1], rtol=1e-4, atol=1e-4 * np.abs(w).max())
    np.testing.assert_allclose(found.intercepts, 512 * w[-1], rtol=1e-4)


def test_one_sample_per_class_a_single_class_and_constant_features():
    x = np.array([[512.0, 0], [0, 512.0]])
    found = svm.train(x, np.array([4, 9]), C=1e-3)
    np.testing.assert_array_equal(found.predict(x), [4, 9])
    # w = a (512, -512) for class 4, with a + 2 C (512 a - 1) 512 = 0; the intercept is zero.
    a = 2 * 1e-3 * 512 / (1 + 2 * 1e-3 * 512**2)
    np.testing.assert_allclose(found.weights, [[a, -a], [-a, a]], rtol=1e-4)
    assert svm.train(x, np.array([7, 7]), C=1e-6).predict(x).tolist() == [7, 7]
    for constant in (np.zeros((11, 4)), np.full((11, 4), 512.0)):  # the most frequent class is predicted
        assert set(svm.train(constant, np.array([0] * 3 + [1] * 6 + [2] * 2)).predict(constant)) == {1}


def test_cross_validation_is_the_loop_over_folds(rng):
    x, labels = clouds(rng, spread=3.0)
    groups = rng.integers(0, 30, len(x))
    labels[groups == 3] = 99  # cannot be predicted where its only fold is left out
    Cs = [1e-5, 1e-8, 1e-6]
    found = svm.cross_validate(x, labels, groups, Cs=Cs, folds=4)
    assert found.shape == (3, len(x))
    for row, C in zip(found, Cs, strict=True):
        for train, test in GroupKFold(4).split(x, groups=groups):
            expected = svm.train(x[train], labels[train], C=C).predict(x[test])
            np.testing.assert_array_equal(row[test], expected)
    assert len({tuple(row) for row in found}) == 3
    assert not (found[:, groups == 3] == 99).any() and (found[:, groups != 3] == 99).any()
    three, five = (svm.cross_validate(x, labels, groups % 3, Cs=[1e-6], folds=n) for n in (3, 5))
    np.testing.assert_array_equal(three, five)  # there are no more folds than groups
    whole = svm.train(x, labels)
    np.testing.assert_array_equal(whole.predict(x.reshape(8, 30, 17)).ravel(), whole.predict(x))
    assert whole.scores(x[0]).shape == (6,)


def test_a_group_is_never_divided(rng):
    groups = np.repeat(np.arange(20), 6)
    labels = np.repeat(rng.permutation(20) % 4, 6)
    x = 512 * np.eye(20)[groups]  # identifies the group only: useless unless the group was trained on
    found = svm.cross_validate(x, labels, groups, Cs=[1e-4])[0]
    assert (found == labels).mean() < 0.45
    divided = svm.cross_validate(x, labels, np.arange(120), Cs=[1e-4])[0]
    assert (divided == labels).mean() == 1


def test_divergence_is_an_error_with_advice(rng, monkeypatch):
    monkeypatch.setattr(svm, "STEPS", 3)
    x, labels = clouds(rng, spread=4.0)
    with pytest.raises(ValueError, match=r"did not converge at C = 1 for features of RMS norm 512: scale"):
        svm.train(x, labels, C=1.0)


X, LABELS = np.eye(6, 3), np.arange(6) % 2


test_bad_input_is_refused = refused(
    (lambda: svm.train(np.zeros((0, 3)), np.zeros(0)), r"0 sample\(s\) \(shape=\(0, 3\)\)"),
    (lambda: svm.train(np.zeros((4, 3)), LABELS), r"inconsistent numbers of samples: \[4, 6\]"),
    (lambda: svm.train(np.full((6, 3), np.nan), LABELS), "NaN"),
    (lambda: svm.train(X, LABELS, C=0.0), "positive and finite; got 0.0"),
    (lambda: svm.train(X, LABELS, C=np.nan), "positive and finite; got nan"),
    (lambda: svm.train(X, LABELS, C=np.inf), "positive and finite; got inf"),
    (lambda: svm.cross_validate(X, LABELS, np.zeros(6), Cs=[1.0]), "2 folds and 2 groups"),
    (lambda: svm.cross_validate(X, LABELS, np.arange(6), Cs=[1.0], folds=1), "2 folds and 2 groups"),
)
