"""SVMs of all classes at each of eleven C, on one fold, against scikit-learn's LinearSVC."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from benchmarks.harness import Contest, Kernel, Sides
from corrlib import svm

COUNT, WIDTH, CLASSES = 6400, 384, 16
CS = tuple(np.logspace(-8, -4, 11).tolist())


def samples(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rectified features of RMS norm 512 and labels, of classes that overlap as those of keypoints do."""
    labels = np.random.default_rng(seed).integers(0, CLASSES, count)
    rng = np.random.default_rng(9)
    centres, mix = rng.standard_normal((CLASSES, 24)), rng.standard_normal((24, WIDTH)) / np.sqrt(24)
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((count, 24)) + 0.3 * centres[labels]
    x = np.maximum(hidden @ mix + 0.7 * rng.standard_normal((count, WIDTH)) - 0.3, 0).astype(np.float32)
    return x * np.float32(512 / np.sqrt((x.astype(float) ** 2).sum(axis=1).mean())), labels


def against_liblinear(dual: bool, quick: bool) -> Sides:
    """Eleven classifiers of sixteen classes each; a quick run uses a tenth of the samples."""
    x, labels = samples(COUNT // 10 if quick else COUNT)
    fresh, truth = samples(2 * COUNT, seed=1)

    def theirs() -> list[svm.LinearSVM]:
        path = []
        for C in CS:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # it stops after a thousand steps
                classifier = LinearSVC(C=C, dual=dual, intercept_scaling=svm.INTERCEPT, random_state=0)
                classifier.fit(x, labels)
            path.append(svm.LinearSVM(classifier.classes_, classifier.coef_.T, classifier.intercept_))
        return path

    def objectives(classifier: svm.LinearSVM, C: float) -> np.ndarray:
        weights, intercepts = classifier.weights.astype(float), classifier.intercepts.astype(float)
        signs = np.where(labels[:, None] == classifier.classes, 1.0, -1.0)
        inside = np.maximum(0, 1 - signs * (x.astype(float) @ weights + intercepts))
        half = (weights**2).sum(axis=0) + (intercepts / svm.INTERCEPT) ** 2
        return half / 2 + C * (inside**2).sum(axis=0)

    def check(ours: list[svm.LinearSVM], others: list[svm.LinearSVM]) -> tuple[bool, str]:
        above = max(
            (objectives(a, C) / objectives(b, C) - 1).max() for a, b, C in zip(ours, others, CS, strict=True)
        )
        right = [[np.mean(m.predict(fresh) == truth) for m in side] for side in (ours, others)]
        # If the dual solver has not converged, its accuracy differs; this is not an error of ours.
        converged = [
            abs(objectives(a, C) / objectives(b, C) - 1).max() < 1e-3
            for a, b, C in zip(ours, others, CS, strict=True)
        ]
        apart = np.abs(np.subtract(*right))[converged].max()
        said = f"objective above theirs by {above:.0e} at most; accuracy within {apart:.4f}"
        return above <= 1e-4 and apart <= 1e-3, said

    return Sides(lambda: svm._path(x, labels, CS), theirs, check)


KERNEL = Kernel(
    contests=[
        Contest(
            f"{CLASSES} classes x {len(CS)} C, {COUNT} x {WIDTH}",
            name,
            partial(against_liblinear, dual),
            goal,
            0,
        )
        for name, dual, goal in (("LinearSVC(dual=True)", True, 8), ("LinearSVC(dual=False)", False, None))
    ]
)
