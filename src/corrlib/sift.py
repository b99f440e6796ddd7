"""Upright SIFT descriptors at given points and of a given size (paper, sections 3 to 5)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

__all__ = ["descriptors", "several"]

#: Side of a spatial bin over the standard deviation of the Gaussian that has smoothed the image (Lowe's and
#: VLFeat's magnification).
MAGNIFICATION = 3.0
#: The image is halved only while this smoothing, in its own pixels, remains. OpenCV rounds a point to a pixel
#: of the halved image: with 3.2 the error is at most a twentieth of a bin.
SMOOTHNESS = 3.2
#: The blur that OpenCV takes an image to have: none can be less smooth.
CAMERA = 0.5
#: Below this radius the bins would be finer than the image's own blur.
MIN_RADIUS = 4.0


def descriptors(
    image: np.ndarray, points: np.ndarray, *, radius: float, magnification: float = MAGNIFICATION
) -> np.ndarray:
    """Describe `image` around each of `points` by 4 x 4 histograms of 8 gradient directions, upright.

    Parameters
    ----------
    image
        ``(H, W, 3)`` uint8 RGB, or ``(H, W)`` uint8 grey.
    points
        ``(..., 2)`` ``(x, y)`` in pixels: centres of receptive fields, keypoints, a regular grid. OpenCV
        rounds each to a pixel, up to radius 38; beyond, to a twentieth of a bin.
    radius
        Half the side of the 4 x 4 bins, in pixels: a bin is ``radius / 2`` wide. The image is smoothed as
        SIFT's scale space would be for that bin width (``sigma = radius / 6``), so that large radii do not
        alias.
    magnification
        Width of a bin over the smoothing: 3 as Lowe's and VLFeat's SIFT, 6 as VLFeat's PHOW; with more, fine
        gradients are collected in large bins.

    Returns
    -------
    array (..., 128) float32
        Rows of bins from the top, each from the left, 8 directions each, counter-clockwise from +x. Norm 512
        but for rounding to integers and for the cap at 255; 0 where the image is flat. What lies outside of
        the image contributes nothing: a point on the border, or a little outside, is described by what is
        inside.

    Raises
    ------
    ValueError
        If the image is no uint8 image, a point is not finite (a missing keypoint: drop it first), or the
        radius is below 4, or the magnification leaves a smoothing below the image's own (half a pixel).

    Notes
    -----
    OpenCV computes it. Its bins are 3 times half a keypoint's size wide, and its pyramid starts from an image
    smoothed to `sigma` and halves after each doubling of it: a keypoint of size ``radius / 3`` in octave
    ``o`` of a pyramid with ``sigma = radius / 6 / 2**o`` has just the bins and the smoothing asked for.
    """
    return several(image, points, [(radius, magnification)])[0]


def several(image: np.ndarray, points: np.ndarray, kinds: Sequence[tuple[float, float]]) -> np.ndarray:
    """`descriptors` of several kinds ``(radius, magnification)``: ``(kinds, ..., 128)``.

    The same numbers in a third of the time: kinds whose smoothing differs by halvings share their pyramid.
    """
    image = _grey(image)
    points = np.asarray(points, dtype=np.float64)
    if points.ndim == 0 or points.shape[-1] != 2:
        raise ValueError(f"descriptors: expected points (..., 2) as (x, y), got an array of {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError(
            "descriptors: points hold NaN or infinity (a missing keypoint?); keep the finite rows only"
        )
    pyramids: dict[float, list[tuple[int, float, int]]] = {}
    for row, (radius, magnification) in enumerate(kinds):
        sigma, halvings = _smoothing(radius, magnification, min(image.shape))
        pyramids.setdefault(sigma, []).append((row, radius, halvings))
    result = np.zeros((len(kinds), *points.shape[:-1], 128), dtype=np.float32)
    if points.size == 0:
        return result
    flat = points.reshape(-1, 2).tolist()
    for sigma, members in pyramids.items():
        # A keypoint of size s has bins of 3 * s / 2. Angle 0: upright.
        keypoints = [
            cv2.KeyPoint(x, y, radius / 3, 0.0, 0.0, halvings)
            for _, radius, halvings in members
            for x, y in flat
        ]
        _, found = cv2.SIFT_create(sigma=sigma, enable_precise_upscale=True).compute(image, keypoints)
        rows = [row for row, _, _ in members]
        result[rows] = found.reshape(len(members), *result.shape[1:])
    return result


def _smoothing(radius: float, magnification: float, side: int) -> tuple[float, int]:
    """The smoothing of a pyramid's first image, and how often it is halved until it is that asked for."""
    if not (np.isfinite(radius) and radius >= MIN_RADIUS):
        raise ValueError(f"descriptors: radius must be at least {MIN_RADIUS:g} pixels, got {radius!r}")
    if not (magnification > 0 and radius / 2 / magnification >= CAMERA):
        raise ValueError(
            f"descriptors: the magnification must be above 0 and, for radius {radius:g}, at most"
            f" {radius / 2 / CAMERA:g}, got {magnification!r}"
        )
    sigma = radius / 2 / magnification
    halvings = max(0, int(np.log2(sigma / SMOOTHNESS)))
    halvings = min(halvings, max(0, int(np.log2(side / 8))))  # a pyramid ends at 8 pixels
    return sigma / 2**halvings, halvings


def _grey(image: np.ndarray) -> np.ndarray:
    shaped = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if not shaped or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(
            f"descriptors: expected an image (H, W, 3) or (H, W) uint8, got {image.shape} {image.dtype}"
        )
    return np.ascontiguousarray(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
