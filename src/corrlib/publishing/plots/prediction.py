"""Figures of the prediction chapter."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from corrlib.experiments.prediction import PAPER_ETA, Settings
from corrlib.experiments.prediction.examples import Example
from corrlib.publishing.plots.style import KEYPOINTS, curves, curves_by_alpha, panels, show


def validated_eta(settings: Settings, validated: Mapping[str, np.ndarray]) -> Figure:
    """Draw mean PCK against eta, method by method, as `prediction.validate` returns it."""
    series = {method: 100 * curve for method, curve in validated.items()}
    labels = dict(xlabel="eta", ylabel="mean PCK in percent, alpha = 0.1")
    return curves(settings.etas, series, **labels, marks={"the paper's": PAPER_ETA})


def predicted_pck(errors: Mapping[str, Sequence[np.ndarray]]) -> Figure:
    """Draw mean PCK against alpha, method by method."""
    return curves_by_alpha(errors, np.linspace(0, 0.2, 41), {"the paper's": 0.1})


def predicted(examples: Sequence[Example]) -> Figure:
    """Draw the paper's Figure 6: a row per object, its true and its predicted keypoints in columns.

    A keypoint has a number and a colour, which the legend at the right names. Predictions within the
    tolerance are discs, others are crosses.
    """
    columns, rows = 1 + len(examples[0].predicted), len(examples)
    size = (10, 10 / (columns + 1.35) * rows)
    figure, axes = panels(rows, columns + 1, size, widths=[1] * columns + [1.35])
    for row, example in zip(axes, examples, strict=True):
        visible = np.isfinite(example.truth).all(axis=1)
        numbers = {k: number for number, k in enumerate(np.flatnonzero(visible), 1)}
        points = {"ground truth": example.truth, **example.predicted}
        for place, (title, each) in zip(row, points.items(), strict=False):
            show(place, example.image)
            if example is examples[0]:
                place.set_title(title, fontsize=14)
            correct = example.correct.get(title, visible)
            for k, number in numbers.items():
                if np.isfinite(each[k]).all():
                    _mark(place, each[k], number, "o" if correct[k] else "X")
        legend = row[-1]
        legend.axis("off")
        for k, number in numbers.items():
            name = example.names[k].replace("_", " ")
            legend.scatter([], [], c=_colour(number), s=40, label=f"{number} {name}")
        few = len(numbers) <= 10
        placed = dict(loc="center left", frameon=False, handletextpad=0.1, borderaxespad=0, columnspacing=0.4)
        listed = legend.legend(fontsize=11 if few else 8.2, ncols=1 if few else 2, **placed)
        listed.set_in_layout(False)  # or the images would shrink to make room for it
    return figure


def _mark(axes: Axes, point: np.ndarray, number: int, marker: str) -> None:
    """Mark the place of a keypoint, with its number: colours occur more than once."""
    style = dict(marker=marker, s=55, edgecolors="white", linewidths=1, clip_on=False)
    axes.scatter(*point, c=_colour(number), **style)
    edge = [withStroke(linewidth=2, foreground="black")]
    where = dict(xytext=(3.5, 2.5), textcoords="offset points", annotation_clip=False)
    axes.annotate(f"{number}", point, fontsize=9, color="white", path_effects=edge, **where)


def _colour(number: int) -> str:
    return KEYPOINTS[(number - 1) % len(KEYPOINTS)]
