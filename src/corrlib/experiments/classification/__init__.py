"""Section 4 of the paper: classify the type of a keypoint, given its location, from a single feature."""
# ruff: noqa: F401

from corrlib.experiments.classification.evaluation import (
    SHARES,
    accuracy,
    best_C,
    best_features,
    classify,
    confusion,
    differences,
    mean_accuracy,
    merged_accuracy,
    rectification,
    sizes,
    validate,
)
from corrlib.experiments.classification.features import keypoints
from corrlib.experiments.classification.proximity import histograms, localisation
from corrlib.experiments.classification.responses import MARGIN, REACH, peaks
from corrlib.experiments.classification.settings import Feature, Settings
