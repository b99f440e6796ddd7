"""What the paper claims of alignment, judged by intervals: it holds, it does not, or it cannot be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from corrlib import metrics

#: The paper's tolerances.
ALPHAS = (0.1, 0.05, 0.025)

Errors = Sequence[np.ndarray]


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
        leads = metrics.estimate(ours, alphas, minus=theirs)
        verdict = metrics.judge(leads, ties="at least" in claim)
        found[claim] = {"alphas": list(alphas), "leads": leads, "verdict": verdict}
    return found
