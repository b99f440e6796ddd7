"""Fine localisation: distances of the peaks of classifiers from the keypoints (section 4)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.experiments.classification.responses import REACH, Peaks, windows
from corrlib.experiments.classification.settings import Feature, Settings

#: Half the strides of conv1, conv2 and conv3 to conv5, in pixels.
HALF_STRIDES = (2.0, 4.0, 8.0)
#: Side in pixels of the cells of histograms, which divides the side of the window.
CELL = 3


def localisation(peaks: Sequence[Peaks]) -> dict[str, Any]:
    """Compare the distances of peaks from the keypoints with those of locations drawn from the window.

    Returns
    -------
    dict
        ``features``: feature -> a dictionary of

        - ``border``: the share in percent of peaks on the window's border, which are dropped;
        - ``kept``: the number of the others;
        - their ``median`` distance in pixels from the keypoint, over all keypoints;
        - ``within``: the share in percent whose distance is at most each of `HALF_STRIDES`, ``(3, 3)``; and
        - ``difference`` from that of a uniform draw, ``(3, 3)``; these three are None if no peak is left.

        Means over keypoints of an image, then over the images of all categories together (there may be few
        of each), with 95 % bootstrap intervals over them. ``uniform``: ``median`` and ``within`` ``(3,)`` of
        the draw. ``total``, ``inside``: numbers of keypoints, and of those with a window.
    """
    limits = np.array(HALF_STRIDES)
    firsts = np.cumsum([0, *(each.image.max() + 1 for each in peaks)])
    image = np.concatenate([each.image + first for each, first in zip(peaks, firsts, strict=False)])
    inside = np.concatenate([each.inside for each in peaks])
    drawn = uniform(np.concatenate([each.fraction for each in peaks]))
    chance = (drawn[:, :, None] <= limits).mean(axis=1)
    result: dict[Feature, dict[str, Any]] = {}
    for feature in peaks[0].offsets:
        distances = np.linalg.norm(np.concatenate([each.offsets[feature] for each in peaks]), axis=1)
        kept = np.isfinite(distances)
        near, expected = (
            _by_image(np.where(kept[:, None], values, np.nan), image)
            for values in (distances[:, None] <= limits, chance)
        )
        result[feature] = row = {"kept": int(kept.sum())}
        row["border"] = 100 * (1 - row["kept"] / int(inside.sum()))
        row |= {"median": None, "within": [None] * len(limits), "difference": [None] * len(limits)}
        if kept.any():
            row["median"] = float(np.median(distances[kept]))
            row["within"] = 100 * metrics.mean_interval([near]).T
            row["difference"] = 100 * metrics.mean_interval([near], minus=[expected]).T
    share = 100 * (drawn[inside].reshape(-1, 1) <= limits).mean(axis=0)
    return {
        "features": result,
        "uniform": {"median": float(np.median(drawn[inside])), "within": share},
        "total": len(inside),
        "inside": int(inside.sum()),
    }


def uniform(fraction: np.ndarray) -> np.ndarray:
    """Distances ``(n, 361)`` to n keypoints from all pixels of their windows but those on the border."""
    inner = windows(np.zeros((1, 2)))[0, 1:-1, 1:-1].reshape(-1, 2)
    return np.linalg.norm(inner + fraction[:, None], axis=-1)


def histograms(peaks: Sequence[Peaks], settings: Settings) -> dict[str, dict[Feature, np.ndarray]]:
    """Histograms of the peaks within their windows: the paper's Figure 4, and all categories together.

    Returns
    -------
    dict
        Two keypoints of the category that is shown, then the mean over categories, each row
        with its number of windows -> feature (every second radius, and all layers) -> percent ``(7, 7)`` of
        the windows whose peak is in each cell of 3 x 3 pixels. They sum to less than 100: peaks on the border
        are dropped.
    """
    first = peaks[0]
    names = [name for name in settings.pointed if name in first.names] or first.names[:2]
    chosen = {name: [(first, first.inside & (first.kind == first.names.index(name)))] for name in names}
    chosen["categories"] = [(each, each.inside) for each in peaks if each.inside.any()]
    return {
        f"{name.replace('_', ' ')}\nn = {sum(of.sum() for _, of in parts)}": {
            feature: np.mean([_histogram(each, of, feature) for each, of in parts], axis=0)
            for feature in (*settings.sift[::2], *settings.layers)
        }
        for name, parts in chosen.items()
    }


def _histogram(peaks: Peaks, of: np.ndarray, feature: Feature) -> np.ndarray:
    """Percent ``(7, 7)`` of some windows, by the cell of the peak."""
    pixels = peaks.offsets[feature][of] - peaks.fraction[of]
    pixels = np.rint(pixels[np.isfinite(pixels).all(axis=1)]).astype(int) + REACH
    counts = np.zeros(2 * [(2 * REACH + 1) // CELL])
    np.add.at(counts, tuple(pixels.T[::-1] // CELL), 1)
    return 100 * counts / max(1, of.sum())


def _by_image(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Means ``(I, A)`` of the rows of each image that are not NaN; NaN where none is."""
    total = np.zeros((image.max() + 1, values.shape[1]))
    count = np.zeros_like(total)
    np.add.at(total, image, np.nan_to_num(values))
    np.add.at(count, image, np.isfinite(values))
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
