"""What the paper claims of keypoint prediction, judged by intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from corrlib.experiments.prediction.predictions import estimate


def judge(lead: Sequence[float]) -> str:
    """Judge the claim that one method is better than another.

    Parameters
    ----------
    lead
        ``(3,)``: how far it is ahead, and the two ends of the interval of that.

    Returns
    -------
    str
        "holds" if the whole interval lies above zero, "does not hold" if none of it does, and "cannot be
        told" otherwise.
    """
    _, lower, upper = lead
    if lower > 0:
        return "holds"
    return "does not hold" if upper <= 0 else "cannot be told"


def claims(
    errors: Mapping[str, Sequence[np.ndarray]], alone: Sequence[np.ndarray], layer: str, alpha: float
) -> dict[str, dict]:
    """Judge what the paper says of its Table 4, and whether detectors know more than the prior alone.

    Parameters
    ----------
    errors
        Method -> errors of each category ``(N, K)``: SIFT, `layer`, and each ``+prior``.
    alone
        Those of the prior alone.
    layer
        Name of the convnet features.
    alpha
        Tolerance of the PCK.

    Returns
    -------
    dict
        The claim in words -> the ``lead`` ``(3,)`` and the ``verdict``.
    """
    prior = f"{layer}+prior"
    stated = {
        f"{layer} is better than SIFT": (errors[layer], errors["SIFT"]),
        f"{prior} is better than {layer}": (errors[prior], errors[layer]),
        "SIFT+prior is better than SIFT": (errors["SIFT+prior"], errors["SIFT"]),
        f"{prior} is better than SIFT+prior": (errors[prior], errors["SIFT+prior"]),
        f"{prior} is better than the prior alone (not in the paper)": (errors[prior], alone),
        "SIFT+prior is better than the prior alone (not in the paper)": (errors["SIFT+prior"], alone),
    }
    found = {}
    for claim, (better, worse) in stated.items():
        lead = estimate(better, [alpha], minus=worse)[0]
        found[claim] = {"lead": lead, "verdict": judge(lead)}
    return found
