"""Numbers and claims as files: Markdown, CSV, JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from corrlib.publishing.scoreboard.judging import NOT_RUN, Claim
from corrlib.publishing.scoreboard.rows import Number
from corrlib.publishing.tables import markdown, spelled


def as_markdown(every: Sequence[Number], found: Sequence[Claim], tiers: Sequence[str]) -> str:
    """Everything as a page."""
    parts = [f"# The paper and {' and '.join(tiers)}", "## Claims", _verdicts(found, tiers)]
    for which in sorted({one.table for one in every}):
        head = f"In each cell: the paper's number, then {', then '.join(tiers)} (and the difference)."
        parts += [f"## Table {which}", head, _table(every, which, tiers)]
    return "\n\n".join(parts) + "\n"


def as_json(every: Sequence[Number], found: Sequence[Claim]) -> dict[str, Any]:
    """Everything as plain lists and dictionaries."""
    listed = [vars(one) | {"difference": {t: one.difference(t) for t in one.ours}} for one in every]
    return {"numbers": listed, "claims": [vars(one) for one in found]}


def as_csv(every: Sequence[Number], tiers: Sequence[str]) -> str:
    """All numbers, one a line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    own = [[t, f"{t} lower", f"{t} upper", f"{t} difference"] for t in tiers]
    writer.writerow(["table", "name", "of", "published", *(name for each in own for name in each)])
    for one in every:
        values = [[*one.ours[t], one.difference(t)] if t in one.ours else [""] * 4 for t in tiers]
        rounded = ["" if v in (None, "") else f"{v:.4g}" for each in values for v in each]
        writer.writerow([one.table, one.name, one.of, f"{one.published:.{one.digits}f}", *rounded])
    return text.getvalue()


def _table(every: Sequence[Number], which: int, tiers: Sequence[str]) -> str:
    """One of the paper's tables as Markdown, transposed: in a cell the published number, and a tier a line.

    Each with how far it is from the published one.
    """
    chosen = [one for one in every if one.table == which]
    names, places = (list(dict.fromkeys(getattr(one, key) for one in chosen)) for key in ("name", "of"))
    cells = {(one.of, one.name): one for one in chosen}
    rows = []
    for of in places:
        row = [of]
        for name in names:
            one = cells.get((of, name))
            row.append("" if one is None else _cell(one, tiers))
        rows.append(row)
    return markdown(["", *names], rows)


def _verdicts(found: Sequence[Claim], tiers: Sequence[str]) -> str:
    """Claims as Markdown: section, words, and in each tier's column the verdict above the leads."""
    rows = []
    for claim in found:
        cells = []
        for tier in tiers:
            lines = [f"**{claim.verdicts.get(tier, NOT_RUN)}**"]
            for label, lead in claim.leads.get(tier, ()):
                digits = 2 if claim.section == 2 else 1
                text = f"{lead[0]:+.{digits}f}" if None in lead else spelled(lead, digits, sign=True)
                lines.append(f"{label}: {text}".replace(" ", "\u00a0") if label else text)
            cells.append("<br>".join(lines))
        rows.append([str(claim.section), claim.text, *cells])
    return markdown(["section", "claim", *tiers], rows)


def _cell(one: Number, tiers: Sequence[str]) -> str:
    lines = [f"{one.published:.{one.digits}f}"]
    for tier in tiers:
        if tier in one.ours:
            value, *ends = one.ours[tier]
            digits = max(one.digits, 1) if one.table != 1 else 0
            text = f"{value:.{digits}f}" if None in ends else spelled((value, *ends), digits)
            lines.append(text + f" ({one.difference(tier):+.{digits}f})".replace("-", "\u2212"))
        else:
            lines.append("")
    return "<br>".join(lines).replace(" ", "\u00a0")
