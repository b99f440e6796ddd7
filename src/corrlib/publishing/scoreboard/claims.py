"""The claims of the paper that could be wrong: ``book/published/claims.csv``, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from corrlib.publishing import results

__all__ = ["TASKS", "Key", "registry"]

#: Table of the paper, name of the row, and column of a published number.
Key = tuple[int, str, str]
#: The claims that the conclusion of the paper sums up.
TASKS = {
    "alignment": "conv-flow-as-good",
    "classification": "conv-as-good-as-sift",
    "prediction": "conv-over-sift",
}


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, or one beside it.

    Attributes
    ----------
    section
        Of the paper.
    text
        The claim in plain words.
    quote
        The paper's words; empty for a claim that is not in the paper.
    chapter, label
        The chapter, and its figure or table, that shows it; empty for the conclusion of the whole paper.
    relation
        What the claim says of the differences that its chapter reports: ``better`` if they are positive, ``no
        worse``, or ``no better``. Empty: not tested.
    why
        Why it is not tested.
    published
        The differences that it rests on in the paper's tables: a label, and the two numbers.
    """

    section: int
    text: str
    quote: str
    chapter: str
    label: str
    relation: str
    why: str
    published: Sequence[tuple[str, Key, Key]]


@cache
def registry() -> dict[str, Claim]:
    """Identifier -> claim, in the order of the paper. Chapters report differences under these identifiers."""
    published = _published()
    columns = ("text", "quote", "chapter", "label", "relation", "not tested")
    return {
        row["id"]: Claim(int(row["section"]), *(row[c] for c in columns), published.get(row["id"], []))
        for row in results.published("claims")
    }


def _published() -> dict[str, list[tuple[str, Key, Key]]]:
    flows = {
        "conv-flow-as-good": ("conv4 flow", "SIFT flow", ["0.1"]),
        "conv-flow-stricter": ("conv4 flow", "SIFT flow", ["0.05", "0.025"]),
        "conv-flow-over-copy": ("conv4 flow", "NN transfer", ["0.1", "0.05", "0.025"]),
        "sift-flow-over-copy": ("SIFT flow", "NN transfer", ["0.1", "0.05", "0.025"]),
    }
    features = {
        "conv-as-good-as-sift": [("conv4", "SIFT 40")],
        "conv4-conv5-best": [("conv4", "conv3"), ("conv5", "conv3")],
    }
    methods = {
        "conv-over-sift": ("conv5", "SIFT"),
        "conv-prior-helps": ("conv5+prior", "conv5"),
        "sift-prior-helps": ("SIFT+prior", "SIFT"),
        "conv-prior-over-sift-prior": ("conv5+prior", "SIFT+prior"),
    }
    found = {}
    for name, (a, b, alphas) in flows.items():
        columns = [f"alpha = {alpha}" for alpha in alphas]
        found[name] = [(column, (2, a, f"mean, {column}"), (2, b, f"mean, {column}")) for column in columns]
    for name, pairs in features.items():
        found[name] = [(f"{a} \u2212 {b}", (3, a, "mean"), (3, b, "mean")) for a, b in pairs]
    for name, (a, b) in methods.items():
        column = "alpha = 0.1"
        found[name] = [(column, (4, a, f"mean, {column}"), (4, b, f"mean, {column}"))]
    return found | {"all-three-tasks": [(task, *found[name][0][1:]) for task, name in TASKS.items()]}
