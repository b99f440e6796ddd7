"""Section 3 of the paper: objects of a category aligned with each other by their features."""
# ruff: noqa: F401

from corrlib.experiments.alignment.evaluation import (
    ORDERS,
    by_order,
    copy_errors,
    differences,
    errors,
    flow_errors,
    validate,
)
from corrlib.experiments.alignment.example import examples, shown
from corrlib.experiments.alignment.flows import prepare
from corrlib.experiments.alignment.readings import readings
from corrlib.experiments.alignment.settings import ALPHAS, PAPER_BETA, Settings
from corrlib.experiments.alignment.studies import by_feature, every_pixel, few, solvers, unmoved
