"""Figures of the introduction, as functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle
from matplotlib.patheffects import withStroke

from corrlib.geometry import ReceptiveField
from corrlib.publishing.plots.style import DPI, keypoint_style, show


def joined(images: Sequence[np.ndarray], points: Sequence[np.ndarray], names: Sequence[str]) -> Figure:
    """Draw two objects with their common keypoints, each joined by a line.

    Parameters
    ----------
    images
        Two images ``(H, W, 3)``.
    points
        Their keypoints ``(K, 2)`` each; those that are NaN in either are left out.
    names
        Of the K keypoints, for the legend.
    """
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.6), dpi=DPI, layout="constrained")
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
    """Draw the units of layers on an image and the receptive field of one of each; below, the field enlarged.

    Parameters
    ----------
    image
        ``(H, W, 3)``.
    point
        ``(x, y)``: of each layer the unit nearest to it is chosen. Its field is grey outside the image.
    fields, shapes
        Layer -> its receptive fields, and the shape ``(h, w)`` of its feature map.
    """
    size = (8, 16 / len(fields) + 0.7)
    figure, axes = plt.subplots(2, len(fields), figsize=size, dpi=DPI, layout="constrained", squeeze=False)
    side = max(image.shape[:2])
    padded = np.pad(image, ((side, side), (side, side), (0, 0)), constant_values=128)
    for (above, below), (layer, field) in zip(axes.T, fields.items(), strict=True):
        title = f"{layer}: sees {field.size} px,\none every {field.stride} px"
        show(above, image).set_title(title, fontsize=9)
        dots = dict(s=field.stride**2 / 40, c="white", edgecolors="black", linewidths=0.3)
        above.scatter(*field.centers(shapes[layer]).reshape(-1, 2).T, **dots)
        x0, y0, x1, y1 = box = field.boxes(shapes[layer])[tuple(field.nearest(point, shapes[layer]))]
        halo = [withStroke(linewidth=3.4, foreground="black")]
        above.add_patch(
            Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec="#ffd400", lw=2, path_effects=halo)
        )
        first = np.ceil(box[:2] + side).astype(int)
        last = np.floor(box[2:] + side).astype(int) + 1
        show(below, padded[first[1] : last[1], first[0] : last[0]])
    for place, text in zip(axes[:, 0], ("units and one field", "the same, enlarged"), strict=True):
        place.set_ylabel(text, fontsize=9)
    return figure


def picture(image: np.ndarray) -> Figure:
    """Draw an image ``(H, W, 3)`` at its own size, and nothing else."""
    figure = plt.figure(figsize=(image.shape[1] / DPI, image.shape[0] / DPI), dpi=DPI)
    show(figure.add_axes((0, 0, 1, 1)), image)
    return figure
