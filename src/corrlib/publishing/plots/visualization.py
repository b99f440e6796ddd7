"""Figures of the introduction and of the visualization chapter."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle
from matplotlib.patheffects import withStroke

from corrlib.experiments.visualization import LAYERS
from corrlib.experiments.visualization.reconstruction import Reconstruction
from corrlib.geometry import ReceptiveField
from corrlib.publishing.plots.style import DPI, intervals, keypoint_style, panels, show


def joined(images: Sequence[np.ndarray], points: Sequence[np.ndarray], names: Sequence[str]) -> Figure:
    """Draw two objects with their keypoints ``(K, 2)``; lines join those that are visible in both."""
    figure, (axes,) = panels(1, 2, (7.6, 3.6))
    for place, image in zip(axes, images, strict=True):
        show(place, image)
    common = np.isfinite(np.stack(points)).all(axis=(0, 2))
    for number, k in enumerate(np.flatnonzero(common)):
        colour, shape = keypoint_style(number)
        ends = [its[k] for its in points]
        for width, ink in ((3.2, "white"), (1.6, colour)):
            style = dict(coordsA=axes[0].transData, coordsB=axes[1].transData, lw=width, color=ink)
            figure.add_artist(ConnectionPatch(*ends, **style))
        for place, end in zip(axes, ends, strict=True):
            dot = dict(c=colour, marker=shape, s=46, edgecolors="white", linewidths=1, zorder=3)
            place.scatter(*end, label=names[k].replace("_", " "), **dot)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False, fontsize=8)
    return figure


def looking(
    image: np.ndarray,
    point: np.ndarray,
    fields: Mapping[str, ReceptiveField],
    shapes: Mapping[str, tuple[int, int]],
) -> Figure:
    """Draw the units of each layer on an image and the receptive field of one; below, the field enlarged.

    In each layer, the unit nearest to `point` is chosen. Its field is grey outside the image. `shapes` are
    the shapes ``(h, w)`` of the feature maps.
    """
    figure, axes = panels(2, len(fields), (8, 16 / len(fields) + 0.7))
    side = max(image.shape[:2])
    padded = np.pad(image, ((side, side), (side, side), (0, 0)), constant_values=128)
    for (above, below), (layer, field) in zip(axes.T, fields.items(), strict=True):
        title = f"{layer}: sees {field.size} px,\na unit every {field.stride} px"
        show(above, image).set_title(title, fontsize=9)
        dots = dict(s=field.stride**2 / 40, c="white", edgecolors="black", linewidths=0.3)
        above.scatter(*field.centers(shapes[layer]).reshape(-1, 2).T, **dots)
        box = field.boxes(shapes[layer])[tuple(field.nearest(point, shapes[layer]))]
        _box(above, box, "#ffd400", width=2, halo="black")
        first = np.ceil(box[:2] + side).astype(int)
        last = np.floor(box[2:] + side).astype(int) + 1
        show(below, padded[first[1] : last[1], first[0] : last[0]])
    for place, text in zip(axes[:, 0], ("units and one field", "the same, enlarged"), strict=True):
        place.set_ylabel(text, fontsize=9)
    return figure


def picture(image: np.ndarray) -> Figure:
    """Draw only an image ``(H, W, 3)``, at its own size."""
    figure = plt.figure(figsize=(image.shape[1] / DPI, image.shape[0] / DPI), dpi=DPI)
    show(figure.add_axes((0, 0, 1, 1)), image)
    return figure


def reconstructions(
    rebuilt: Mapping[str, Sequence[Reconstruction]], fields: Sequence[int], point: np.ndarray
) -> Figure:
    """Draw the paper's Figure 1: images on the left, and for each a row per number of neighbours.

    `rebuilt` is layer -> reconstructions of the same images; the uniform column is that of the first layer.
    Receptive fields of the sides `fields` are drawn around the patch of the first image nearest to `point`.
    """
    first = next(iter(rebuilt.values()))
    columns = {layer: [r.neighbors for r in each] for layer, each in rebuilt.items()}
    columns["uniform rf"] = [r.uniform for r in first]
    ks = list(first[0].neighbors)
    ratios = [h / w for h, w in (r.image.shape[:2] for r in first) for _ in ks]
    unit = 10.0 / (len(ks) + len(columns))
    figure = plt.figure(figsize=(10.0, unit * sum(ratios) + 0.3), dpi=DPI, layout="constrained")
    widths = [len(ks), *[1] * len(columns)]
    grid = figure.add_gridspec(len(ratios), len(widths), height_ratios=ratios, width_ratios=widths)
    for number, reconstruction in enumerate(first):
        top = number * len(ks)
        axes = show(figure.add_subplot(grid[top : top + len(ks), 0]), reconstruction.image)
        centers, size = reconstruction.centers.reshape(-1, 2), reconstruction.size
        covered = np.concatenate([centers[0] - size / 2, centers[-1] + size / 2])
        _box(axes, covered, "white", style=(0, (4, 3)), width=1.0, halo="black")
        if number == 0:
            center = centers[np.linalg.norm(centers - point, axis=1).argmin()]
            boxes = {s: np.concatenate([center - s / 2, center + s / 2]) for s in (*fields, size)}
            for side in fields:
                _box(axes, boxes[side], "black", width=1.3, halo="white")
            _box(axes, boxes[size], "#ffd400", width=1.8, halo="black")
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
        ks = scores[LAYERS[0]]
        return {k: np.stack([scores[layer][k]["detail"][column] for layer in LAYERS]) for k in ks}

    near = {f"{k}-NN": values for k, values in series("neighbors").items()}
    uniform = {f"uniform rf, {k} place{'s' * (k > 1)}": values for k, values in series("uniform").items()}
    return intervals(LAYERS, near, baseline=uniform, label="detail score")


def receptive_fields(averages: Mapping[str, Mapping[int, np.ndarray]]) -> Figure:
    """Draw the paper's Figure 2: layers side by side, seeds in columns, numbers of neighbours in rows.

    `averages` is layer -> ``k -> (n, size, size, 3)`` uint8: the seeds (k = 0), then means over k fields.
    """
    ks = list(next(iter(averages.values())))
    count = sum(len(layer[0]) for layer in averages.values())
    side = 11.0 / count
    figure = plt.figure(figsize=(11.0, side * len(ks) + 0.5), dpi=DPI, layout="constrained")
    widths = [1.06, *[1] * (len(averages) - 1)]
    parts = figure.subfigures(1, len(averages), squeeze=False, wspace=0.02, width_ratios=widths)[0]
    for (name, layer), part in zip(averages.items(), parts, strict=True):
        part.suptitle(f"{name}, {layer[0].shape[1]} px", fontsize=15)
        for row, k in enumerate(ks):
            for column, picture in enumerate(layer[k]):
                axes = part.add_subplot(len(ks), len(layer[k]), row * len(layer[k]) + column + 1)
                show(axes, picture)
                if column == 0 and name == next(iter(averages)):
                    axes.set_ylabel(f"{k}-NN" if k else "seed", fontsize=12)
    return figure


def _box(axes: Axes, box: np.ndarray, colour: str, *, width: float, halo: str, style="-") -> None:
    """Draw the outline of a box, with a thin `halo` that keeps it visible on pictures of the same colour."""
    x0, y0, x1, y1 = box
    line = {"fill": False, "ec": colour, "lw": width, "ls": style}
    effects = [withStroke(linewidth=width + 1.4, foreground=halo)]
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, path_effects=effects, **line))
