"""Verdicts on the claims of the paper, from the differences that chapters report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.publishing.format import formatted, words
from corrlib.publishing.scoreboard.claims import TASKS, reasons, registry

#: What is compared, and the difference with its 95 % interval, whose ends are None where they are not known.
Difference = tuple[str, Sequence[float | None]]
#: Identifier of a claim -> the differences on which it is based, in points (section 2: none).
Differences = Mapping[str, Sequence[Difference]]
#: Chapter -> its results, as returned by `corrlib.publishing.results.read`.
Results = Mapping[str, Mapping[str, Any]]

#: Verdict -> the class of its mark, which ``book/_static/scoreboard.css`` colours.
CLASSES = {w: w.removeprefix("inconclusive (").rstrip(")").replace(" ", "-") for w in metrics.VERDICTS}


def summary(differences: Differences) -> str:
    """Verdicts on the paper's claims of a chapter in words: ``4 of 6 are supported and 1 is inconclusive``.

    If all have the same: ``all 3 are supported``, ``both are supported``. Claims that are not in the paper
    do not count.
    """
    claimed = [name for name in differences if registry()[name].quote]
    count = Counter(verdict(name, differences) for name in claimed)
    if len(count) == 1 and len(claimed) > 1:
        return f"{'both' if len(claimed) == 2 else f'all {len(claimed)}'} are {next(iter(count))}"
    supported = count.pop(metrics.VERDICTS[0], 0)
    first = f"{supported or 'none'} of {len(claimed)} {'are' if supported > 1 else 'is'} supported"
    return words([first, *_counted(count)])


def tally(differences: Differences) -> str:
    """The `counts` in words: ``9 are supported and 1 is contradicted``."""
    return words(_counted(counts(differences)))


def by_task(differences: Differences) -> str:
    """The verdicts on the paper's conclusion in each task: ``**supported** in prediction``, and so on."""
    tasks: dict[str, list[str]] = {}
    for task, claim in TASKS.items():
        tasks.setdefault(verdict(claim, differences), []).append(task)
    return ", and ".join(f"**{word}** in {words(names)}" for word, names in tasks.items())


def _counted(count: Mapping[str, int]) -> list[str]:
    return [f"{n} {'are' if n > 1 else 'is'} {w}" for w in metrics.VERDICTS if (n := count[w])]


def counts(differences: Differences) -> dict[str, int]:
    """Verdict -> number of claims of the paper with it; claims that are not in the paper do not count."""
    count = Counter(verdict(name, differences) for name, claim in registry().items() if claim.quote)
    return {word: count[word] for word in metrics.VERDICTS}


def verdict(name: str, differences: Differences) -> str:
    """The verdict on the claim of an identifier, one of `corrlib.metrics.VERDICTS`."""
    values = [value for _, value in _claimed(name, differences)]
    if not values:
        return metrics.VERDICTS[-1]
    return metrics.judge(values, at_least=registry()[name].relation != "better")


def cell(name: str, differences: Differences, dataset: str) -> str:
    """The verdict on a claim, the differences on which it is based, and a reason if it is not supported.

    `dataset` begins with the name of the dataset. The result is Markdown. If no reason is known, the claim is
    *unexplained*.
    """
    format = "+.3f" if registry()[name].section == 2 else "+.1f"
    word = verdict(name, differences)
    lines = [mark(word), *(listed(label, value, format) for label, value in _claimed(name, differences))]
    if why := reason(name, word, dataset):
        lines.append(f'<span class="reason">{why}.</span>')
    return "<br>".join(lines)


def reason(name: str, word: str, dataset: str) -> str:
    """The reason for a verdict on a dataset; *Unexplained* if it is unknown, "" if none is needed."""
    if word in (metrics.VERDICTS[0], metrics.VERDICTS[-1]):
        return ""
    return reasons().get((name, dataset.split()[0], word), "Unexplained")


def listed(label: str, value: np.ndarray, format: str = "+.1f") -> str:
    """A difference ``(3,)`` with its label; an interval that is NaN is left out."""
    text = formatted(value[0] if np.isnan(value[1]) else value, format)
    return f"{label}: {text}" if label else text


def mark(word: str) -> str:
    """A verdict as Markdown, with the class of its mark."""
    return f'<span class="verdict {CLASSES[word]}">**{word}**</span>'


def differences(results: Results) -> dict[str, list[Difference]]:
    """All differences in a dataset's results: those of chapters, of chosen values and of the conclusion."""
    values = {chapter: one["values"] for chapter, one in results.items()}
    found = {name: each for one in values.values() for name, each in one.get("claims", {}).items()}
    betas, etas = values.get("alignment", {}).get("validated", {}), values.get("prediction", {})
    found["chosen-beta"] = _chosen(betas.get("pck", {}), betas.get("betas", ()), 3e-3)
    found["chosen-eta"] = _chosen(etas.get("validated", {}), etas.get("etas", ()), 0.1)
    found["chosen-C"] = _cost(values.get("classification", {}))
    if all(found.get(name) for name in TASKS.values()):
        found["all-three-tasks"] = [(task, found[name][0][1]) for task, name in TASKS.items()]
    return found


def _claimed(name: str, differences: Differences) -> list[tuple[str, np.ndarray]]:
    """The differences of a claim, positive where they agree with it; NaN for an end that is not known."""
    each = [(label, np.array(value, dtype=np.float64)) for label, value in differences.get(name, ())]
    opposite = registry()[name].relation == "no better"
    return [(label, -value[[0, 2, 1]]) if opposite else (label, value) for label, value in each]


def _chosen(curves: Mapping[str, Sequence], among: Sequence[float], wanted: float) -> list[Difference]:
    """The paper's choice minus the best other one on train; the interval is the widest that both allow."""
    found = []
    for name, curve in curves.items():
        by_choice = dict(zip(among, curve, strict=True))
        paper = by_choice.pop(wanted, None)
        if paper is not None and by_choice:
            (value, lower, upper), best = max((tuple(v), choice) for choice, v in by_choice.items())
            apart = (paper[0] - value, paper[1] - upper, paper[2] - lower)
            over = np.format_float_positional(best, trim="-")
            found.append((f"{name}, over {over}", tuple(100 * v for v in apart)))
    return found


def _cost(values: Mapping[str, Any]) -> list[Difference]:
    """C = 1e-6 minus the best other value, averaged over layers and over radii of SIFT, without interval."""
    curves, Cs, found = values.get("validation", {}), values.get("Cs", []), []
    for kind, beginning in (("layers", "conv"), ("SIFT", "SIFT")):
        each = [curve for name, curve in curves.items() if name.startswith(beginning)]
        if each and 1e-6 in Cs and len(Cs) > 1:
            mean = dict(zip(Cs, np.mean(each, axis=0).tolist(), strict=True))
            paper = mean.pop(1e-6)
            best = max(mean, key=mean.__getitem__)
            found.append((f"{kind}, over {best:g}", (paper - mean[best], None, None)))
    return found
