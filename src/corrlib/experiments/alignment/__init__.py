"""Section 3 of the paper: objects of a category aligned with each other by their features."""

from corrlib.experiments.alignment.evaluation import by_order, differences, errors, validate
from corrlib.experiments.alignment.example import examples, shown
from corrlib.experiments.alignment.flows import prepare
from corrlib.experiments.alignment.readings import readings
from corrlib.experiments.alignment.settings import ALPHAS, PAPER_BETA, Settings
from corrlib.experiments.alignment.studies import by_feature, every_pixel, few, solvers, unmoved

__all__ = ["ALPHAS", "PAPER_BETA", "Settings", "by_feature", "by_order", "differences", "errors"]
__all__ += [
    "every_pixel",
    "examples",
    "few",
    "prepare",
    "readings",
    "shown",
    "solvers",
    "unmoved",
    "validate",
]
