"""The tables of the alignment chapter: fractions in, Markdown in percent out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib.experiments.alignment.studies import PAPER_BETA
from corrlib.publishing.tables import markdown, published, spelled


def percent(value: Any, *, sign: bool = False) -> str:
    """Spell a fraction and its interval ``(3,)`` in percent."""
    return spelled(100 * np.asarray(value, dtype=np.float64), sign=sign)


def table_2(
    pck: Mapping[str, Mapping[str, float]],
    means: Mapping[str, Sequence],
    alphas: Sequence[float],
    alpha: float,
) -> str:
    """The paper's Table 2, transposed, with its own numbers where it has the method.

    Parameters
    ----------
    pck
        Method -> category -> PCK at `alpha`.
    means
        Method -> ``(A, 3)`` mean PCK at each of `alphas`, and its interval.
    """
    known = {row["method"]: row for row in published("table2_alpha0.1")} if alpha == 0.1 else {}
    head = ["category", *(f"{name}, {whose}" for name in pck for whose in ("paper", "ours"))]
    rows = []
    for category in next(iter(pck.values())):
        cells = ((known.get(name, {}).get(category, ""), f"{100 * pck[name][category]:.1f}") for name in pck)
        rows.append([category, *(text for both in cells for text in both)])
    known = {row["method"]: row for row in published("table2_mean_by_alpha")}
    for number, one in enumerate(alphas):
        cells = ((known.get(name, {}).get(f"{one:g}", ""), percent(means[name][number])) for name in pck)
        rows.append([f"**mean, alpha = {one:g}**", *(_stacked(text) for both in cells for text in both)])
    return markdown(head, rows)


def means(values: Mapping[str, Sequence], alphas: Sequence[float]) -> str:
    """Method -> ``(A, 3)`` mean PCK at each tolerance, and its interval."""
    head = ["method", *(f"alpha = {one:g}" for one in alphas)]
    return markdown(head, [[name, *map(percent, found)] for name, found in values.items()])


def claims(*found: tuple[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """What `claims.claims` found, for one or more tiers ``(name, claims)``, each a column.

    A claim that another tier does not have (it was computed with another layer) has an empty cell there.
    """
    rows = []
    for claim in dict.fromkeys(claim for _, one in found for claim in one):
        row = [claim]
        for _, one in found:
            if claim not in one:
                row.append("")
                continue
            leads = zip(one[claim]["alphas"], one[claim]["leads"], strict=True)
            listed = "<br>".join(f"{a:g}:\u00a0{percent(lead, sign=True)}" for a, lead in leads)
            row.append(f"**{one[claim]['verdict']}**<br>{listed}")
        rows.append(row)
    return markdown(["claim", *(name for name, _ in found)], rows)


def verdicts(found: Mapping[str, Mapping[str, Any]]) -> str:
    """How many of the claims hold, such as "4 of 6 hold, 2 cannot be told"."""
    count = Counter(one["verdict"] for one in found.values())
    hold, fail, untold = (count[kind] for kind in ("holds", "does not hold", "cannot be told"))
    parts = [f"{hold} of {len(found)} {'holds' if hold == 1 else 'hold'}"]
    parts += [f"{fail} {'does' if fail == 1 else 'do'} not"] * (fail > 0)
    return ", ".join(parts + [f"{untold} cannot be told"] * (untold > 0))


def still(found: Sequence[Mapping[str, Any]], solver: str) -> str:
    """For what share of the pairs `solver` moves nothing at the paper's beta, in words."""
    of = [one for one in found if one["beta"] == PAPER_BETA and one["solver"] == solver]
    return " and ".join(f"{100 * one['still']:.0f} % of the pairs by {one['method']}" for one in of)


def solvers(found: Sequence[Mapping[str, Any]], copied: Sequence[float]) -> str:
    """What `studies.solvers` found, and the PCK ``(3,)`` of NN transfer."""
    head = ["method", "beta", "solver", "no flow", "optimal", "excess", "at most", "PCK"]
    rows = [
        [
            one["method"].replace(" ", "\u00a0"),
            f"{one['beta']:g}",
            {"trws": "TRW-S", "bp": "BP"}[one["solver"]],
            *(f"{100 * one[key]:.1f}" for key in ("still", "optimal")),
            *(f"{100 * one[key]:.2f}" for key in ("median", "largest")),
            percent(one["pck"]),
        ]
        for one in found
    ]
    return markdown(head, [*rows, ["NN transfer", *[""] * 6, percent(copied)]])


def orders(found: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Method -> order -> mean PCK ``(3,)``."""
    head = ["method", *next(iter(found.values()))]
    return markdown(
        head, [[name, *(_stacked(percent(v)) for v in by.values())] for name, by in found.items()]
    )


def dense(found: Mapping[str, Mapping[str, np.ndarray]], alphas: Sequence[float]) -> str:
    """Method -> where (all pixels, keypoints) -> ``(3, 1 + A)``: median error in pixels, PCK at `alphas`."""
    head = ["method", "of", "median error, px", *(f"PCK, alpha = {a:g}" for a in alphas)]
    rows = []
    for name, places in found.items():
        for where, values in places.items():
            values = np.asarray(values, dtype=np.float64)
            texts = [spelled(values[:, 0]), *(percent(v) for v in values.T[1:])]
            rows.append([name, where, *map(_stacked, texts)])
    return markdown(head, rows)


def _stacked(text: str) -> str:
    """A value above its interval: side by side they would make the table wider than the page."""
    return text.replace("\u00a0[", "<br>[")
