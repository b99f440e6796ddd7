"""Linear SVMs for windows of feature maps, trained on all of them by hard negative mining (paper, section 5).

A window of `context` x `context` cells has ``context**2 * C`` features, and there is one around every cell.
They are never put together: a detector is applied to whole maps as a convolution, and the transpose of that
sums windows where they are. Outside of a map features are zero, as the network pads its own layers.
"""

from corrlib.hard_negatives.detectors import Detectors, responses, weighted_sum
from corrlib.hard_negatives.rounds import NORM, mine

__all__ = ["NORM", "Detectors", "mine", "responses", "weighted_sum"]
