"""Tables of the dataset and of the experiments, with the paper's numbers beside ours."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.data import VOC
from corrlib.data.voc import PASCAL
from corrlib.data.voc import census as counts
from corrlib.experiments import prediction, visualization
from corrlib.experiments.classification import Feature, Settings
from corrlib.publishing import results
from corrlib.publishing.format import words

#: Sign of the rows of means.
MEAN = "**mean**"


def census(data: VOC, *, by_category: bool = True) -> list[dict[str, Any]]:
    """Numbers of objects and keypoints of a dataset in each split.

    With `by_category`, there is a row per category and one for their sum, with train above val in each cell;
    otherwise, there is a row per split.
    """
    total = {}
    for split in ("train", "val"):
        objects = [one for category in data.categories for one in data.instances(category, split)]
        total[split] = counts(objects) | {"images": len(data.image_ids(split))}  # some may show no object
    if not by_category:
        return [{"split": split, **each} for split, each in total.items()]
    rows = {c: [counts(data.instances(c, split)) for split in total] for c in data.categories}
    rows["**all**"] = total.values()
    columns = ((c, {k: f"{train[k]:,}<br>{val[k]:,}" for k in train}) for c, (train, val) in rows.items())
    return [{"category": category, **cells} for category, cells in columns]


def by_category(
    values: Mapping[str, Mapping[str, Sequence[float]]],
    table: str = "",
    means: Mapping[str, Sequence] | None = None,
) -> list[dict[str, Any]]:
    """PCK in percent, with methods in columns and categories in rows, beside the published numbers.

    The last row has the means. `values` are method -> category -> PCK and its interval ``(3,)``. `table` is
    the name of the paper's table for `results.published`; empty if no published numbers are comparable.
    Published means are over the same categories. With `means`, which are method -> ``(A, 3)`` with the alpha
    of `values` first, intervals are shown.
    """
    categories, rows = list(next(iter(values.values()))), []
    for category in [*categories, "mean"]:
        row: dict[str, Any] = {"category": MEAN if category == "mean" else category}
        for method, each in values.items():
            if table:
                row[f"{method}, paper"] = _printed(table, method, category, categories)
            mean = means[method][0] if means else [np.nanmean([value[0] for value in each.values()])]
            value = 100 * np.asarray(mean if category == "mean" else each[category], dtype=np.float64)
            row[f"{method}, ours"] = value if means else float(value[0])
        rows.append(row)
    return rows


def means(values: Mapping[str, Sequence], alphas: Sequence[float], table: str = "") -> list[dict[str, Any]]:
    """Mean PCK of each method (a row) at each tolerance, beside the published one.

    `values` are method -> ``(A, 3)``, the mean and its interval at each of `alphas`. `table` is as in
    `by_category`, and has a column for each tolerance.
    """
    paper, rows = published(table), []
    for method, each in values.items():
        row: dict[str, Any] = {"method": method}
        for alpha, value in zip(alphas, each, strict=True):
            if table:
                row[f"{alpha:g}, paper"] = paper.get(method, {}).get(f"{alpha:g}")
            row[f"{alpha:g}, ours"] = 100 * np.asarray(value, dtype=np.float64)
        rows.append(row)
    return rows


def receptive_fields(
    computed: Mapping[str, tuple[int, int]], published: Sequence[Mapping[str, str]]
) -> list[dict[str, Any]]:
    """What `visualization.table_1` returns, beside the rows of the paper's Table 1."""
    columns = ["layer", "size, paper", "size, ours", "stride, paper", "stride, ours"]
    rows = []
    for row in published:
        size, stride = computed[row["layer"]]
        cells = [row["layer"], int(row["rf_size_px"]), size, int(row["stride_px"]), stride]
        rows.append(dict(zip(columns, cells, strict=True)))
    return rows


def reconstruction_scores(
    scores: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]],
) -> list[dict[str, Any]]:
    """Layer -> what `visualization.scores` returns; last, the uniform column, which all layers share."""
    rows = [
        {
            "layer": layer,
            "detail score": scores[layer]["detail"]["neighbors"],
            "detail, difference": scores[layer]["detail"]["difference"],
            "plain correlation": scores[layer]["similarity"]["neighbors"],
            "plain, difference": scores[layer]["similarity"]["difference"],
        }
        for layer in visualization.LAYERS
    ]
    shared = scores[visualization.LAYERS[0]]
    detail, plain = (shared[measure]["uniform"] for measure in ("detail", "similarity"))
    uniform = {"layer": "uniform rf", "detail score": detail, "plain correlation": plain}
    return [*rows, dict.fromkeys(rows[0]) | uniform]


def agreement(
    agreements: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]],
) -> list[dict[str, Any]]:
    """Layer -> what `visualization.agreement` returns."""
    columns = {"center": "at the centre", "rim": "at the rim", "difference": "difference"}
    return [
        {"property": kind, "layer": layer} | {column: each[kind][name] for name, column in columns.items()}
        for kind in ("colour", "gradient")
        for layer, each in agreements.items()
    ]


def naming(accuracy: Mapping[Feature, Mapping[str, Sequence[float]]]) -> list[dict[str, Any]]:
    """The paper's Table 3, transposed: our number, and the published one, if there is one, below it.

    `accuracy` is feature -> category -> percent and its interval ``(3,)``. The best SIFT and the best layer
    are bold. Published means are over the same categories.
    """
    values = {str(f): {c: value[0] for c, value in each.items()} for f, each in accuracy.items()}
    values = {feature: {**each, "mean": np.mean(list(each.values()))} for feature, each in values.items()}
    rows = []
    for category in next(iter(values.values())):
        row = {"category": MEAN if category == "mean" else category}
        for feature, each in values.items():
            kind = [
                v[category] for f, v in values.items() if f.startswith("SIFT") == feature.startswith("SIFT")
            ]
            ours = f"**{each[category]:.0f}**" if each[category] == max(kind) else f"{each[category]:.0f}"
            printed = _printed("table3", feature, category, list(each)[:-1])
            # The name of a layer in two lines, as that of SIFT.
            row[feature.replace("conv", "conv ")] = f"{ours}<br>{printed}" if printed else ours
        rows.append(row)
    return rows


def naming_means(
    means: Mapping[Feature, np.ndarray],
    trained: Mapping[Feature, np.ndarray],
    curves: Mapping[Feature, np.ndarray],
    settings: Settings,
    photos: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Mean accuracies ``(3,)``, here and on photographs, with the results of `classification.validate`."""
    rows = []
    for feature, value in means.items():
        published = (_printed("table3", str(feature), "mean", c) for c in (PASCAL, photos["categories"]))
        row = {"feature": str(feature), "paper": next(published), "ours": value}
        row |= {"paper, photos": next(published), "photos": photos["means"].get(str(feature))}
        row |= {"train": float(np.mean(trained[feature])) if feature in trained else None}
        row |= {"best C": None, "gain": None}
        if feature in curves:
            curve = curves[feature]
            best = int(np.argmax(curve))
            row["best C"] = f"{settings.Cs[best]:g}".replace("-", "\u2011")  # in one line
            row["gain"] = curve[best] - curve[list(settings.Cs).index(settings.C)]
        rows.append(row)
    return rows


def localisation(located: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What `classification.localisation` returns."""
    columns = ["feature", "border, %", "kept", "median, px", "2 px, %", "4 px, %", "8 px, %"]
    rows = {**located["features"], "uniform draw": {"border": None, "kept": None, **located["uniform"]}}
    cells = [
        [str(name), *(each[value] for value in ("border", "kept", "median")), *each["within"]]
        for name, each in rows.items()
    ]
    return [dict(zip(columns, row, strict=True)) for row in cells]


def rectification(lost: Mapping[str, Mapping[str, Any]], photos: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The results of `classification.rectification`, here and on photographs, beside the published accuracy.

    `photos` are the values that the chapter recorded on photographs. Without layers, there is a row "none".
    """
    rows = []
    for layer in lost or ["none"]:
        ours, other = lost.get(layer, {}), photos["rectification"].get(layer, {})
        row = {"layer": layer, "positive, %": ours.get("active"), "before": ours.get("linear")}
        row["before \u2212 after"] = ours.get("gain")
        row["paper"] = _printed("table3", layer, "mean", photos["categories"])
        rows.append(row | {"photos, before": other.get("linear"), "photos, after": other.get("rectified")})
    return rows


def rectification_in_words(photos: Mapping[str, Any]) -> str:
    """Compare published accuracies with those of rectified and unrectified features on photographs."""
    linear, rectified = (
        _distance({name: each[kind] for name, each in photos["rectification"].items()}, photos)
        for kind in ("linear", "rectified")
    )
    return (
        f"On the paper's own photographs, the published accuracies of {words([*photos['rectification']])}"
        f" differ by {linear:.1f} points (mean absolute difference) from those of features before"
        f" rectification, and by {rectified:.1f} points from those of features after rectification."
    )


def radius_in_words(photos: Mapping[str, Any]) -> str:
    """Compare published accuracies of SIFT with those of two readings of its radius and smoothing."""
    means, radii = photos["means"], (20, 40, 80, 160)
    ours = {f"SIFT {radius}": means[f"SIFT {radius}"] for radius in radii}
    other = {f"SIFT {radius}": means[f"SIFT {radius // 2}, smoothed"] for radius in radii}
    return (
        "On the paper's own photographs, the published accuracies for radii of 20 to 160 differ from ours by"
        f" {_distance(ours, photos):.1f} points (mean absolute difference). If a radius is half the side of"
        " the 4 x 4 bins and the image is smoothed as in the scale space, they differ by"
        f" {_distance(other, photos):.1f} points."
    )


def _distance(means: Mapping[str, Sequence[float]], photos: Mapping[str, Any]) -> float:
    """Mean absolute difference of accuracies from the published ones of the same categories, in points."""
    paper = {name: _mean(published("table3").get(name, {}), photos["categories"]) for name in means}
    return float(np.mean([abs(means[name][0] - mean) for name, mean in paper.items() if mean is not None]))


def prediction_means(values: Mapping[str, Sequence], alphas: Sequence[float]) -> list[dict[str, Any]]:
    """`means` beside those of Table 4, which are published at alpha = 0.1 only."""
    paper, rows = published("table4"), means(values, alphas)
    return [
        {"method": row["method"], "0.1, paper": paper.get(row["method"], {}).get("mean"), **row}
        for row in rows
    ]


def strides(values: Mapping[str, Mapping[int, Sequence]]) -> list[dict[str, Any]]:
    """A row for each method and stride; `values` is method -> stride in pixels -> mean PCK ``(A, 3)``."""
    return [
        {"method": method, "stride, px": stride}
        | {f"alpha = {a:g}": 100 * np.asarray(v) for a, v in zip(prediction.ALPHAS, each, strict=True)}
        for method, by_stride in values.items()
        for stride, each in by_stride.items()
    ]


def gained(gain: Mapping[float, np.ndarray]) -> list[dict[str, Any]]:
    """What `prediction.stride_gain` returns, and a verdict on the claim that the finer stride is better."""
    return [
        {"alpha": f"{alpha:g}", "difference": value, "verdict": metrics.judge([value])}
        for alpha, value in gain.items()
    ]


def _printed(table: str, name: str, category: str, categories: Sequence[str]) -> str | None:
    """A published number of a category or, for ``mean``, the published mean over the same `categories`."""
    printed = published(table).get(name, {})
    if category != "mean" or set(categories) >= set(PASCAL):
        return printed.get(category)
    mean = _mean(printed, categories)
    return None if mean is None else f"{mean:.1f}"


def _mean(printed: Mapping[str, str], categories: Sequence[str]) -> float | None:
    """The mean of the published numbers of some categories; None if one of them is not published."""
    known = set(categories) <= set(printed)
    return float(np.mean([float(printed[each]) for each in categories])) if known else None


def published(table: str) -> dict[str, dict[str, str]]:
    """Method or feature -> column -> the number as the paper prints it; nothing without a table."""
    rows = results.published(table) if table else []
    return {next(iter(row.values())).replace("sift_r", "SIFT "): row for row in rows}


def merged_in_words(means: Mapping[Any, np.ndarray], merged: Mapping[Any, np.ndarray]) -> str:
    """What merging left and right adds to the first and the last SIFT and layer, and whether it grows."""
    gains = {str(feature): value[0] - means[feature][0] for feature, value in merged.items()}
    kinds = ([n for n in gains if n.startswith("SIFT")], [n for n in gains if not n.startswith("SIFT")])
    pairs = [(kind[0], kind[-1]) for kind in kinds if kind]
    ends = words([f"{n} gains {gains[n]:.1f}" for pair in pairs for n in dict.fromkeys(pair)])
    low, high = min(gains.values()), max(gains.values())
    # Growth by less than half of the smallest gain is hardly any.
    grow = max(gains[last] - gains[first] for first, last in pairs) >= low / 2
    return (
        f"Merging left and right adds {low:.1f} to {high:.1f} points: {ends}. If"
        " large receptive fields alone caused confusions of left and right, gains would grow with depth and"
        f" radius; they {'do' if grow else 'hardly do'}."
    )


def order_in_words(sizes: Mapping[Any, Sequence[Sequence[float]]]) -> str:
    """Which of two features is ahead at every share of the images, if one is."""
    first, second = sizes
    ahead = [*{first if a[0] > b[0] else second for a, b in zip(*sizes.values(), strict=True)}]
    return "The order changes with the share." if ahead[1:] else f"{ahead[0]} is ahead at every share."
