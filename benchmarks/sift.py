"""SIFT: a dense grid against OpenCV and VLFeat, keypoints of several radii against OpenCV one by one."""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import partial

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.harness import Absent, Contest, Kernel, Sides
from corrlib import sift

#: The book's radii at keypoints.
RADII = (10.0, 20.0, 40.0, 80.0, 160.0)


def picture(side: int, seed: int = 0) -> np.ndarray:
    """Smooth noise of several scales with edges in it, (side, side, 3) uint8."""
    rng = np.random.default_rng(seed)
    field = sum(s * gaussian_filter(rng.standard_normal((side, side)), s) for s in (1, 3, 9, 27))
    image = (
        128 + 60 * field / field.std() + 30 * np.sign(gaussian_filter(rng.standard_normal((side, side)), 8))
    )
    return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosines of the rows that are not zero."""
    a, b = a.astype(float), b.astype(float)
    length = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return (a * b).sum(axis=-1)[length > 0] / length[length > 0]


def alike(least: float, ours: np.ndarray, theirs: np.ndarray) -> tuple[bool, str]:
    """Whether the cosine of each pair of descriptors is at least `least`."""
    cosine = cosines(ours.reshape(-1, 128), theirs.reshape(-1, 128))
    lowest = cosine.min(initial=1)
    return len(cosine) > 0 and lowest >= least, f"cosine at least {lowest:.5f}, mean {cosine.mean():.6f}"


def by_opencv(image: np.ndarray, points: np.ndarray, radius: float) -> np.ndarray:
    """Descriptors by OpenCV, with one pyramid per radius, smoothed for that radius."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    sigma = radius / 6  # OpenCV halves the image while at least this much smoothing remains, in its pixels
    halvings = int(max(0, min(np.log2(sigma / 3.2), np.log2(min(grey.shape) / 8))))
    keypoints = [
        cv2.KeyPoint(x, y, radius / 3, 0.0, 0.0, halvings) for x, y in points.reshape(-1, 2).tolist()
    ]
    return cv2.SIFT_create(sigma=sigma / 2**halvings, enable_precise_upscale=True).compute(grey, keypoints)[1]


class _Filter(ctypes.Structure):
    """The fields of VlDsiftFilter of VLFeat 0.9.20 and later that are read here."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("width", "height", "step_x", "step_y")),
        *((name, ctypes.c_int) for name in ("min_x", "min_y", "max_x", "max_y")),
        *((name, ctypes.c_int) for name in ("directions", "bins_x", "bins_y", "size_x", "size_y", "flat")),
        ("window", ctypes.c_double),
        *((name, ctypes.c_int) for name in ("count", "length")),
        ("frames", ctypes.c_void_p),
        ("descriptors", ctypes.POINTER(ctypes.c_float)),
    ]


class VLFeat:
    """`vl_dsift` of VLFeat's shared library, with its Gaussian windows, on square images of one size."""

    def __init__(self, side: int, bin_size: int, stride: int):
        try:
            self._library = ctypes.CDLL(ctypes.util.find_library("vl") or "libvl.so.1")
        except OSError:
            raise Absent("VLFeat is not installed (Debian's libvlfeat1)") from None
        self._library.vl_dsift_new_basic.restype = ctypes.POINTER(_Filter)
        self._filter = self._library.vl_dsift_new_basic(side, side, stride, bin_size)
        if self._filter[0].length != 128 or self._filter[0].flat:
            raise Absent("VLFeat is of another version than 0.9.20 or 0.9.21")

    def __call__(self, grey: np.ndarray) -> np.ndarray:
        """Descriptors ``(n, 128)`` of a float32 image, directions counter-clockwise as ours."""
        self._library.vl_dsift_process(self._filter, grey.ctypes.data_as(ctypes.c_void_p))
        count = self._filter[0].count
        descriptors = np.ctypeslib.as_array(self._filter[0].descriptors, (count, 16, 8))
        return descriptors[..., -np.arange(8) % 8].reshape(count, 128)


def dense_against_vlfeat(side: int, bin_size: int, stride: int, quick: bool) -> Sides:
    """The same grid, without smoothing."""
    image, vlfeat, repeats = picture(side), VLFeat(side, bin_size, stride), 1 if side > 300 else 5
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)

    def ours() -> np.ndarray:
        return [sift.dense(image, bin_size=bin_size, stride=stride) for _ in range(repeats)][-1]

    def theirs() -> np.ndarray:
        return [vlfeat(grey) for _ in range(repeats)][-1]

    def check(a: np.ndarray, b: np.ndarray) -> tuple[bool, str]:
        b = b.reshape(a.shape)  # gradients at the border differ, so it is left out
        return alike(0.9999, a[1:-1, 1:-1], b[1:-1, 1:-1])

    return Sides(ours, theirs, check, repeats)


def dense_against_opencv(side: int, bin_size: int, stride: int, quick: bool) -> Sides:
    """The same grid."""
    image = picture(side)
    rows, cols = sift.dense_shape((side, side), bin_size=bin_size, stride=stride)
    points = sift.dense_grid(bin_size, stride).centers((rows, cols))
    repeats = 1 if side > 300 else 5

    def ours() -> np.ndarray:
        smoothed = partial(sift.dense, bin_size=bin_size, stride=stride, smoothing=sift.SCALE_SPACE)
        return [smoothed(image) for _ in range(repeats)][-1]

    def theirs() -> np.ndarray:
        return [by_opencv(image, points, 2.0 * bin_size) for _ in range(repeats)][-1]

    return Sides(ours, theirs, partial(alike, 0.999), repeats)


def keypoints_against_opencv(quick: bool, count: int = 15) -> Sides:
    """All radii of the book, as half the side of the bins, at places of one image.

    OpenCV rounds them to whole pixels of images that it halves up to three times: from radius 40 on, its
    descriptors are less exact.
    """
    image = picture(227)
    points = 8.0 * np.random.default_rng(0).integers(3, 26, (count, 2))
    kinds = [(radius / 2, sift.SCALE_SPACE) for radius in RADII]
    return Sides(
        lambda: sift.several(image, points, kinds),
        lambda: np.stack([by_opencv(image, points, radius) for radius in RADII]),
        partial(alike, 0.98),
    )


# Side of the image, of a bin, pixels between descriptors.
GRIDS = {"section 5's grid, 500 x 500": (500, 8, 8), "13 x 13 grid, 227 x 227": (227, 10, 16)}
KERNEL = Kernel(
    contests=[
        *(
            Contest(f"dense, {name}", "OpenCV's SIFT.compute", partial(dense_against_opencv, *grid), 2.5)
            for name, grid in GRIDS.items()
        ),
        *(
            Contest(f"dense, {name}", "VLFeat, Gaussian windows", partial(dense_against_vlfeat, *grid), 20)
            for name, grid in GRIDS.items()
        ),
        Contest("keypoints, five radii", "OpenCV, one call per radius", keypoints_against_opencv, 1.4),
    ]
)
