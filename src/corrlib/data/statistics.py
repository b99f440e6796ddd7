"""How the images of a dataset look and how its objects lie in them, beside photographs."""

from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from corrlib.data.voc import VOC

#: The same of photographs: colours and contrast of 500, one of each of 500 classes of ImageNet; objects of
#: PASCAL VOC 2011 (train; cow, horse and sheep) with Berkeley's keypoints. Measured by the functions below.
PHOTOGRAPHS = {
    "chroma that is red to yellow, %": 56.5,
    "chroma that is green, %": 16.7,
    "chroma that is blue, %": 19.1,
    "saturation, median, %": 28.0,
    "lightness, median, %": 45.1,
    "contrast: standard deviation of grey, %": 21.7,
    "slope of the power spectrum": -2.66,
    "truncated objects, %": 34.8,
    "visible keypoints of an object": 9.39,
    "width of a box over its height, median": 1.08,
    "its logarithm, standard deviation": 0.43,
    "side of a box in sides of the image, median": 0.33,
    "its logarithm, standard deviation ": 0.74,
    "spread of a keypoint across its box": 0.28,
    "spread of a keypoint down its box": 0.13,
}


def appearance(data: VOC, limit: int = 300) -> list[float]:
    """Colour, contrast and spectrum of up to `limit` images of train, made 300 pixels wide or high.

    The first seven quantities of `PHOTOGRAPHS`, means over images; saturation is of HSV, lightness of HSL.
    """
    ids, rows = data.image_ids("train"), []
    for image_id in ids[:: max(1, len(ids) // limit)]:
        image = data.image(image_id)
        scale = 300 / max(image.shape[:2])
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) / np.float32(255)
        hue, saturation, high = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2HSV))
        low = np.min(cv2.split(image), axis=0)
        hues = [((high - low) * ((hue >= a) & (hue < b))).mean() for a, b in ((0, 60), (60, 150), (150, 270))]
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        middle = [np.median(saturation), np.median(high + low) / 2, grey.std()]
        rows.append([*hues, *middle, _slope(grey), (high - low).mean()])
    *means, slope, chroma = np.mean(rows, axis=0)
    hues = [share / max(chroma, 1e-9) for share in means[:3]]
    return [*(100 * share for share in hues + means[3:]), slope]


def layout(data: VOC, categories: tuple[str, ...] = ("cow", "horse", "sheep")) -> list[float]:
    """How the objects of train that are not difficult lie in their images; means over `categories`.

    The other quantities of `PHOTOGRAPHS`. The side of a box is the root of its area over the image's. The
    spread of a keypoint is the standard deviation of its place, in sides of the box, averaged over keypoints.
    """
    rows = []
    for category in categories:
        objects = [one for one in data.instances(category, "train") if not one.difficult]
        sides = np.array([one.box[2:] - one.box[:2] for one in objects])
        images = np.array([data.image(one.image_id).shape[1::-1] for one in objects])
        size, aspect = np.log((sides / images).prod(axis=1)) / 2, np.log(sides[:, 0] / sides[:, 1])
        places = np.stack([(one.keypoints - one.box[:2]) / (one.box[2:] - one.box[:2]) for one in objects])
        seen = np.isfinite(places[..., 0])
        spread = np.nanstd(places[:, seen.sum(axis=0) > 1], axis=0).mean(axis=0)
        counts = [
            100 * np.mean([one.truncated for one in objects]),
            seen[seen.any(axis=1)].sum(axis=1).mean(),
        ]
        shape = [np.exp(np.median(aspect)), aspect.std(), np.exp(np.median(size)), size.std()]
        rows.append([*counts, *shape, *spread])
    return np.mean(rows, axis=0).tolist()


def beside_photographs(data: VOC) -> list[dict[str, Any]]:
    """Rows of a table: each quantity of `PHOTOGRAPHS`, of a dataset and of photographs."""
    ours = zip(PHOTOGRAPHS.items(), appearance(data) + layout(data), strict=True)
    return [{"quantity": name, data.name: value, "photographs": theirs} for (name, theirs), value in ours]


def _slope(grey: np.ndarray) -> float:
    """Slope of log power over log frequency, 0.02 to 0.35 cycles a pixel, of the square at the top left."""
    side = min(grey.shape)
    window = np.hanning(side)[:, None] * np.hanning(side)
    power = np.abs(np.fft.fft2((grey[:side, :side] - grey[:side, :side].mean()) * window)) ** 2
    radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(side)] * 2))
    edges = np.geomspace(0.02, 0.35, 9)
    rings = [power[(radius >= a) & (radius < b)].mean() for a, b in pairwise(edges)]
    return np.polyfit(np.log(np.sqrt(edges[1:] * edges[:-1])), np.log(np.array(rings) + 1e-9), 1)[0]
