"""Figures of the classification chapter."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from corrlib.experiments.classification import SHARES, Feature, Settings
from corrlib.publishing.plots.style import GREY, curves, intervals, ordered, panels


def validation(settings: Settings, accuracies: Mapping[Feature, np.ndarray]) -> Figure:
    """Draw the paper's Figure 5: accuracy at each C, of layers and of SIFT; a line marks the C in use."""
    kinds = {"convnet layers": settings.layers, "SIFT, by radius": settings.sift}
    figure, axes = panels(1, len(kinds), (9, 4.2), lines=True, sharey=True)
    for place, letter, (title, features) in zip(axes[0], "ab", kinds.items(), strict=True):
        # The scale comes first: a single C would have no range on a linear one.
        place.set(xscale="log", xlabel="C", title=f"({letter}) {title}")
        styles = zip(features, ordered(len(features)), "os^Dv<>p*hX", strict=False)
        for feature, colour, marker in styles:
            values = accuracies[feature]
            place.plot(settings.Cs, values, color=colour, marker=marker, label=str(feature), lw=1.6, ms=5)
        place.axvline(settings.C, color=GREY, ls="--", lw=1.2)
        place.grid(alpha=0.25)
        place.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3)
    axes[0, 0].set_ylabel("mean accuracy in percent")
    return figure


def peaks(histograms: Mapping[str, Mapping[Feature, np.ndarray]]) -> Figure:
    """Draw the paper's Figure 4: keypoint (a row) -> feature (a column) -> counts around the keypoint."""
    columns = list(next(iter(histograms.values())))
    size = (10, 10 / len(columns) * len(histograms) + 0.5)
    figure, axes = panels(len(histograms), len(columns), size)
    for place, feature in zip(axes[0], columns, strict=True):
        place.set_title(str(feature), fontsize=12)
    for row, (keypoint, each) in zip(axes, histograms.items(), strict=True):
        row[0].set_ylabel(keypoint, fontsize=12)
        for place, counts in zip(row, each.values(), strict=True):
            middle = (len(counts) - 1) / 2
            place.imshow(counts, cmap="Greys", vmin=0, vmax=max(1, counts.max()))
            place.plot(middle, middle, "+", color="#d55e00", ms=9, mew=1.4)
            place.set(xticks=[], yticks=[])
            place.set_xlabel(f"n = {counts.sum():.0f}", fontsize=11)
    return figure


def confusions(matrices: Mapping[Feature, np.ndarray], names: Sequence[str]) -> Figure:
    """Draw what keypoints are taken for: feature -> ``(K, K)`` shares or NaN, whose rows are the truth."""
    figure, axes = panels(1, len(matrices), (10, 5.4), sharey=True)
    for place, (feature, matrix) in zip(axes[0], matrices.items(), strict=True):
        image = place.imshow(100 * matrix, cmap="Blues", vmin=0, vmax=100)
        place.set_xticks(range(len(names)), names, rotation=90, fontsize=10)
        place.set_yticks(range(len(names)), names, fontsize=10)
        place.set_title(str(feature), fontsize=13)
        place.set_xlabel("taken for", fontsize=12)
    axes[0, 0].set_ylabel("true keypoint", fontsize=12)
    figure.colorbar(image, ax=axes[0].tolist(), shrink=0.6, label="percent")
    return figure


def accuracy_by_layer(means: Mapping[str, np.ndarray], baseline: Mapping[Feature, np.ndarray]) -> Figure:
    """Draw the mean accuracy ``(3,)`` of each layer, with its interval, beside that of other features."""
    lines = {str(feature): np.tile(value, (len(means), 1)) for feature, value in baseline.items()}
    layers = {"layer": np.stack(list(means.values()))}
    figure = intervals(list(means), layers, baseline=lines, label="mean accuracy in percent")
    figure.axes[0].tick_params(axis="x", labelrotation=40)
    return figure


def accuracy_by_share(means: Mapping[Feature, np.ndarray]) -> Figure:
    """Draw the mean accuracy of features at each of `SHARES` of the training images, with its interval."""
    series = {str(feature): values for feature, values in means.items()}
    labels = dict(xlabel="share of the training images", ylabel="mean accuracy in percent")
    figure = curves(SHARES, series, **labels)
    figure.axes[0].set_xscale("log")
    figure.axes[0].set_xticks(SHARES, [f"{share:g}" for share in SHARES])
    figure.axes[0].minorticks_off()
    return figure
