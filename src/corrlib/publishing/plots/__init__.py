"""The paper's figures as functions of arrays; a module a chapter."""

from corrlib.publishing.plots.alignment import displacements, transferred
from corrlib.publishing.plots.classification import confusions, peaks, validation
from corrlib.publishing.plots.explorer import alike, followed, tolerated
from corrlib.publishing.plots.introduction import joined, looking
from corrlib.publishing.plots.performance import grown
from corrlib.publishing.plots.prediction import predicted
from corrlib.publishing.plots.style import curves, intervals
from corrlib.publishing.plots.sweep import swept
from corrlib.publishing.plots.visualization import receptive_fields, reconstructions

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
