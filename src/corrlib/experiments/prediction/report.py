"""The tables of the prediction chapter: numbers in, head and rows of text out. Accuracies are in percent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib.publishing.tables import published, spelled

Table = tuple[list[str], list[list[str]]]


def percent(value: Any, *, sign: bool = False) -> str:
    """Spell a fraction and its interval ``(3,)`` in percent."""
    return spelled(100 * np.asarray(value, dtype=np.float64), sign=sign)


def by_category(pck: Mapping[str, Mapping[str, float]], alpha: float) -> Table:
    """The paper's Table 4, transposed: method -> category -> PCK, "published / ours" where there are both."""
    paper = {row["method"]: row for row in published("table4")} if alpha == 0.1 else {}

    def row(category: str, ours: Mapping[str, float]) -> list[str]:
        pairs = ((paper.get(name, {}).get(category), f"{100 * ours[name]:.1f}") for name in pck)
        return [category, *(f"{theirs}\u00a0/\u00a0{own}" if theirs else own for theirs, own in pairs)]

    categories = list(next(iter(pck.values())))
    rows = [row(c, {name: pck[name][c] for name in pck}) for c in categories]
    mean = row("mean", {name: float(np.nanmean(list(pck[name].values()))) for name in pck})
    return ["category", *pck], [*rows, [f"**{text}**" for text in mean]]


def means(values: Mapping[str, Sequence], alphas: Sequence[float], *, paper: bool = True) -> Table:
    """Mean PCK of each method at each tolerance, ``method -> (A, 3)``, beside the `paper`'s at 0.1."""
    known = {row["method"]: row["mean"] for row in published("table4")} if paper else {}
    head = ["method", *["published, alpha = 0.1"] * paper, *(f"alpha = {a:g}" for a in alphas)]
    rows = [
        [name, *[known.get(name, "")] * paper, *(percent(one) for one in found)]
        for name, found in values.items()
    ]
    return head, rows


def claims(*found: tuple[str, Mapping[str, Mapping[str, Any]]]) -> Table:
    """What `claims.claims` found, for one or more tiers ``(name, claims)``, each a column.

    A claim that another tier does not have (it was computed with another layer) has an empty cell there.
    """
    rows = []
    for claim in dict.fromkeys(claim for _, one in found for claim in one):
        cells = (
            f"**{one[claim]['verdict']}**<br>{percent(one[claim]['lead'], sign=True)}" if claim in one else ""
            for _, one in found
        )
        rows.append([claim, *cells])
    return ["claim", *(name for name, _ in found)], rows


def strides(
    found: Mapping[str, Mapping[int, Sequence]], ceilings: Mapping[int, Sequence], alphas: Sequence[float]
) -> Table:
    """Method -> stride in pixels -> mean PCK ``(A, 3)``; then those of the oracle on the same grids."""
    rows = [
        [name, str(stride), *(percent(value) for value in values)]
        for name, each in (*found.items(), ("best place", ceilings))
        for stride, values in each.items()
    ]
    return ["method", "stride, px", *(f"alpha = {a:g}" for a in alphas)], rows


def gained(found: Mapping[str, Mapping[str, Any]]) -> Table:
    """Tolerance -> the lead ``(3,)`` of the finer stride and the verdict."""
    rows = [[alpha, percent(one["lead"], sign=True), one["verdict"]] for alpha, one in found.items()]
    return ["alpha", "lead", "better"], rows


def photos(
    pck: Mapping[str, Mapping[str, float]], values: Mapping[str, Sequence], alphas: Sequence[float]
) -> Table:
    """Method -> category -> PCK at 0.1, and of some methods more the mean ``(A, 3)`` at each of `alphas`."""
    categories = list(next(iter(pck.values())))
    at = list(alphas).index(0.1)
    rows = []
    for name, found in values.items():
        own = pck.get(name, {})
        rows.append([name, *(f"{100 * own[c]:.1f}" if own else "" for c in categories), percent(found[at])])
    return ["method", *categories, "mean"], rows
