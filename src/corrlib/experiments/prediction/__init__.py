"""Section 5 of the paper: keypoints of the object in a given box, predicted by sliding window detectors."""
# ruff: noqa: F401

from corrlib.experiments.prediction.evaluation import (
    by_stride,
    copy_errors,
    differences,
    errors,
    stride_gain,
    validate,
)
from corrlib.experiments.prediction.examples import examples, shown
from corrlib.experiments.prediction.features import grid
from corrlib.experiments.prediction.readings import readings
from corrlib.experiments.prediction.settings import ALPHAS, PAPER_ETA, SIFT, Settings
from corrlib.experiments.prediction.training import HELD_OUT_GAP, mining
