"""Figures of the introduction and of the visualization chapter."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, ConnectionPatch, Rectangle
from matplotlib.patheffects import withStroke

from corrlib.experiments.visualization import LAYERS
from corrlib.experiments.visualization.reconstruction import Reconstruction
from corrlib.geometry import ReceptiveField
from corrlib.publishing.plots.style import intervals, keypoint_style, panels, show

#: Resolution of pictures that a reader enlarges; side of the enlarged parts, in patches.
SHARP, PART = 165, 5


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


def tolerances(image: np.ndarray, box: np.ndarray, points: np.ndarray, alphas: Sequence[float]) -> Figure:
    """Draw an object, its box, and around each of some keypoints ``(n, 2)`` a circle per tolerance of PCK."""
    side = (box[2:] - box[:2]).max()
    around = np.array([box[:2] - side / 5, box[2:] + side / 5])
    (x0, y0), (x1, y1) = np.clip(around, -0.5, np.array(image.shape[1::-1]) - 0.5)
    figure, axes = panels(1, 1, (6.0, 6.0 * (y1 - y0) / (x1 - x0) + 0.4))
    place = show(axes[0, 0], image)
    place.set(xlim=(x0, x1), ylim=(y1, y0))
    _box(place, box, "white", width=1.2, halo="black")
    for alpha, colour in zip(alphas, ("#ffd400", "#ff7a00", "#e4007c"), strict=False):
        for point in points:
            halo = [withStroke(linewidth=3, foreground="black")]
            place.add_patch(Circle(point, alpha * side, fill=False, ec=colour, lw=1.6, path_effects=halo))
        place.plot([], [], color=colour, label=f"alpha = {alpha:g}")
    figure.legend(loc="outside lower center", ncols=len(alphas), frameon=False, fontsize=8)
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


def reconstructions(
    rebuilt: Mapping[str, Sequence[Reconstruction]], fields: Sequence[int], points: Sequence[np.ndarray]
) -> Figure:
    """Draw the paper's Figure 1: for each image a row per number of neighbours, with a column per layer.

    `rebuilt` is layer -> reconstructions of the same images. The first row of an image has the image, and
    those from uniform places, as for the first layer. A square marks the part around each of `points` that
    `parts` enlarges. On the first image, receptive fields of the sides `fields` surround the patch there.
    """
    first = next(iter(rebuilt.values()))
    rows = 1 + len(first[0].neighbors)
    ratios = [r.original.shape[0] / r.original.shape[1] for r in first for _ in range(rows)]
    size = (10.0, sum(ratios) * 10.0 / len(rebuilt) + 0.24 * len(ratios))
    figure = plt.figure(figsize=size, dpi=SHARP, layout="constrained")
    grid = figure.add_gridspec(len(ratios), len(rebuilt), height_ratios=ratios)
    for number, (reconstruction, point) in enumerate(zip(first, points, strict=True)):
        center, patch = _marked(reconstruction, point)
        lines = [{"image": reconstruction.original}]
        lines[0] |= {_places(k): picture for k, picture in reconstruction.uniform.items()}
        for k in reconstruction.neighbors:
            lines.append({f"{name}, {k}-NN": each[number].neighbors[k] for name, each in rebuilt.items()})
        for row, line in enumerate(lines, number * rows):
            for column, (title, picture) in enumerate(line.items()):
                axes = show(figure.add_subplot(grid[row, column]), picture)
                axes.set_title(title, fontsize=11)
                _box(axes, _square(center, PART * patch), "#56b4e9", width=1.6, halo="black")
                if title == "image" and number == 0:
                    for side in fields:
                        _box(axes, _square(center, side), "black", width=1.3, halo="white")
                    _box(axes, _square(center, patch), "#ffd400", width=1.8, halo="black")
    return figure


def parts(rebuilt: Mapping[str, Sequence[Reconstruction]], points: Sequence[np.ndarray]) -> Figure:
    """Draw the parts around `points` enlarged: of each image on the left, of the rebuilt ones beside it."""
    first = next(iter(rebuilt.values()))
    ks = list(first[0].neighbors)
    unit = 10.0 / (len(ks) + len(rebuilt) + 1)
    size = (10.0, (unit + 0.08) * len(first) * len(ks) + 0.25)
    figure = plt.figure(figsize=size, dpi=SHARP, layout="constrained")
    grid = figure.add_gridspec(
        len(first) * len(ks), len(rebuilt) + 2, width_ratios=[len(ks), *[1] * (len(rebuilt) + 1)]
    )
    for number, (reconstruction, point) in enumerate(zip(first, points, strict=True)):
        center, patch = _marked(reconstruction, point)
        x, y = (center - (PART * patch - 1) / 2).round().astype(int)
        top, part = number * len(ks), np.s_[y : y + PART * patch, x : x + PART * patch]
        axes = show(figure.add_subplot(grid[top : top + len(ks), 0]), reconstruction.original[part])
        if number == 0:
            axes.set_title("image", fontsize=11)
        columns = {name: each[number].neighbors for name, each in rebuilt.items()}
        columns["uniform rf"] = reconstruction.uniform
        for column, (title, pictures) in enumerate(columns.items(), 1):
            for row, k in enumerate(ks, top):
                axes = show(figure.add_subplot(grid[row, column]), pictures[k][part])
                if row == 0:
                    axes.set_title(title, fontsize=11)
                if column == 1:
                    axes.set_ylabel(f"{k}-NN", fontsize=11)
    return figure


def _marked(reconstruction: Reconstruction, point: np.ndarray) -> tuple[np.ndarray, int]:
    """The centre of the patch nearest to a point, in pixels of the part that patches cover, and its side.

    `PART` patches around it lie inside that part.
    """
    centers, size = reconstruction.centers, reconstruction.size
    shape, margin = np.array(centers.shape[:2]), PART // 2
    row_col = np.unravel_index(np.linalg.norm(centers - point, axis=-1).argmin(), shape)
    row_col = np.clip(row_col, margin, shape - 1 - margin)
    return (row_col[::-1] + 0.5) * size - 0.5, size


def _places(k: int) -> str:
    return f"uniform rf, {k} place{'s' * (k > 1)}"


def detail_scores(scores: Mapping[str, Mapping[int, Mapping[str, Mapping[str, np.ndarray]]]]) -> Figure:
    """Draw detail scores: layer -> k -> what `visualization.scores` returns."""

    def series(column: str) -> dict[int, np.ndarray]:
        ks = scores[LAYERS[0]]
        return {k: np.stack([scores[layer][k]["detail"][column] for layer in LAYERS]) for k in ks}

    near = {f"{k}-NN": values for k, values in series("neighbors").items()}
    uniform = {_places(k): values for k, values in series("uniform").items()}
    return intervals(LAYERS, near, baseline=uniform, label="detail score")


def receptive_fields(averages: Mapping[str, Mapping[int, np.ndarray]], stride: int) -> Figure:
    """Draw the paper's Figure 2: layers side by side, seeds in columns, numbers of neighbours in rows.

    `averages` is layer -> ``k -> (n, size, size, 3)`` uint8: the seeds (k = 0), then means over k fields. A
    square of side `stride` marks the centres.
    """
    ks = list(next(iter(averages.values())))
    count = sum(len(layer[0]) for layer in averages.values())
    side = 10.0 / count
    figure = plt.figure(figsize=(10.0, side * len(ks) + 0.5), dpi=SHARP, layout="constrained")
    widths = [1.06, *[1] * (len(averages) - 1)]
    blocks = figure.subfigures(1, len(averages), squeeze=False, wspace=0.02, width_ratios=widths)[0]
    for (name, layer), block in zip(averages.items(), blocks, strict=True):
        block.suptitle(f"{name}, {layer[0].shape[1]} px", fontsize=13)
        for row, k in enumerate(ks):
            for column, picture in enumerate(layer[k]):
                axes = block.add_subplot(len(ks), len(layer[k]), row * len(layer[k]) + column + 1)
                show(axes, picture)
                middle = np.full(2, (len(picture) - 1) / 2)
                _box(axes, _square(middle, stride), "#ffd400", width=1.0, halo="black")
                if column == 0 and name == next(iter(averages)):
                    axes.set_ylabel(f"{k}-NN" if k else "seed", fontsize=11)
    return figure


def _square(center: np.ndarray, side: float) -> np.ndarray:
    """The box of a square."""
    return np.concatenate([center - side / 2, center + side / 2])


def _box(axes: Axes, box: np.ndarray, colour: str, *, width: float, halo: str, style="-") -> None:
    """Draw the outline of a box, with a thin `halo` that keeps it visible on pictures of the same colour."""
    x0, y0, x1, y1 = box
    line = {"fill": False, "ec": colour, "lw": width, "ls": style}
    effects = [withStroke(linewidth=width + 1.4, foreground=halo)]
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, path_effects=effects, **line))
