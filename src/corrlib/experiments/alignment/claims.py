"""What the paper claims of alignment, judged by intervals: it holds, it does not, or it cannot be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from corrlib.experiments.alignment.scores import estimate

#: The paper's tolerances.
ALPHAS = (0.1, 0.05, 0.025)

Errors = Sequence[np.ndarray]


def judge(leads: np.ndarray, *, ties: bool = False) -> str:
    """Judge the claim that one method is better than another, at one tolerance or at each of several.

    Parameters
    ----------
    leads
        ``(A, 3)``: how far it is ahead, and the two ends of the interval of that.
    ties
        Whether the claim is only that it is no worse.

    Returns
    -------
    str
        "holds" if every interval lies above zero (with `ties`: nowhere below), "does not hold" if one does
        not reach above zero (with `ties`: lies below), and "cannot be told" otherwise.
    """
    leads = np.asarray(leads, dtype=np.float64).reshape(-1, 3)
    lower, upper = leads[:, 1], leads[:, 2]
    if (lower >= 0).all() if ties else (lower > 0).all():
        return "holds"
    return "does not hold" if ((upper < 0).any() if ties else (upper <= 0).any()) else "cannot be told"


def claims(
    convnet: str, sift: str, copy: str, errors: Mapping[str, Errors], by_data: Mapping[str, Errors]
) -> dict[str, dict]:
    """Judge each claim of the paper's section 3.

    Parameters
    ----------
    convnet, sift, copy
        Names of the three methods of its Table 2 among those of `errors`.
    errors
        Method -> errors as `scores.flow_errors` returns them, all of the same instances.
    by_data
        The same for neighbours in the order of the data term.

    Returns
    -------
    dict
        The claim in words -> ``alphas``, the ``leads`` there ``(A, 3)``, and the ``verdict``.
    """
    loose, *strict = ALPHAS
    stated = [
        (f"{convnet} is at least as good as {sift}", [loose], errors[convnet], errors[sift]),
        (f"{convnet} is better than {sift} at stricter tolerances", strict, errors[convnet], errors[sift]),
        (f"{convnet} is better than {copy}", ALPHAS, errors[convnet], errors[copy]),
        (f"{sift} is better than {copy}", ALPHAS, errors[sift], errors[copy]),
    ]
    for name in (convnet, sift):
        better = f"{name} is better with neighbours in order of deformation than of the data term"
        stated.append((better, [loose], errors[name], by_data[name]))
    found = {}
    for claim, alphas, ours, theirs in stated:
        leads = estimate(ours, alphas, minus=theirs)
        verdict = judge(leads, ties="at least" in claim)
        found[claim] = {"alphas": list(alphas), "leads": leads, "verdict": verdict}
    return found
