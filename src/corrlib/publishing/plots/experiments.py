"""Figures of the chapters on alignment, classification and prediction."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from corrlib import metrics
from corrlib.experiments import classification, prediction
from corrlib.experiments.alignment import ALPHAS, PAPER_BETA
from corrlib.experiments.alignment.evaluation import Validation
from corrlib.experiments.alignment.example import Example
from corrlib.experiments.prediction.examples import Example as Predicted
from corrlib.publishing.plots.style import (
    COLOURS,
    GREY,
    SHAPES,
    curves,
    curves_by_alpha,
    intervals,
    keypoint_style,
    lead,
    ordered,
    panels,
    show,
)


def validated_beta(validation: Validation) -> Figure:
    """Draw PCK and the share of still pairs against beta for each flow, from `alignment.validate`."""
    figure, ((upper,), (lower,)) = panels(2, 1, (6.4, 4.6), lines=True, heights=(3, 1.2))
    for (method, pck), colour, marker in zip(validation.pck.items(), COLOURS, "os", strict=False):
        look = dict(color=colour, marker=marker, lw=1.6, ms=4)
        upper.plot(validation.betas, 100 * pck[:, 0], label=method, **look)
        upper.fill_between(validation.betas, *100 * pck[:, 1:].T, color=colour, alpha=0.15, lw=0)
        lower.plot(validation.betas, 100 * validation.still[method], **look)
    for axes in (upper, lower):
        axes.axvline(PAPER_BETA, color=GREY, ls="--", lw=1.2, label="paper's value")
        axes.set_xscale("log")
        axes.grid(alpha=0.25)
    upper.set(ylabel="PCK in percent, mean of\nalpha = 0.1, 0.05, 0.025", xticklabels=[])
    lower.set(xlabel="beta", ylabel="still pairs, %", ylim=(-5, 105))
    upper.legend(fontsize=8, frameon=False)
    return figure


def pck_curves(errors: Mapping[str, Sequence[np.ndarray]]) -> Figure:
    """Draw mean PCK against alpha for each method, from the result of `alignment.errors`."""
    marks = {f"alpha = {a:g}": a for a in ALPHAS}
    return curves_by_alpha(errors, np.linspace(0.005, 0.3, 60), marks)


def averages(
    errors: Sequence[np.ndarray], categories: Sequence[str], shown: int, names: Sequence[str], alpha: float
) -> Figure:
    """Draw what a mean PCK averages, and its bootstrap.

    The keypoint types of the category numbered `shown`, whose `names` are given; all categories; and a
    histogram of the means of resampled images.
    """
    figure, ((left, middle, right),) = panels(1, 3, (8.4, 3.9), lines=True, widths=(1, 1, 1.1))
    types = [100 * metrics.pck(errors[shown][..., [k]], alpha) for k in range(len(names))]
    each = [100 * metrics.pck(one, alpha) for one in errors]
    for axes, values, labels, title in (
        (left, types, [name.replace("_", " ") for name in names], f"keypoint types of {categories[shown]}"),
        (middle, each, categories, "categories"),
    ):
        order = np.argsort(values)
        colours = [COLOURS[1] if axes is middle and k == shown else COLOURS[0] for k in order]
        axes.hlines(range(len(values)), 0, np.take(values, order), color=GREY, lw=0.8)
        axes.scatter(np.take(values, order), range(len(values)), c=colours, s=18, zorder=3)
        axes.set_yticks(range(len(values)), np.take(labels, order), fontsize=7)
        mean, colour = np.nanmean(values), COLOURS[1] if axes is left else "black"
        axes.axvline(mean, color=colour, ls="--", lw=1.4)
        axes.set_title(f"{title}: mean {mean:.1f}", fontsize=9)
        axes.set(xlabel="PCK in percent", xlim=(0, None))
    draws = 100 * metrics.resampled(errors, alpha)
    low, high = np.nanquantile(draws, [metrics.TAIL, 1 - metrics.TAIL])
    right.hist(draws, 40, color=COLOURS[0], alpha=0.55)
    right.axvspan(low, high, color=GREY, alpha=0.18, lw=0)
    right.axvline(mean, color="black", ls="--", lw=1.4)
    right.set_title(f"resampled means: {mean:.1f} [{low:.1f}, {high:.1f}]", fontsize=9)
    right.set(xlabel="mean PCK in percent", yticks=[])
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def aligned_by_feature(by_feature: Mapping[str, np.ndarray]) -> Figure:
    """Draw mean PCK of every layer and radius beside NN transfer, from `alignment.by_feature`."""
    features = {label: 100 * value for label, value in by_feature.items() if label != "NN transfer"}
    copied = np.tile(100 * by_feature["NN transfer"], (len(features), 1))
    flows = {"flow": np.stack(list(features.values()))}
    return intervals(list(features), flows, baseline={"NN transfer": copied}, label="mean PCK in percent")


def transferred(examples: Sequence[Example], alpha: float) -> Figure:
    """Draw the paper's Figure 3: for each target, its neighbours as they are and warped by each method.

    Lines lead from transferred keypoints to their true places. Below the target, all of a row are copied onto
    it. PCK at `alpha` is of the keypoints that both objects show.
    """
    count, height = max(len(one.neighbors) for one in examples), 1 + len(examples[0].warped)
    size = (10.5, 10.5 / (count + 1) * height * len(examples) + 0.25 * height * len(examples))
    figure, axes = panels(height * len(examples), count + 1, size)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    for place, title in zip(axes[0], ["target", *(f"neighbour {n + 1}" for n in range(count))], strict=True):
        place.set_title(title, fontsize=13)
    for number, one in enumerate(examples):
        first, *rows = axes[number * height : (number + 1) * height]
        pictures = zip([one.target, *one.neighbors], [one.keypoints, *one.neighbor_keypoints], strict=True)
        for place, (image, points) in zip(first, pictures, strict=False):
            _dotted(place, image, points)
        first[0].set_ylabel("as they are", fontsize=12)
        for row, method in zip(rows, one.warped, strict=True):
            points, errors = one.points[method], one.errors[method]
            copied = _scored(_dotted(row[0], one.target, *points), errors, alpha)
            copied.set_ylabel(method, fontsize=12)
            for place, image, *its in zip(row[1:], one.warped[method], points, errors, strict=False):
                _scored(_dotted(place, image, its[0]), its[1], alpha)
                lead(place, its[0], one.keypoints, [keypoint_style(k)[0] for k in range(len(its[0]))], 1.2)
    for place in axes.flat:
        place.set_visible(bool(place.images))  # a category may have fewer neighbours
    return figure


def displacements(one: Example) -> Figure:
    """Draw alignments of one target and its last neighbour as fields of arrows, a row per method."""
    figure, axes = panels(len(one.flows), 4, (10, 2.6 * len(one.flows)))
    at = np.rint(one.nodes).astype(int).reshape(-1, 2)
    for row, (method, flows) in zip(axes, one.flows.items(), strict=True):
        pictures = (one.target, one.target, one.neighbors[-1], one.warped[method][-1])
        for place, image in zip(row, pictures, strict=True):
            show(place, image)
        row[0].set_ylabel(method, fontsize=13)
        row[1].images[0].set_alpha(0.35)
        flow = flows[-1][at[:, 1], at[:, 0]]
        angle = np.arctan2(flow[:, 1], flow[:, 0])
        arrows = dict(angles="xy", scale_units="xy", scale=1, width=0.009, headwidth=4)
        row[1].quiver(*at.T, *flow.T, angle, cmap="hsv", clim=(-np.pi, np.pi), **arrows)
    for place, title in zip(axes[0], ("target", "flow", "neighbour", "neighbour, warped"), strict=True):
        place.set_title(title, fontsize=13)
    return figure


def _scored(axes: Axes, errors: np.ndarray, alpha: float) -> Axes:
    """Write PCK under a picture, of the keypoints that both objects show, whose errors are finite."""
    scored = errors[np.isfinite(errors)]
    share = f"PCK {100 * np.mean(scored < alpha):.0f} %" if scored.size else "none in common"
    axes.set_xlabel(share, fontsize=11, labelpad=2)
    return axes


def _dotted(axes: Axes, image: np.ndarray, *points: np.ndarray) -> Axes:
    """Show an image and sets of keypoints ``(K, 2)`` on it, each keypoint in its own colour and shape."""
    show(axes, image)
    for its in points:
        styles = list(map(keypoint_style, range(len(its))))
        for shape in SHAPES:
            if of := [k for k, (_, its_shape) in enumerate(styles) if its_shape == shape]:
                look = dict(c=[styles[k][0] for k in of], marker=shape, edgecolors="white", linewidths=0.6)
                axes.scatter(*its[of].T, s=24, zorder=2, **look)
    return axes


def validation(
    settings: classification.Settings, accuracies: Mapping[classification.Feature, np.ndarray]
) -> Figure:
    """Draw the paper's Figure 5: accuracy against C for layers and for SIFT; a line marks the C in use."""
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


def peaks(
    histograms: Mapping[str, Mapping[classification.Feature, np.ndarray]], strides: Mapping[str, int]
) -> Figure:
    """Draw the paper's Figure 4: keypoints (a row) -> feature (a column) -> percent around the keypoint.

    `strides` are those of the layers: a square of that side shows where a unit is the nearest.
    """
    columns = list(next(iter(histograms.values())))
    size = (10, (8.8 / len(columns) + 0.35) * len(histograms))
    figure, axes = panels(len(histograms), len(columns), size, lines=True)
    most = max(1, *(percent.max() for each in histograms.values() for percent in each.values()))
    for place, feature in zip(axes[0], columns, strict=True):
        place.set_title(str(feature), fontsize=12)
    for row, (keypoint, each) in zip(axes, histograms.items(), strict=True):
        row[0].set_ylabel(keypoint, fontsize=11)
        for place, (feature, percent) in zip(row, each.items(), strict=True):
            reach = (2 * classification.REACH + 1) / 2
            window = (-reach, reach, reach, -reach)
            image = place.imshow(percent, cmap="Greys", norm=PowerNorm(0.5, 0, most), extent=window)
            place.plot(0, 0, "+", color="#d55e00", ms=8, mew=1.2)
            if stride := strides.get(feature):
                box = dict(fill=False, ec="#d55e00", lw=1.2)
                place.add_patch(Rectangle((-stride / 2, -stride / 2), stride, stride, **box))
            place.set(xticks=[], yticks=[])
            place.set_xlabel(f"{percent.sum():.0f} % inside", fontsize=10)
    figure.colorbar(image, ax=axes.ravel().tolist(), shrink=0.7, pad=0.01, label="percent of windows")
    return figure


def confusions(matrices: Mapping[classification.Feature, np.ndarray], names: Sequence[str]) -> Figure:
    """Draw confusion matrices: feature -> ``(K, K)`` shares or NaN, with the true keypoints in rows."""
    figure, axes = panels(1, len(matrices), (10, 5.4), lines=True, sharey=True)
    for place, (feature, matrix) in zip(axes[0], matrices.items(), strict=True):
        image = place.imshow(100 * matrix, cmap="Blues", vmin=0, vmax=100)
        place.set_xticks(range(len(names)), names, rotation=90, fontsize=10)
        place.set_yticks(range(len(names)), names, fontsize=10)
        place.set_title(str(feature), fontsize=13)
        place.set_xlabel("predicted keypoint", fontsize=12)
    axes[0, 0].set_ylabel("true keypoint", fontsize=12)
    figure.colorbar(image, ax=axes[0].tolist(), shrink=0.6, label="percent")
    return figure


def accuracy_by_layer(
    means: Mapping[str, np.ndarray], baseline: Mapping[classification.Feature, np.ndarray]
) -> Figure:
    """Draw the mean accuracy ``(3,)`` of each layer, with its interval, beside that of other features."""
    lines = {str(feature): np.tile(value, (len(means), 1)) for feature, value in baseline.items()}
    layers = {"layer": np.stack(list(means.values()))}
    figure = intervals(list(means), layers, baseline=lines, label="mean accuracy in percent")
    figure.axes[0].tick_params(axis="x", labelrotation=40)
    return figure


def accuracy_by_share(means: Mapping[classification.Feature, np.ndarray]) -> Figure:
    """Draw the mean accuracy of features at each of `SHARES` of the training images, with its interval."""
    series = {str(feature): values for feature, values in means.items()}
    labels = dict(xlabel="share of the training images", ylabel="mean accuracy in percent")
    figure = curves(classification.SHARES, series, **labels)
    figure.axes[0].set_xscale("log")
    figure.axes[0].set_xticks(classification.SHARES, [f"{share:g}" for share in classification.SHARES])
    figure.axes[0].minorticks_off()
    return figure


def validated_eta(settings: prediction.Settings, validated: Mapping[str, np.ndarray]) -> Figure:
    """Draw mean PCK against eta for each method, from the result of `prediction.validate`."""
    series = {method: 100 * curve for method, curve in validated.items()}
    labels = dict(xlabel="eta", ylabel="mean PCK in percent, alpha = 0.1")
    return curves(settings.etas, series, **labels, marks={"paper's value": prediction.PAPER_ETA})


def predicted_pck(errors: Mapping[str, Sequence[np.ndarray]]) -> Figure:
    """Draw mean PCK against alpha for two methods, and for the same two with the prior."""
    return curves_by_alpha(errors, np.linspace(0, 0.2, 41), {"paper's value": 0.1}, paired=True)


def predicted(examples: Sequence[Predicted]) -> Figure:
    """Draw the paper's Figure 6: a row per object, with its true and its predicted keypoints in columns.

    Each visible keypoint has a colour and a shape, which the legend on the right explains. Predictions within
    the tolerance are filled, others are white. A line leads from each prediction to the truth.
    """
    columns, rows = 1 + len(examples[0].predicted), len(examples)
    size = (10, 10 / (columns + 1.95) * rows)
    figure, axes = panels(rows, columns + 1, size, widths=[1] * columns + [1.95])
    for row, example in zip(axes, examples, strict=True):
        visible = np.flatnonzero(np.isfinite(example.truth).all(axis=1))
        points = {"ground truth": example.truth, **example.predicted}
        for place, (title, each) in zip(row, points.items(), strict=False):
            show(place, example.image)
            if example is examples[0]:
                place.set_title(title, fontsize=14)
            correct = example.correct.get(title, np.isfinite(example.truth).all(axis=1))
            styles = list(map(keypoint_style, range(len(visible))))
            lead(place, each[visible], example.truth[visible], [colour for colour, _ in styles], 1.3)
            for (colour, shape), k in zip(styles, visible, strict=True):
                face, edge = (colour, "white") if correct[k] else ("white", colour)
                name = example.names[k].replace("_", " ")
                look = dict(marker=shape, s=50, lw=1 if correct[k] else 2, clip_on=False, zorder=2)
                place.scatter(*each[k], c=face, edgecolors=edge, label=name, **look)
        row[-1].axis("off")
        few = len(visible) <= 8
        placed = dict(loc="center left", frameon=False, handletextpad=0.1, borderaxespad=0, columnspacing=0.4)
        placed |= dict(labelspacing=0.25)
        handles = row[0].get_legend_handles_labels()
        listed = row[-1].legend(*handles, fontsize=12, ncols=1 if few else 2, **placed)
        listed.set_in_layout(False)  # or the images would shrink to make room for it
    return figure
