"""The claims of the paper that could be wrong: ``book/published/claims.csv``, and the numbers behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from corrlib.publishing import results

#: Table of the paper, name of the row, and column of a published number.
Key = tuple[int, str, str]
#: The claims that the conclusion of the paper sums up.
TASKS = {"alignment": "conv-flow-as-good", "classification": "conv-as-good-as-sift"}
TASKS |= {"prediction": "conv-over-sift"}
#: Section of the paper -> what its claims are about.
SECTIONS = {
    2: "what features preserve",
    3: "alignment",
    4: "classification",
    5: "prediction",
    6: "the conclusion, based on the differences from SIFT in the three tasks",
}


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, or an additional one."""

    section: int
    text: str
    #: The paper's words; empty for a claim that is not in the paper.
    quote: str
    chapter: str
    #: The chapter's figure or table that shows it; empty for the conclusion of the whole paper.
    label: str
    #: Its statement about the differences that its chapter reports: ``better`` (they are positive), ``no
    #: worse`` or ``no better``; empty if it is not tested, for the reason `why`.
    relation: str
    why: str
    #: The differences in the paper's tables on which it is based: a label, and the two numbers.
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


@cache
def reasons() -> dict[tuple[str, str, str], str]:
    """Reasons for verdicts on claims and for differences of numbers, by claim or number, dataset and verdict.

    They are read from ``book/published/reasons.csv``. A reason applies only to the verdict that it explains.
    For a number, the verdict is empty.
    """
    return {
        (row["of"], row["dataset"], row["verdict"]): row["reason"] for row in results.published("reasons")
    }


def _published() -> dict[str, list[tuple[str, Key, Key]]]:
    """Identifier -> the published differences on which a claim is based."""
    methods = {
        "conv-flow-as-good": (2, "conv4 flow", "SIFT flow", ["0.1"]),
        "conv-flow-stricter": (2, "conv4 flow", "SIFT flow", ["0.05", "0.025"]),
        "conv-flow-over-copy": (2, "conv4 flow", "NN transfer", ["0.1", "0.05", "0.025"]),
        "sift-flow-over-copy": (2, "SIFT flow", "NN transfer", ["0.1", "0.05", "0.025"]),
        "conv-over-sift": (4, "conv5", "SIFT", ["0.1"]),
        "conv-prior-helps": (4, "conv5+prior", "conv5", ["0.1"]),
        "sift-prior-helps": (4, "SIFT+prior", "SIFT", ["0.1"]),
        "conv-prior-over-sift-prior": (4, "conv5+prior", "SIFT+prior", ["0.1"]),
    }
    features = {
        "conv-as-good-as-sift": [("conv4", "SIFT 40")],
        "conv4-conv5-best": [("conv4", "conv3"), ("conv5", "conv3")],
    }
    published = {}
    for name, (table, a, b, alphas) in methods.items():
        columns = [f"alpha = {alpha}" for alpha in alphas]
        published[name] = [(of, (table, a, f"mean, {of}"), (table, b, f"mean, {of}")) for of in columns]
    for name, pairs in features.items():
        published[name] = [(f"{a} \u2212 {b}", (3, a, "mean"), (3, b, "mean")) for a, b in pairs]
    return published | {"all-three-tasks": [(task, *published[name][0][1:]) for task, name in TASKS.items()]}
