"""By how much one thing is ahead of another, found in the results of a tier: what claims are judged by.

Leads are in percentage points, in section 2 in correlation. Each function returns nothing where the results
do not say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

#: Chapter -> what it wrote, as `store.read_result` returns it.
Results = Mapping[str, Mapping[str, Any]]
#: What is ahead of what, and by how much: value, lower and upper end; None where there is no interval.
Lead = tuple[str, tuple[float, float | None, float | None]]


def judged(chapter: str, text: str, *, negative: bool = False) -> Callable[[Results], list[Lead]]:
    """The leads of a claim that a chapter has judged; `negative`: of its opposite."""

    def leads(results: Results) -> list[Lead]:
        one = results.get(chapter, {}).get("values", {}).get("claims", {}).get(text)
        if one is None:
            return []
        if "what" in one:
            labels, values = [what.replace("\u00a0", " ") for what in one["what"]], np.array(one["leads"])
        elif "alphas" in one:
            labels, values = [f"alpha = {a:g}" for a in one["alphas"]], 100 * np.array(one["leads"])
        else:
            labels, values = [""], 100 * np.array([one["lead"]])
        values = -values[:, [0, 2, 1]] if negative else values
        return [(label, tuple(value)) for label, value in zip(labels, values.tolist(), strict=True)]

    return leads


def detail(results: Results) -> list[Lead]:
    """By how much more detail is left by neighbours than by places drawn nearby, in correlation."""
    if "visualization" not in results:
        return []
    one = results["visualization"]
    k = str(one["provenance"]["parameters"]["k"])
    wanted = ("conv3", "conv4", "conv5")
    return [(name, tuple(one["values"][name][k]["detail"]["difference"])) for name in wanted]


def deeper(results: Results) -> list[Lead]:
    """By how much more detail a layer leaves than the next."""
    found = results.get("visualization", {}).get("values", {}).get("deeper", {})
    return [(what, tuple(value)) for what, value in found.items()]


def chosen(chapter: str, among: str, wanted: float) -> Callable[[Results], list[Lead]]:
    """How far the paper's choice is ahead of the best other one that was tried on train.

    The interval is the widest that two intervals allow: the choices were tried on the same instances, but
    only their own intervals are written down.
    """

    def leads(results: Results) -> list[Lead]:
        values, found = results.get(chapter, {}).get("values", {}), []
        for name, curve in values.get("validated", {}).items():
            if wanted not in values[among]:
                return []
            own = curve[values[among].index(wanted)]
            others = [(v, at) for v, at in zip(curve, values[among], strict=True) if at != wanted]
            if others:
                (value, lower, upper), at = max(others)
                ahead = [own[0] - value, own[1] - upper, own[2] - lower]
                found.append((f"{name}, over {at:g}", tuple(100 * v for v in ahead)))
        return found

    return leads


def cost(results: Results) -> list[Lead]:
    """How far C = 1e-6 is ahead of the best other one, in the mean over layers and over radii of SIFT."""
    values, found = results.get("classification", {}).get("values", {}), []
    curves, Cs = values.get("validation", {}), values.get("Cs", [])
    for kind, beginning in (("layers", "conv"), ("SIFT", "SIFT")):
        each = [curve for name, curve in curves.items() if name.startswith(beginning)]
        if each and 1e-6 in Cs and len(Cs) > 1:
            mean = dict(zip(Cs, np.mean(each, axis=0).tolist(), strict=True))
            own = mean.pop(1e-6)
            best = max(mean, key=mean.__getitem__)
            found.append((f"{kind}, over {best:g}", (own - mean[best], None, None)))
    return found


def finer(results: Results) -> list[Lead]:
    """What a finer stride gains at tolerances stricter than 0.1."""
    found = results.get("prediction", {}).get("values", {}).get("gained", {})
    strict = {alpha: one["lead"] for alpha, one in found.items() if float(alpha) < 0.1}
    return [(f"alpha = {alpha}", tuple(100 * v for v in lead)) for alpha, lead in strict.items()]


def everywhere(results: Results) -> list[Lead]:
    """Over SIFT in all three tasks; nothing unless all have been run."""
    tasks = {
        "alignment": "conv4 flow is at least as good as SIFT flow",
        "classification": "convnet features are at least as good as SIFT",
        "prediction": "conv5 is better than SIFT",
    }
    found = [(task, lead) for task, text in tasks.items() for _, lead in judged(task, text)(results)]
    return found if len(found) == len(tasks) else []
