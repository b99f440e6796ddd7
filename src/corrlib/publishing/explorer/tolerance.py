"""The explorer of tolerances: which predicted keypoints are correct at an alpha, and the mean PCK there."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from corrlib import metrics
from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments.alignment import Settings, errors
from corrlib.experiments.alignment.evaluation import first_median
from corrlib.experiments.alignment.flows import BLOCK, align, copied
from corrlib.publishing.explorer.html import pixels, webp, widget
from corrlib.publishing.explorer.place import best_aligned
from corrlib.publishing.plots.style import COLOURS, GREY, mark, panels, show

#: The tolerances of the slider and the curves.
ALPHAS = np.arange(1, 61) / 200
#: The tolerance at which a reader starts.
START = 0.1
#: Objects that can be chosen.
MOST = 4
ALT = (
    "An object with an ellipse around each keypoint, and the predicted keypoints, marked correct or wrong."
    " Beside it are curves of mean PCK against alpha."
)


def tolerances(
    data: VOC, network: Network, settings: Settings, categories: Sequence[str], betas: Mapping[str, float]
) -> HTML:
    """The explorer of one object per category, with the curves of the mean over ``settings.categories``.

    At most `MOST` objects are shown, the one first whose keypoints the first method predicts best; those for
    which it is wrong more often than right are left out.
    """
    curves = {
        method: np.round(metrics.mean_pck(by_category, ALPHAS), 6).tolist()
        for method, by_category in errors(data, network, settings, betas).items()
    }
    content = {"size": settings.size, "alphas": ALPHAS.tolist(), "curves": curves}
    examples = [_example(data, network, settings, category, betas) for category in categories]
    content["examples"] = _mostly_right(examples)[:MOST]
    return widget("tolerances", content, still(content), ALT)


def still(content: Mapping[str, Any]) -> Figure:
    """The explorer's first view, for readers without scripts."""
    example, alpha = content["examples"][0], START
    method = next(iter(content["curves"]))
    points, errors = (example["methods"][method][name] for name in ("points", "errors"))
    figure, ((left, right),) = panels(1, 2, (9, 4.2))
    show(left, pixels(example["target"]))
    for truth, point, error in zip(example["truth"], points, errors, strict=True):
        correct = point and error < alpha
        style = dict(ls="-" if correct else ":", lw=1.2, color="white", fill=False)
        left.add_patch(Ellipse(truth, *(2 * alpha * np.array(example["radii"])), **style))
        if point:
            left.plot(*np.transpose([truth, point]), color="white", lw=1)
            mark(left, np.clip(point, 0, content["size"] - 1), "black", "o" if correct else "x")
    for (name, values), colour in zip(content["curves"].items(), COLOURS, strict=False):
        right.plot(content["alphas"], 100 * np.asarray(values), color=colour, label=name)
        right.plot(alpha, 100 * np.interp(alpha, content["alphas"], values), "o", color=colour)
    right.axvline(alpha, color=GREY, ls="--", lw=1)
    right.set(xlabel="alpha", ylabel="mean PCK in percent", ylim=(0, 100), xlim=(0, max(content["alphas"])))
    right.grid(alpha=0.25)
    right.legend(frameon=False, fontsize=9)
    return figure


def _example(
    data: VOC, network: Network, settings: Settings, category: str, betas: Mapping[str, float]
) -> dict[str, Any]:
    """One of the first few objects: its keypoints, the predicted ones, and their errors.

    Of the larger whole objects, it is the one whose keypoints the first method predicts best.
    """
    predicted, size = {}, settings.size
    for method, feature in settings.features.items():
        pairs = align(data, network, settings, category, feature=feature, beta=betas[method], limit=BLOCK)
        predicted[method] = first_median(
            pairs.points, pairs.smoothness, top=settings.top, missing=settings.missing
        )
    points = copied(data, network, settings, category)[pairs.rows]
    rank = np.broadcast_to(np.arange(points.shape[1]), points.shape[:2])
    predicted["NN transfer"] = first_median(
        points, rank, top=settings.copy_top, missing=settings.copy_missing
    )
    objects = [crops.objects(data, category, "val")[row] for row in pairs.rows]
    n, _ = best_aligned(objects, next(iter(predicted.values())), size)
    target = objects[n]
    visible = np.isfinite(target.keypoints).all(axis=1)
    width, height = np.ptp(target.box.reshape(2, 2), axis=0)
    methods = {}
    for method, points in predicted.items():
        errors = crops.errors(points[n : n + 1], [target], size)[0, visible]
        methods[method] = {
            "points": [_rounded(p) for p in points[n, visible]],
            "errors": [round(e, 4) if np.isfinite(e) else None for e in errors.tolist()],
        }
    return {
        "name": category,
        "target": webp(crops.images(data, [target], size)[0]),
        "keypoints": [name for name, v in zip(data.keypoint_names(category), visible, strict=True) if v],
        "truth": [_rounded(p) for p in crops.keypoints([target], size)[0, visible]],
        # The box's longer side, in pixels of the crop across and down.
        "radii": [round(size * float(max(width, height) / side), 3) for side in (width, height)],
        "methods": methods,
    }


def _mostly_right(examples: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The objects of which at most half is wrong, the best first; if there are none, the best one."""
    best_first = sorted(examples, key=_wrong)
    return [each for each in best_first if _wrong(each) <= 0.5] or best_first[:1]


def _wrong(example: Mapping[str, Any]) -> float:
    """The share of an object's keypoints that the first method predicts wrongly at `START`."""
    errors = next(iter(example["methods"].values()))["errors"]
    return float(np.mean([error is None or error >= START for error in errors]))


def _rounded(point: np.ndarray) -> list[float] | None:
    return np.round(point, 2).tolist() if np.isfinite(point).all() else None
