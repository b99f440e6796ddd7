"""Figures of the alignment chapter, as functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from corrlib.publishing.plots.style import DPI, SHAPES, keypoint_style, show


def transferred(
    targets: Sequence[np.ndarray],
    keypoints: Sequence[np.ndarray],
    warped: Mapping[str, Sequence[np.ndarray]],
    points: Mapping[str, Sequence[np.ndarray]],
) -> Figure:
    """Draw the paper's Figure 3.

    Parameters
    ----------
    targets, keypoints
        For each target its image ``(H, W, 3)`` and its own keypoints ``(K, 2)``, at the left.
    warped, points
        Method -> for each target the warped neighbours ``(n, H, W, 3)`` and the keypoints ``(n, K, 2)``
        transferred from them. A method is a row; at its right all its points are copied onto the target.
    """
    count = max(len(images) for rows in warped.values() for images in rows)
    columns, height = count + 2, len(warped)
    unit = 10.5 / (columns - 1 + height)
    figure = plt.figure(figsize=(10.5, unit * height * len(targets) + 0.2), dpi=DPI, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    ratios = [height, *[1] * (columns - 1)]
    grid = figure.add_gridspec(height * len(targets), columns, width_ratios=ratios)
    for number, (target, own) in enumerate(zip(targets, keypoints, strict=True)):
        first = number * height
        left = _dotted(figure.add_subplot(grid[first : first + height, 0]), target, own)
        if number == 0:
            left.set_title("target", fontsize=13)
        for row, name in enumerate(warped, first):
            images, transferred = warped[name][number], points[name][number]
            for column, (image, its) in enumerate(zip(images, transferred, strict=True), 1):
                axes = _dotted(figure.add_subplot(grid[row, column]), image, its)
                if column == 1:
                    axes.set_ylabel(name, fontsize=12)
                if row == 0:
                    axes.set_title(f"neighbour {column}", fontsize=13)
            right = _dotted(figure.add_subplot(grid[row, columns - 1]), target, *transferred)
            if row == 0:
                right.set_title("copied", fontsize=13)
    return figure


def displacements(
    target: np.ndarray,
    neighbours: Mapping[str, np.ndarray],
    warped: Mapping[str, np.ndarray],
    flows: Mapping[str, np.ndarray],
    nodes: np.ndarray,
) -> Figure:
    """Draw alignments of one target as fields of arrows, by several methods, each a row.

    Parameters
    ----------
    target
        The image ``(H, W, 3)``.
    neighbours, warped, flows
        Method -> the neighbour ``(H, W, 3)``, the same warped, and the flow ``(H, W, 2)`` in pixels from each
        place of the target to its match in the neighbour.
    nodes
        ``(h, w, 2)`` the places where arrows begin.
    """
    size = (10, 2.6 * len(flows))
    figure, axes = plt.subplots(len(flows), 4, figsize=size, dpi=DPI, layout="constrained", squeeze=False)
    at = np.rint(nodes).astype(int).reshape(-1, 2)
    for row, name in zip(axes, flows, strict=True):
        for place, image in zip(row, (target, target, neighbours[name], warped[name]), strict=True):
            show(place, image)
        row[0].set_ylabel(name, fontsize=13)
        row[1].images[0].set_alpha(0.35)
        flow = flows[name][at[:, 1], at[:, 0]]
        angle = np.arctan2(flow[:, 1], flow[:, 0])
        arrows = dict(angles="xy", scale_units="xy", scale=1, width=0.009, headwidth=4)
        row[1].quiver(*at.T, *flow.T, angle, cmap="hsv", clim=(-np.pi, np.pi), **arrows)
    for place, title in zip(axes[0], ("target", "flow", "neighbour", "neighbour, warped"), strict=True):
        place.set_title(title, fontsize=13)
    return figure


def _dotted(axes: Axes, image: np.ndarray, *points: np.ndarray) -> Axes:
    """Show an image and sets of keypoints ``(K, 2)`` on it, each keypoint in its own colour and shape."""
    show(axes, image)
    for its in points:
        colours, shapes = zip(*map(keypoint_style, range(len(its))), strict=True)
        for shape in SHAPES:
            of = np.array([mark == shape for mark in shapes])
            if of.any():
                style = dict(marker=shape, s=16, edgecolors="white", linewidths=0.6)
                axes.scatter(
                    *its[of].T, c=[c for c, its_own in zip(colours, of, strict=True) if its_own], **style
                )
    return axes
