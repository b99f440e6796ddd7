"""Section 2 of the paper: what features preserve of an image, shown by their nearest neighbours."""
# ruff: noqa: F401

from corrlib.experiments.visualization.averages import receptive_field_averages
from corrlib.experiments.visualization.centers import agreement, similar_colours
from corrlib.experiments.visualization.reconstruction import differences, reconstruct, scores
from corrlib.experiments.visualization.settings import Settings, database, part, scored, shown
from corrlib.experiments.visualization.units import LAYERS, table_1
