"""Figures of the alignment chapter."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from corrlib.experiments.alignment import ALPHAS, PAPER_BETA
from corrlib.experiments.alignment.evaluation import Validation
from corrlib.experiments.alignment.example import Example
from corrlib.publishing.plots import style


def validated_beta(validation: Validation) -> Figure:
    """Draw PCK and the share of still pairs against beta, flow by flow, as `alignment.validate` has them."""
    figure, ((upper,), (lower,)) = style.panels(2, 1, (6.4, 4.6), lines=True, heights=(3, 1.2))
    for (method, pck), colour, marker in zip(validation.pck.items(), style.COLOURS, "os", strict=False):
        look = dict(color=colour, marker=marker, lw=1.6, ms=4)
        upper.plot(validation.betas, 100 * pck[:, 0], label=method, **look)
        upper.fill_between(validation.betas, *100 * pck[:, 1:].T, color=colour, alpha=0.15, lw=0)
        lower.plot(validation.betas, 100 * validation.still[method], **look)
    for axes in (upper, lower):
        axes.axvline(PAPER_BETA, color=style.GREY, ls="--", lw=1.2, label="the paper's")
        axes.set_xscale("log")
        axes.grid(alpha=0.25)
    upper.set(ylabel="PCK in percent, mean of\nalpha = 0.1, 0.05, 0.025", xticklabels=[])
    lower.set(xlabel="beta", ylabel="still pairs, %", ylim=(-5, 105))
    upper.legend(fontsize=8, frameon=False)
    return figure


def pck_curves(errors: Mapping[str, Sequence[np.ndarray]]) -> Figure:
    """Draw mean PCK against alpha, method by method, as `alignment.errors` returns them."""
    marks = {f"alpha = {a:g}": a for a in ALPHAS}
    return style.curves_by_alpha(errors, np.linspace(0.005, 0.3, 60), marks)


def aligned_by_feature(by_feature: Mapping[str, np.ndarray]) -> Figure:
    """Draw mean PCK by every layer and radius, beside NN transfer, as `alignment.by_feature` returns it."""
    features = {label: 100 * value for label, value in by_feature.items() if label != "NN transfer"}
    copied = np.tile(100 * by_feature["NN transfer"], (len(features), 1))
    flows = {"flow": np.stack(list(features.values()))}
    return style.intervals(
        list(features), flows, baseline={"NN transfer": copied}, label="mean PCK in percent"
    )


def transferred(examples: Sequence[Mapping[str, Example]]) -> Figure:
    """Draw the paper's Figure 3: a row per target and method; at the right, all transferred keypoints."""
    methods, targets = list(examples[0]), [next(iter(each.values())) for each in examples]
    count = max(len(example.warped) for each in examples for example in each.values())
    columns, height = count + 2, len(methods)
    unit = 10.5 / (columns - 1 + height)
    figure = plt.figure(
        figsize=(10.5, unit * height * len(targets) + 0.2), dpi=style.DPI, layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    ratios = [height, *[1] * (columns - 1)]
    grid = figure.add_gridspec(height * len(targets), columns, width_ratios=ratios)
    for number, (target, each) in enumerate(zip(targets, examples, strict=True)):
        first = number * height
        left = _dotted(figure.add_subplot(grid[first : first + height, 0]), target.target, target.keypoints)
        if number == 0:
            left.set_title("target", fontsize=13)
        for row, method in enumerate(methods, first):
            example = each[method]
            pairs = zip(example.warped, example.points, strict=True)
            for column, (image, points) in enumerate(pairs, 1):
                axes = _dotted(figure.add_subplot(grid[row, column]), image, points)
                if column == 1:
                    axes.set_ylabel(method, fontsize=12)
                if row == 0:
                    axes.set_title(f"neighbour {column}", fontsize=13)
            right = _dotted(figure.add_subplot(grid[row, -1]), target.target, *example.points)
            if row == 0:
                right.set_title("copied", fontsize=13)
    return figure


def displacements(example: Mapping[str, Example]) -> Figure:
    """Draw alignments of one target and its first neighbour as fields of arrows, a row per method."""
    figure, axes = style.panels(len(example), 4, (10, 2.6 * len(example)))
    for row, (method, one) in zip(axes, example.items(), strict=True):
        pictures = (one.target, one.target, one.neighbors[0], one.warped[0])
        for place, image in zip(row, pictures, strict=True):
            style.show(place, image)
        row[0].set_ylabel(method, fontsize=13)
        row[1].images[0].set_alpha(0.35)
        at = np.rint(one.nodes).astype(int).reshape(-1, 2)
        flow = one.flows[0][at[:, 1], at[:, 0]]
        angle = np.arctan2(flow[:, 1], flow[:, 0])
        arrows = dict(angles="xy", scale_units="xy", scale=1, width=0.009, headwidth=4)
        row[1].quiver(*at.T, *flow.T, angle, cmap="hsv", clim=(-np.pi, np.pi), **arrows)
    for place, title in zip(axes[0], ("target", "flow", "neighbour", "neighbour, warped"), strict=True):
        place.set_title(title, fontsize=13)
    return figure


def _dotted(axes: Axes, image: np.ndarray, *points: np.ndarray) -> Axes:
    """Show an image and sets of keypoints ``(K, 2)`` on it, each keypoint in its own colour and shape."""
    style.show(axes, image)
    for its in points:
        styles = list(map(style.keypoint_style, range(len(its))))
        for shape in style.SHAPES:
            if of := [k for k, (_, its_shape) in enumerate(styles) if its_shape == shape]:
                look = dict(c=[styles[k][0] for k in of], marker=shape, edgecolors="white", linewidths=0.6)
                axes.scatter(*its[of].T, s=16, **look)
    return axes
