"""Verdicts on the paper's claims and on its numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from corrlib import metrics
from corrlib.publishing.scoreboard.leads import Lead, Results
from corrlib.publishing.scoreboard.rows import Number, numbers
from corrlib.publishing.scoreboard.stated import BESIDE, CLAIMS

HOLDS, IN_ORDER, UNTOLD = "holds", "holds in order only", "cannot be told"
FAILS, NOT_RUN = "does not hold", "not run here"
#: The best first.
WORDS = (HOLDS, IN_ORDER, UNTOLD, FAILS, NOT_RUN)
#: The tier whose numbers should be the published ones.
PAPER = "voc2011"


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, or beside it, and what became of it.

    Attributes
    ----------
    section, text, quote, place, why
        As `stated.Stated` has them.
    published
        Leads by the paper's own tables: it gives no intervals.
    verdicts
        Tier -> one of `WORDS`. A tier is left out that does not say.
    leads
        Tier -> what by how much is ahead of the other: ``(label, (value, lower, upper))``, in percentage
        points; in section 2 in correlation.
    """

    section: int
    text: str
    quote: str
    place: tuple[str, str]
    why: str
    published: Sequence[Lead]
    verdicts: Mapping[str, str]
    leads: Mapping[str, Sequence[Lead]]

    @property
    def beside(self) -> bool:
        """Whether the paper does not make it."""
        return BESIDE in self.text


def claims(tiers: Mapping[str, Results]) -> list[Claim]:
    """Return all claims, in the order of the paper's sections, with those verdicts that the tiers give."""
    paper = {(one.table, one.name, one.of): one.published for one in numbers({})}
    result = []
    for one in CLAIMS:
        leads = {
            tier: found for tier, results in tiers.items() if one.leads and (found := one.leads(results))
        }
        known = [(label, (round(paper[a] - paper[b], 4), None, None)) for label, a, b in one.published]
        verdicts = {tier: verdict(found, ties=one.ties) for tier, found in leads.items()}
        result.append(Claim(one.section, one.text, one.quote, one.place, one.why, known, verdicts, leads))
    return result


def verdict(leads: Sequence[Lead], *, ties: bool) -> str:
    """Judge leads as `metrics.judge`; what that cannot tell holds in order if all values say so."""
    values = np.array(
        [[v, -np.inf if a is None else a, np.inf if b is None else b] for _, (v, a, b) in leads]
    )
    word = metrics.judge(values, ties=ties)
    ahead = values[:, 0] >= 0 if ties else values[:, 0] > 0
    return IN_ORDER if word == UNTOLD and ahead.all() else word


def counted(found: Sequence[Claim], tier: str) -> dict[str, int]:
    """How many of the paper's own claims have which verdict, of all `WORDS`."""
    count = Counter(claim.verdicts.get(tier, NOT_RUN) for claim in found if not claim.beside)
    return {word: count[word] for word in WORDS}


def pairs(every: Sequence[Number], tier: str) -> dict[tuple[int, str], list[tuple[Number, Number, str]]]:
    """Compare the order of a tier's numbers with the published one.

    Returns
    -------
    dict
        Table and column (a category, or a mean) -> the number that is published higher, the lower one, and
        `HOLDS` if so it is here, `FAILS` if the intervals here are the other way round, else `UNTOLD`. Where
        two published numbers are equal there is nothing to compare.
    """
    columns: dict[tuple[int, str], list[Number]] = {}
    for one in every:
        if one.table > 1 and tier in one.ours:
            columns.setdefault((one.table, one.of), []).append(one)
    found = {}
    for column, members in columns.items():
        found[column] = []
        for pair in combinations(members, 2):
            low, high = sorted(pair, key=lambda one: one.published)
            if low.published < high.published:
                found[column].append((high, low, _ordered(high.ours[tier], low.ours[tier])))
    return found


def judged(every: Sequence[Number], tier: str) -> list[str]:
    """A verdict on each number, in turn.

    It holds if the published number lies in the interval, to its last digit; in Table 1, which is exact, if
    it is the same. That can be asked of `PAPER` only, and there of what has an interval. In order only it
    holds if all others of its column are on the same side of it as in the paper.
    """
    compared = pairs(every, tier)
    return [_judged(one, tier, compared.get((one.table, one.of), [])) for one in every]


def _judged(one: Number, tier: str, compared: Sequence[tuple[Number, Number, str]]) -> str:
    if tier not in one.ours:
        return NOT_RUN
    value, lower, upper = one.ours[tier]
    if one.table == 1:
        return HOLDS if value == one.published else FAILS
    half = 0.5 * 10.0**-one.digits
    known = tier.startswith(PAPER) and None not in (lower, upper)
    if known and lower - half <= one.published <= upper + half:
        return HOLDS
    words = {word for high, low, word in compared if one in (high, low)}
    if FAILS in words:
        return FAILS
    return IN_ORDER if words == {HOLDS} else UNTOLD


def _ordered(high: Sequence[float | None], low: Sequence[float | None]) -> str:
    if high[0] > low[0]:
        return HOLDS
    return FAILS if None not in (*high, *low) and high[2] < low[1] else UNTOLD
