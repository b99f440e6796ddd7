"""What the paper claims of keypoint prediction, judged by intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from corrlib import metrics


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
        lead = metrics.estimate(better, [alpha], minus=worse)[0]
        found[claim] = {"lead": lead, "verdict": metrics.judge(lead)}
    return found
