"""The paper's figures as functions of arrays; a module a chapter."""

from corrlib.plots.alignment import displacements, transferred
from corrlib.plots.style import curves, intervals
from corrlib.plots.visualization import receptive_fields, reconstructions

__all__ = ["curves", "displacements", "intervals", "receptive_fields", "reconstructions", "transferred"]
