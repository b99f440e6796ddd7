"""Linear SVMs for windows of feature maps, trained with hard negative mining (paper, section 5).

A window of `context` x `context` cells has ``context**2 * C`` features, and there is one around every cell.
The windows are never extracted: detectors are applied to whole maps as a convolution, and sums over windows
are its transpose. Outside a map features are zero, as in the network's own padded layers.
"""
# ruff: noqa: F401

from corrlib.hard_negatives.detectors import responses, weighted_sum
from corrlib.hard_negatives.training import NORM, train
