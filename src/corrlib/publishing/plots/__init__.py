"""The figures of the book as functions of results."""
# ruff: noqa: F401, I001
# fmt: off

from corrlib.publishing.plots.experiments import (
    accuracy_by_layer, accuracy_by_share, aligned_by_feature, averages, confusions, displacements, pck_curves,
    peaks, predicted, predicted_pck, transferred, validated_beta, validated_eta, validation,
)
from corrlib.publishing.plots.figurines import dense_truth, gallery, portraits, scenes
from corrlib.publishing.plots.runs import by_depth, grown, swept, swept_by_alpha, swept_scores
from corrlib.publishing.plots.visualization import (
    detail_scores, joined, looking, parts, receptive_fields, reconstructions, tolerances,
)
