"""The figures of the book as functions of results."""
# ruff: noqa: F401, I001
# fmt: off

from corrlib.publishing.plots.alignment import (
    aligned_by_feature, displacements, pck_curves, transferred, validated_beta,
)
from corrlib.publishing.plots.classification import (
    accuracy_by_layer, accuracy_by_share, confusions, peaks, validation,
)
from corrlib.publishing.plots.figurines import dense_truth, portraits, scenes
from corrlib.publishing.plots.prediction import predicted, predicted_pck, validated_eta
from corrlib.publishing.plots.runs import grown, swept, swept_by_alpha, swept_scores
from corrlib.publishing.plots.visualization import (
    detail_scores, joined, looking, picture, receptive_fields, reconstructions,
)
