"""Tables of the alignment chapter, and of readings of the paper, which the prediction chapter also has."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib.experiments import alignment
from corrlib.experiments.alignment.readings import SOLVERS
from corrlib.publishing.format import formatted, words
from corrlib.publishing.tables.experiments import published


def solvers(solved: Sequence[Mapping[str, Any]], copied: Sequence[float]) -> list[dict[str, Any]]:
    """What `alignment.solvers` returns, in percent, and the PCK ``(3,)`` of NN transfer."""
    rows = [
        {
            "method": row["method"].replace(" ", "\u00a0"),
            "beta": f"{row['beta']:g}",
            "solver": SOLVERS[row["solver"]],
            "no flow": 100 * row["still"],
            "optimal": 100 * row["optimal"],
            "excess": f"{100 * row['median']:.2f}",
            "at most": f"{100 * row['largest']:.2f}",
            "PCK": 100 * np.asarray(row["pck"]),
        }
        for row in solved
    ]
    return [*rows, dict.fromkeys(rows[0]) | {"method": "NN transfer", "PCK": 100 * np.asarray(copied)}]


def optima(solved: Sequence[Mapping[str, Any]], betas: Mapping[str, float]) -> str:
    """The PCK of the flows of both solvers at the beta of each method, from `alignment.solvers`, in words."""
    pck = {(row["method"], row["beta"], row["solver"]): formatted(100 * row["pck"][0]) for row in solved}
    return " and ".join(
        f"{pck[method, beta, 'trws']} % for {method} (those of BP: {pck[method, beta, 'bp']} %)"
        for method, beta in betas.items()
    )


def ranked(scores: Mapping[str, Sequence[float]]) -> str:
    """The layers of `alignment.by_feature` with their PCK in percent, the highest first."""
    layers = {label: 100 * each[0] for label, each in scores.items() if label.startswith("conv")}
    return ", ".join(f"{name} {layers[name]:.1f}" for name in sorted(layers, key=lambda name: -layers[name]))


def readings(rows: Sequence[Mapping[str, Any]], table: str) -> list[dict[str, Any]]:
    """The results of `readings` of an experiment: means, and the mean distance from a published table."""
    result = []
    for row in rows:
        cells = {
            "choice": row["choice"],
            "reading": f"**{row['reading']}**" if row["ours"] else row["reading"],
        }
        cells |= {method: 100 * np.mean([v[0] for v in each.values()]) for method, each in row["pck"].items()}
        if "still" in row:
            cells["still"] = f"{100 * np.mean(list(row['still'].values())):.0f}"
        result.append(cells | {"distance": distance(row, table)})
    published = _published(rows[0], table)
    means = {method: float(np.mean(list(each.values()))) for method, each in published.items()}
    return [dict.fromkeys(result[0], "") | {"choice": "published"} | means, *result]


def readings_in_words(rows: Sequence[Mapping[str, Any]], table: str) -> str:
    """For each choice, whether the reading in use is the nearest, and the distances if it is not."""
    lines, nearest_used = [], []
    chapter = next((distance(row, table) for row in rows if row["ours"]), None)
    for choice in dict.fromkeys(row["choice"] for row in rows):
        of = [row for row in rows if row["choice"] == choice]
        apart = {row["reading"]: distance(row, table) for row in of}
        nearest = min(of, key=lambda row: apart[row["reading"]])
        if nearest["ours"]:
            nearest_used.append(f"*{choice}*")
            continue
        text = (
            f"- *{choice}*: the nearest reading is \u201c{nearest['reading']}\u201d,"
            f" {apart[nearest['reading']]:.1f} points away"
        )
        ours = [row for row in of if row["ours"] and row is not nearest]
        text += "".join(
            f"; \u201c{row['reading']}\u201d, which is used, is {apart[row['reading']]:.1f} points away"
            for row in ours
        )
        if chapter is not None and not any(row["ours"] for row in of):
            text += f"; the chapter\u2019s own choice, which is none of these, is {chapter:.1f} points away"
        lines.append(f"{text}.")
    if nearest_used:
        lines.insert(
            0, f"- {words(nearest_used)}: the reading in use is the nearest, {chapter:.1f} points away."
        )
    return "\n".join(lines)


def distance(row: Mapping[str, Any], table: str) -> float:
    """Mean absolute difference of a reading's PCK from the numbers of a published table, in points."""
    published = _published(row, table)
    apart = [100 * row["pck"][m][c][0] - value for m, each in published.items() for c, value in each.items()]
    return float(np.abs(apart).mean())


def _published(row: Mapping[str, Any], table: str) -> dict[str, dict[str, float]]:
    """The published numbers of a reading's methods and categories; another layer's are not published."""
    paper = published(table)
    return {m: {c: float(paper[m][c]) for c in each} for m, each in row["pck"].items() if m in paper}


def dense(errors: Mapping[str, Mapping[str, np.ndarray]]) -> list[dict[str, Any]]:
    """The results of `alignment.every_pixel`; an empty row if there is no dense truth."""
    pck = [f"PCK, alpha = {a:g}" for a in alignment.ALPHAS]
    columns, rows = ["method", "measured at", "median error, px", *pck], []
    for method, places in errors.items():
        for where, values in places.items():
            median, *pck = np.asarray(values, dtype=np.float64).T
            cells = [method, where, median, *(100 * value for value in pck)]
            rows.append(dict(zip(columns, cells, strict=True)))
    return rows or [dict.fromkeys(columns) | {"method": "not known"}]
