"""The scoreboard as a page of the book: tables in Markdown, with the marks and links of MyST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from corrlib.publishing.scoreboard.judging import (
    FAILS,
    HOLDS,
    IN_ORDER,
    NOT_RUN,
    PAPER,
    UNTOLD,
    WORDS,
    Claim,
    counted,
    judged,
    pairs,
)
from corrlib.publishing.scoreboard.leads import Lead, Results
from corrlib.publishing.scoreboard.rows import CHAPTERS, Number
from corrlib.publishing.tables import markdown, spelled

#: Verdict -> the class of its mark, which ``book/_static/scoreboard.css`` colours.
CLASSES = {HOLDS: "holds", IN_ORDER: "in-order", UNTOLD: "untold", FAILS: "fails", NOT_RUN: "not-run"}
#: With what the columns of means begin.
MEAN = "mean"
#: What has the numbers of each table.
HEADS = {1: "layer", 2: "method", 3: "feature", 4: "method"}
#: Characters of a label that stands in one line with its lead.
SHORT = 14


def mark(word: str) -> str:
    """A verdict, with its mark."""
    return f"[{word}]{{.verdict .{CLASSES[word]}}}"


def glance(found: Sequence[Claim], tiers: Sequence[str]) -> str:
    """How many of the paper's claims have which verdict on which tier."""
    counts = {tier: counted(found, tier) for tier in tiers}
    rows = [[mark(word), *(str(counts[tier][word]) for tier in tiers)] for word in WORDS]
    total = [str(sum(counts[tier].values())) for tier in tiers]
    return markdown(["the claim", *tiers], [*rows, ["together", *total]])


def claimed(found: Sequence[Claim], tiers: Sequence[str]) -> str:
    """Claims with the paper's words and leads, where they are shown, and each tier's verdict and leads."""
    rows = []
    for claim in found:
        _, label = claim.place
        text = claim.text + (f"<br>[\u201c{claim.quote}\u201d]{{.quote}}" if claim.quote else "")
        text += f" {{numref}}`{label}`" if label else ""
        cells = []
        for tier in tiers:
            lines = [
                mark(claim.verdicts.get(tier, NOT_RUN)),
                *_leads(claim.leads.get(tier, ()), claim.section),
            ]
            cells.append("<br>".join(lines))
        if claim.why:
            cells[-1] += f"<br>{claim.why}"
        rows.append([text, "<br>".join(_leads(claim.published, claim.section)), *cells])
    if not any(claim.published for claim in found):
        return markdown(["claim", *tiers], [[text, *cells] for text, _, *cells in rows])
    return markdown(["claim", "published", *tiers], rows)


def orders(every: Sequence[Number], tiers: Sequence[str]) -> str:
    """How many pairs of each table's numbers are in the published order, for means and for categories."""
    compared = {tier: pairs(every, tier) for tier in tiers}
    rows = []
    for table in (2, 3, 4):
        for what, means in (("means", True), ("categories", False)):
            cells = []
            for tier in tiers:
                words = [
                    word
                    for (number, of), each in compared[tier].items()
                    if number == table and of.startswith(MEAN) == means
                    for _, _, word in each
                ]
                if not words:
                    cells.append(mark(NOT_RUN))
                    continue
                text = f"{words.count(HOLDS)} of {len(words)}"
                cells.append(text + f", {words.count(FAILS)} reversed" * (FAILS in words))
            rows.append([f"Table {table}, {what}", *cells])
    return markdown(["pairs in the published order", *tiers], rows)


def listed(every: Sequence[Number], table: int, tiers: Sequence[str], *, means: bool) -> str:
    """Numbers of a table, one a row: published, of each tier with its interval, and the last tier's verdict.

    Parameters
    ----------
    means
        Whether those that are means (in Table 1: all) are wanted, or those of single categories.
    """
    last, words = tiers[-1], judged(every, tiers[-1])
    apart = "difference" if last.startswith(PAPER) or table == 1 else "difference (two worlds)"
    rows = {}
    for one, word in zip(every, words, strict=True):
        if one.table != table or means != (table == 1 or one.of.startswith(MEAN)):
            continue
        digits = 0 if table == 1 else max(1, one.digits)
        values = [_value(one, tier, digits) for tier in tiers]
        gap = one.difference(last)
        cells = [f"{one.published:.{one.digits}f}", *values, "" if gap is None else _signed(gap, digits)]
        # What is compared stands together: the methods of a category, of a mean.
        rows.setdefault(one.name if table == 1 else one.of, []).append(
            [_short(one.name), _short(one.of.removeprefix(f"{MEAN}, ")), *cells, mark(word)]
        )
    rows = [row for group in rows.values() for row in group]
    return markdown([HEADS[table], "of", "published", *tiers, apart, "verdict"], rows)


def sources(tiers: Mapping[str, Results]) -> str:
    """Where the results are from: for each tier and chapter data, network, code and seconds."""
    rows = []
    for tier, results in tiers.items():
        for chapter in CHAPTERS:
            if chapter not in results:
                rows.append([tier, chapter, *[""] * 3, mark(NOT_RUN)])
                continue
            about = results[chapter]["provenance"]
            network = f"{about.get('network', '')} {about['weights'][:8]}".strip()
            cells = [about.get("data", "")[:8], network, about["code"][:8], f"{about['seconds']:.0f}"]
            rows.append([tier, chapter, *cells])
    return markdown(["results", "chapter", "data", "network", "code", "seconds"], rows)


def _leads(leads: Sequence[Lead], section: int) -> list[str]:
    digits, lines = 2 if section == 2 else 1, []
    for label, (value, *ends) in leads:
        text = _signed(value, digits) if None in ends else spelled((value, *ends), digits, sign=True)
        gap = "\u00a0" if None in ends or len(label) <= SHORT else " "
        lines.append(f"{_short(label)}:{gap}{text}" if label else text)
    return lines


def _short(text: str) -> str:
    """In one line, and a short one."""
    return text.replace("alpha", "\u03b1").replace(" ", "\u00a0")


def _value(one: Number, tier: str, digits: int) -> str:
    if tier not in one.ours:
        return ""
    value, *ends = one.ours[tier]
    return f"{value:.{digits}f}" if None in ends else spelled((value, *ends), digits)


def _signed(value: float, digits: int) -> str:
    value = round(value, digits) + 0.0  # no negative zero
    return f"{value:{'+' if value else ''}.{digits}f}".replace("-", "\u2212")
