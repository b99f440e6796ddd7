"""Figures of the visualization chapter, as functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from corrlib.publishing.plots.style import DPI, show


def reconstructions(
    images: Sequence[np.ndarray],
    columns: Mapping[str, Sequence[Mapping[int, np.ndarray]]],
    *,
    covered: Sequence[np.ndarray],
    patch: np.ndarray,
    fields: Sequence[np.ndarray],
) -> Figure:
    """Draw the paper's Figure 1.

    Parameters
    ----------
    images
        n images ``(H, W, 3)``, in the left column.
    columns
        Title -> for each image ``k -> reconstruction``; all with the same k, each a row.
    covered
        ``(4,)`` xyxy box of each image that its reconstructions show, drawn broken.
    patch, fields
        ``(4,)`` xyxy boxes in the first image: one patch, yellow, and receptive fields around it, black.
    """
    ks = list(next(iter(columns.values()))[0])
    rows = len(images) * len(ks)
    ratios = [h / w for h, w in (image.shape[:2] for image in images) for _ in ks]
    width = 10.0
    unit = width / (len(ks) + len(columns))
    figure = plt.figure(figsize=(width, unit * sum(ratios) + 0.3), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(
        rows, 1 + len(columns), height_ratios=ratios, width_ratios=[len(ks), *[1] * len(columns)]
    )
    for number, image in enumerate(images):
        first = number * len(ks)
        axes = show(figure.add_subplot(grid[first : first + len(ks), 0]), image)
        _box(axes, covered[number], "white", style=(0, (4, 3)), width=1.0, halo="black")
        if number == 0:
            for field in fields:
                _box(axes, field, "black", width=1.3, halo="white")
            _box(axes, patch, "#ffd400", width=1.8, halo="black")
        for column, (title, pictures) in enumerate(columns.items(), 1):
            for row, k in enumerate(ks, first):
                axes = show(figure.add_subplot(grid[row, column]), pictures[number][k])
                if row == 0:
                    axes.set_title(title, fontsize=14)
                if column == 1:
                    axes.set_ylabel(f"{k}-NN", fontsize=13)
    return figure


def receptive_fields(averages: Mapping[str, Mapping[int, np.ndarray]]) -> Figure:
    """Draw the paper's Figure 2.

    Parameters
    ----------
    averages
        Layer -> ``k -> (n, size, size, 3)`` uint8: the seeds (k = 0), then averages over k receptive fields.
        Layers stand side by side; seeds are columns, k are rows.
    """
    ks = list(next(iter(averages.values())))
    count = sum(len(layer[0]) for layer in averages.values())
    side = 11.0 / count
    figure = plt.figure(figsize=(11.0, side * len(ks) + 0.5), dpi=DPI, layout="constrained")
    parts = np.atleast_1d(
        figure.subfigures(1, len(averages), wspace=0.02, width_ratios=[1.06, *[1] * (len(averages) - 1)])
    )
    for (name, layer), part in zip(averages.items(), parts, strict=True):
        part.suptitle(f"{name}, {layer[0].shape[1]} px", fontsize=15)
        for row, k in enumerate(ks):
            for column, picture in enumerate(layer[k]):
                axes = part.add_subplot(len(ks), len(layer[k]), row * len(layer[k]) + column + 1)
                show(axes, picture)
                if column == 0 and name == next(iter(averages)):
                    label = "seed" if k == 0 else f"{k}-NN"
                    axes.set_ylabel(label, fontsize=12)
    return figure


def _box(axes: Axes, box: np.ndarray, colour: str, *, width: float, halo: str, style="-") -> None:
    """Outline of a box, with a thin `halo` that keeps it visible on pictures of its own colour."""
    x0, y0, x1, y1 = box
    line = {"fill": False, "ec": colour, "lw": width, "ls": style}
    effects = [withStroke(linewidth=width + 1.4, foreground=halo)]
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, path_effects=effects, **line))
