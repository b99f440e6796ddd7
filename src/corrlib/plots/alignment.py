"""Figures of the alignment chapter, as functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from corrlib.plots.style import DPI, show


class Pictures(Protocol):
    """A target, the neighbours aligned with it, and how: what these figures draw."""

    target: np.ndarray
    keypoints: np.ndarray
    neighbours: np.ndarray
    warped: np.ndarray
    points: np.ndarray
    flows: np.ndarray
    nodes: np.ndarray


def transferred(examples: Sequence[Mapping[str, Pictures]]) -> Figure:
    """Draw the paper's Figure 3.

    Parameters
    ----------
    examples
        For each target, method -> its image ``(H, W, 3)`` and its keypoints ``(K, 2)``, the warped neighbours
        ``(n, H, W, 3)`` and the keypoints ``(n, K, 2)`` transferred from them. A method is a row.
    """
    methods, count = list(examples[0]), len(next(iter(examples[0].values())).warped)
    rows, columns = len(examples) * len(methods), count + 2
    figure = plt.figure(figsize=(10.0, 10.0 / columns * rows), dpi=DPI, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    grid = figure.add_gridspec(rows, columns)
    for number, found in enumerate(examples):
        first = number * len(methods)
        one = found[methods[0]]
        axes = show(figure.add_subplot(grid[first : first + len(methods), 0]), one.target)
        _dots(axes, one.keypoints)
        if number == 0:
            axes.set_title("target", fontsize=9)
        for row, name in enumerate(methods, first):
            one = found[name]
            for column, (image, its) in enumerate(zip(one.warped, one.points, strict=True), 1):
                axes = show(figure.add_subplot(grid[row, column]), image)
                _dots(axes, its)
                if column == 1:
                    axes.set_ylabel(name, fontsize=8)
            axes = show(figure.add_subplot(grid[row, columns - 1]), one.target)
            for its in one.points:
                _dots(axes, its)
            if row == 0:
                axes.set_title("keypoints, copied", fontsize=9)
    return figure


def displacements(examples: Mapping[str, Pictures]) -> Figure:
    """Draw the alignment of one target with its last neighbour, as a field of arrows.

    Parameters
    ----------
    examples
        Method -> the target, the neighbours and the warped neighbours ``(n, H, W, 3)``, the feature locations
        ``(h, w, 2)`` and the flows ``(n, H, W, 2)`` in pixels. A method is a row.
    """
    figure, axes = plt.subplots(
        len(examples), 4, figsize=(10, 2.6 * len(examples)), dpi=DPI, layout="constrained", squeeze=False
    )
    for row, (name, one) in zip(axes, examples.items(), strict=True):
        pictures = (one.target, one.target, one.neighbours[-1], one.warped[-1])
        for place, image in zip(row, pictures, strict=True):
            show(place, image)
        nodes = np.rint(one.nodes).astype(int).reshape(-1, 2)
        flow = one.flows[-1][nodes[:, 1], nodes[:, 0]]
        row[0].set_ylabel(name, fontsize=9)
        row[1].images[0].set_alpha(0.45)
        angle = np.arctan2(flow[..., 1], flow[..., 0])
        row[1].quiver(
            *nodes.T,
            *flow.T,
            angle,
            angles="xy",
            scale_units="xy",
            scale=1,
            width=0.008,
            cmap="twilight_shifted",
            clim=(-np.pi, np.pi),
        )
    for place, title in zip(axes[0], ("target", "flow", "neighbour", "neighbour, warped"), strict=True):
        place.set_title(title, fontsize=9)
    return figure


def _dots(axes: Axes, points: np.ndarray) -> None:
    """Keypoints ``(K, 2)``, each in a colour of its own."""
    colours = plt.get_cmap("hsv")(np.arange(len(points)) / max(len(points), 1))
    axes.scatter(*points.T, c=colours, s=14, edgecolors="white", linewidths=0.6)
