"""Figures of the visualization chapter, as functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from corrlib.experiments.visualization import LAYERS
from corrlib.experiments.visualization.reconstruction import Reconstruction
from corrlib.publishing.plots.style import DPI, intervals, show


def reconstructions(
    rebuilt: Mapping[str, Sequence[Reconstruction]], fields: Sequence[int], point: np.ndarray
) -> Figure:
    """Draw the paper's Figure 1: images at the left, each in a row per number of neighbours.

    Parameters
    ----------
    rebuilt
        Layer -> reconstructions of the same images; the uniform column is that of the first layer.
    fields
        Sides of receptive fields, drawn around one patch of the first image.
    point
        ``(x, y)`` of the first image: the patch is the nearest one.
    """
    first = next(iter(rebuilt.values()))
    columns = {layer: [r.neighbors for r in each] for layer, each in rebuilt.items()}
    columns["uniform rf"] = [r.uniform for r in first]
    ks = list(first[0].neighbors)
    ratios = [h / w for h, w in (r.image.shape[:2] for r in first) for _ in ks]
    unit = 10.0 / (len(ks) + len(columns))
    figure = plt.figure(figsize=(10.0, unit * sum(ratios) + 0.3), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(
        len(ratios), 1 + len(columns), height_ratios=ratios, width_ratios=[len(ks), *[1] * len(columns)]
    )
    for number, reconstruction in enumerate(first):
        top = number * len(ks)
        axes = show(figure.add_subplot(grid[top : top + len(ks), 0]), reconstruction.image)
        centers, size = reconstruction.centers.reshape(-1, 2), reconstruction.size
        covered = np.concatenate([centers[0] - size / 2, centers[-1] + size / 2])
        _box(axes, covered, "white", style=(0, (4, 3)), width=1.0, halo="black")
        if number == 0:
            center = centers[np.linalg.norm(centers - point, axis=1).argmin()]
            for side in fields:
                _box(axes, _square(center, side), "black", width=1.3, halo="white")
            _box(axes, _square(center, size), "#ffd400", width=1.8, halo="black")
        for column, (title, pictures) in enumerate(columns.items(), 1):
            for row, k in enumerate(ks, top):
                axes = show(figure.add_subplot(grid[row, column]), pictures[number][k])
                if row == 0:
                    axes.set_title(title, fontsize=14)
                if column == 1:
                    axes.set_ylabel(f"{k}-NN", fontsize=13)
    return figure


def detail_scores(scores: Mapping[str, Mapping[int, Mapping[str, Mapping[str, np.ndarray]]]]) -> Figure:
    """Draw detail scores: layer -> k -> what `visualization.scores` returns."""

    def series(column: str) -> dict[int, np.ndarray]:
        return {
            k: np.stack([scores[layer][k]["detail"][column] for layer in LAYERS]) for k in scores[LAYERS[0]]
        }

    near = {f"{k}-NN": values for k, values in series("neighbors").items()}
    uniform = {f"uniform rf, {k} place{'s' * (k > 1)}": values for k, values in series("uniform").items()}
    return intervals(LAYERS, near, baseline=uniform, label="detail score")


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


def _square(center: np.ndarray, side: float) -> np.ndarray:
    return np.concatenate([center - side / 2, center + side / 2])


def _box(axes: Axes, box: np.ndarray, colour: str, *, width: float, halo: str, style="-") -> None:
    """Outline of a box, with a thin `halo` that keeps it visible on pictures of its own colour."""
    x0, y0, x1, y1 = box
    line = {"fill": False, "ec": colour, "lw": width, "ls": style}
    effects = [withStroke(linewidth=width + 1.4, foreground=halo)]
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, path_effects=effects, **line))
