"""The paper's figures as functions of arrays; a module a chapter."""

from corrlib.plots.alignment import displacements, transferred
from corrlib.plots.classification import confusions, peaks, validation
from corrlib.plots.explorer import alike, followed, tolerated
from corrlib.plots.introduction import joined, looking
from corrlib.plots.performance import grown
from corrlib.plots.prediction import predicted
from corrlib.plots.style import curves, intervals
from corrlib.plots.sweep import swept
from corrlib.plots.visualization import receptive_fields, reconstructions

__all__ = [
    "alike",
    "confusions",
    "curves",
    "displacements",
    "followed",
    "grown",
    "intervals",
    "joined",
    "looking",
    "peaks",
    "predicted",
    "receptive_fields",
    "reconstructions",
    "swept",
    "tolerated",
    "transferred",
    "validation",
]
