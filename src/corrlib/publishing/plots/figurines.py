"""Figures of the figurines page."""

from collections.abc import Sequence
from itertools import zip_longest

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from corrlib import figurines
from corrlib.data import VOC
from corrlib.patches import reassemble
from corrlib.publishing.plots.style import keypoint_style, panels, show

YELLOW = "#ffd21f"


def gallery(data: VOC) -> Figure:
    """Draw one object of each category with its visible keypoints.

    Of the ten largest objects of train, whole ones if there are any, it is the one with the most of them.
    """
    columns = 5
    rows = -(-len(data.categories) // columns)
    figure, axes = panels(rows, columns, (8.4, 1.73 * rows))
    for place, category in zip_longest(axes.flat, data.categories):
        if not category:
            place.set_axis_off()
            continue
        objects = data.instances(category, "train")
        whole = [one for one in objects if not (one.truncated or one.difficult)]
        largest = sorted(whole or objects, key=lambda one: np.prod(one.box[2:] - one.box[:2]))[-10:]
        chosen = max(largest, key=lambda one: np.isfinite(one.keypoints).sum())
        image = data.image(chosen.image_id)
        show(place, image).set_title(category, fontsize=9)
        side = min(1.2 * (chosen.box[2:] - chosen.box[:2]).max(), *image.shape[:2])
        first = (chosen.box[:2] + chosen.box[2:] - side) / 2
        x, y = np.clip(first, -0.5, np.array(image.shape[1::-1]) - side - 0.5)
        place.set(xlim=(x, x + side), ylim=(y + side, y))
        for number, point in enumerate(chosen.keypoints[np.isfinite(chosen.keypoints).all(axis=1)]):
            colour, shape = keypoint_style(number)
            place.scatter(*point, c=colour, marker=shape, s=22, edgecolors="white", linewidths=0.7)
    return figure


def portraits(seed: int) -> Figure:
    """Draw portraits, one row per category, in which every subtype occurs at least twice."""
    rng, size, pictures = np.random.default_rng(seed), 110, []
    for category, model in figurines.CATEGORIES.items():
        for k in range(8):
            azimuth, spread, _ = model.views[(k + k // len(model.subtypes)) % len(model.views)]
            subtype = model.subtypes[k % len(model.subtypes)]
            turned = dict(
                azimuth=azimuth + spread * rng.uniform(-1, 1), elevation=rng.uniform(*model.elevation)
            )
            pictures.append(figurines.portrait(category, subtype=subtype, seed=seed + k, size=size, **turned))
    figure, axes = plt.subplots(figsize=(7, 15.5), layout="constrained")
    axes.imshow(reassemble(np.reshape(pictures, (-1, 8, size, size, 3))))
    axes.set_yticks((np.arange(len(figurines.CATEGORIES)) + 0.5) * size, list(figurines.CATEGORIES))
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def scenes(world_seed: int, categories: Sequence[str], index: int) -> Figure:
    """Draw one scene for each of twelve categories, with the boxes and visible keypoints of its figures.

    Of three scenes from `index` on, it is the one with the largest main figure.
    """
    figure, axes = plt.subplots(3, 4, figsize=(11, 8), layout="constrained")
    for panel, category in zip(axes.flat, categories, strict=True):
        drawn = [figurines.instance(world_seed, category, index + k) for k in range(3)]
        scene = max(drawn, key=lambda one: np.ptp(np.reshape(one.things[0].box, (2, 2)), axis=0).prod())
        panel.imshow(scene.image)
        for thing in scene.things:
            points = np.array([p for k, p in thing.keypoints.items() if thing.visible[k]]).reshape(-1, 2)
            panel.plot(*points.T, "o", ms=3.5, mfc=YELLOW, mec="black", mew=0.6)
            x0, y0, x1, y1 = thing.box
            panel.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color=YELLOW, lw=1)
        panel.set_title(category, fontsize=9)
        panel.axis("off")
    return figure


def dense_truth(data: VOC, category: str, rng: np.random.Generator) -> tuple[Figure, float]:
    """Draw the first two instances of a category, their dense truth below, and some matches between them.

    Also returns the share of pixels visible in the second object, among those of the first whose part it has.
    """
    names = [figurines.image_id(category, k) for k in (0, 1)]
    truths = [figurines.read_truth(data.root, name) for name in names]
    points, visible = figurines.correspond(*truths)
    rows, cols = np.nonzero(np.isfinite(points[..., 0]))
    hidden, order = ~visible[rows, cols], rng.permutation(len(rows))
    drawn = np.concatenate([order[~hidden[order]][:12], order[hidden[order]][:4]])
    figure, axes = plt.subplots(2, 2, figsize=(9, 6.8), layout="constrained")
    for column, (name, truth) in enumerate(zip(names, truths, strict=True)):
        axes[0, column].imshow(data.image(name))
        axes[1, column].imshow(_coloured(truth))
        y, x = np.nonzero(truth.owner == 1)
        for panel in axes[:, column]:
            panel.set(xlim=(x.min() - 8, x.max() + 8), ylim=(y.max() + 8, y.min() - 8))
            panel.axis("off")
    for number, (row, col) in enumerate(zip(rows[drawn], cols[drawn], strict=True)):
        style = {"ms": 9, "mew": 1.2, "mec": "black", "color": plt.get_cmap("tab20")(number)}
        axes[0, 0].plot(col, row, "o", **style)
        axes[0, 1].plot(*points[row, col], "o" if visible[row, col] else "X", **style)
    return figure, float(visible[np.isfinite(points[..., 0])].mean())


def _coloured(truth: figurines.Truth) -> np.ndarray:
    hue = (np.arange(256) * 0.381966) % 1
    base = plt.get_cmap("hsv")(hue[truth.part])[..., :3]
    shade = 0.62 + 0.38 * np.clip(truth.unit, -1, 1).mean(-1, keepdims=True)
    return np.where((truth.owner == 1)[..., None], base * shade, 1.0)
