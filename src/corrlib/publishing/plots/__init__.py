"""The figures of the book as functions of results, one module per chapter."""

from corrlib.publishing.plots.alignment import (
    aligned_by_feature,
    displacements,
    pck_curves,
    transferred,
    validated_beta,
)
from corrlib.publishing.plots.classification import (
    accuracy_by_layer,
    accuracy_by_share,
    confusions,
    peaks,
    validation,
)
from corrlib.publishing.plots.explorer import alike, followed, tolerated
from corrlib.publishing.plots.figurines import dense_truth, portraits, scenes
from corrlib.publishing.plots.introduction import joined, looking, picture
from corrlib.publishing.plots.performance import grown
from corrlib.publishing.plots.prediction import predicted, predicted_pck, validated_eta
from corrlib.publishing.plots.sweep import swept, swept_by_alpha, swept_scores
from corrlib.publishing.plots.visualization import detail_scores, receptive_fields, reconstructions

__all__ = [
    "accuracy_by_layer",
    "accuracy_by_share",
    "aligned_by_feature",
    "alike",
    "confusions",
    "dense_truth",
    "detail_scores",
    "displacements",
    "followed",
    "grown",
    "joined",
    "looking",
    "pck_curves",
    "peaks",
    "picture",
    "portraits",
    "predicted",
    "predicted_pck",
    "receptive_fields",
    "reconstructions",
    "scenes",
    "swept",
    "swept_by_alpha",
    "swept_scores",
    "tolerated",
    "transferred",
    "validated_beta",
    "validated_eta",
    "validation",
]
