"""Receptive fields, and crops: boxes of an image resampled to a fixed shape.

Points are ``(x, y)`` in pixels. Integers are pixel centres, so an image of shape ``(H, W)`` spans
``[-0.5, W - 0.5]`` by ``[-0.5, H - 0.5]``. Boxes are continuous ``xyxy`` edges in that frame.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array


@dataclass(frozen=True)
class ReceptiveField:
    """The input pixels that are path-connected to each unit of a layer (paper, sections 1.2 and 2, Table 1).

    Parameters
    ----------
    size : int
        Side of the square receptive field, in pixels.
    stride : int
        Distance between the receptive fields of neighbouring units, in pixels.
    center : float
        Pixel coordinate (on both axes) of the centre of unit 0's receptive field.

    Notes
    -----
    The default is that of the image itself: one pixel. Boxes are not clipped to the image: with padding or
    ceil-mode pooling the receptive field of a border unit extends beyond it.
    """

    size: int = 1
    stride: int = 1
    center: float = 0.0

    def then(self, kernel: int, stride: int = 1, padding: int = 0) -> "ReceptiveField":
        """The receptive field after one more layer, with a window of side `kernel`."""
        return ReceptiveField(
            size=self.size + (kernel - 1) * self.stride,
            stride=self.stride * stride,
            center=self.center + ((kernel - 1) / 2 - padding) * self.stride,
        )

    def centers(self, shape: tuple[int, int]) -> np.ndarray:
        """Centres ``(H, W, 2)`` of the units of a feature map, ``(x, y)`` in pixels."""
        height, width = _check_shape(shape)
        x, y = np.meshgrid(self._axis(width), self._axis(height))
        return np.stack([x, y], axis=-1)

    def boxes(self, shape: tuple[int, int]) -> np.ndarray:
        """Receptive fields ``(H, W, 4)`` as continuous ``xyxy`` edges, not clipped to the image."""
        centers = self.centers(shape)
        return np.concatenate([centers - self.size / 2, centers + self.size / 2], axis=-1)

    def nearest(self, points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Indices ``(..., 2)`` int64 ``(row, col)`` of the units whose centres lie closest to `points`.

        Parameters
        ----------
        points : array (..., 2)
            ``(x, y)`` in pixels; outside the grid of centres, the nearest border unit is taken.
        shape : (int, int)
            ``(H, W)`` of the feature map.

        Raises
        ------
        ValueError
            If a point is not finite: a missing keypoint has no nearest unit.
        """
        height, width = _check_shape(shape)
        points = _check_points(points)
        if not np.isfinite(points).all():
            raise ValueError(
                "nearest: points hold NaN or infinity (a missing keypoint?); keep the finite rows only"
            )
        col_row = np.floor((points - self.center) / self.stride + 0.5).astype(np.int64)
        return np.clip(col_row[..., ::-1], 0, (height - 1, width - 1))

    def contains(self, points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Whether each unit's receptive field, edges included, contains each of `points` ``(..., 2)``.

        ``(..., H, W)`` bool; False for missing points (NaN).
        """
        height, width = _check_shape(shape)
        points = _check_points(points)
        in_col = np.abs(points[..., 0, None] - self._axis(width)) <= self.size / 2
        in_row = np.abs(points[..., 1, None] - self._axis(height)) <= self.size / 2
        return in_row[..., :, None] & in_col[..., None, :]

    def _axis(self, count: int) -> np.ndarray:
        return self.center + self.stride * np.arange(count, dtype=np.float64)


@dataclass(frozen=True)
class Crop:
    """A box of an image resampled to a fixed shape, and the mapping between the two frames.

    Alignment and classification warp boxes to 227 x 227, prediction to 500 x 500 (paper, sections 3 to 5).

    Parameters
    ----------
    box : (4,) floats
        Continuous ``xyxy`` edges in the image frame; beyond the image its border pixels are repeated.
    shape : (int, int)
        ``(H, W)`` of the result; the aspect ratio of the box is not preserved.
    """

    box: tuple[float, float, float, float]
    shape: tuple[int, int]

    def __post_init__(self):
        box = np.asarray(self.box, dtype=np.float64)
        if box.shape != (4,) or not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
            raise ValueError(
                f"Crop: expected a box (x0, y0, x1, y1) with x0 < x1 and y0 < y1, got {self.box!r}"
            )
        object.__setattr__(self, "box", tuple(box.tolist()))
        object.__setattr__(self, "shape", _check_shape(self.shape))

    def image(self, image: np.ndarray) -> np.ndarray:
        """Resample `image` ``(H, W, 3)`` uint8 to ``(*shape, 3)`` uint8.

        Bilinearly when enlarging, and with a triangle filter when shrinking.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ValueError(f"Crop: expected an image (H, W, 3) uint8, got {image.shape} {image.dtype}")
        x0, y0, x1, y1 = self.box
        height, width = self.shape
        rows, by_row = _resampling(y0, y1, height, image.shape[0])
        cols, by_col = _resampling(x0, x1, width, image.shape[1])
        part = image[rows, cols].astype(np.float32)
        part = (by_row @ part.reshape(len(part), -1)).reshape(height, -1, 3).swapaxes(0, 1)
        part = (by_col @ part.reshape(len(part), -1)).reshape(width, height, 3).swapaxes(0, 1)
        return np.rint(part, out=part).astype(np.uint8)  # no weight is negative, and their sum is 1

    def points(self, points: np.ndarray) -> np.ndarray:
        """Map `points` ``(..., 2)`` from the image's frame to the crop's; NaN stays NaN."""
        return into_crops(_check_points(points)[None], np.array([self.box]), self.shape)[0]

    def inverse(self, points: np.ndarray) -> np.ndarray:
        """Map `points` ``(..., 2)`` from the crop's frame back to the image's; NaN stays NaN."""
        return out_of_crops(_check_points(points)[None], np.array([self.box]), self.shape)[0]


def into_crops(points: np.ndarray, boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`Crop.points` of N boxes ``(N, 4)`` at once, for points ``(N, ..., 2)``."""
    origin, scale = _frames(points, boxes, shape)
    return (points - origin) * scale - 0.5


def out_of_crops(points: np.ndarray, boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`Crop.inverse` of N boxes ``(N, 4)`` at once, for points ``(N, ..., 2)``."""
    origin, scale = _frames(points, boxes, shape)
    return (points + 0.5) / scale + origin


def _frames(points: np.ndarray, boxes: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The corner of each box, and the pixels of a crop per pixel of its image, as points are arranged."""
    boxes = boxes.reshape(-1, *[1] * (points.ndim - 2), 4)
    return boxes[..., :2], shape[::-1] / (boxes[..., 2:] - boxes[..., :2])


def _resampling(start: float, stop: float, count: int, length: int) -> tuple[slice, csr_array]:
    """Weights that resample the pixels of an axis of `length` to `count` cells of [start, stop].

    A triangle of half-width max(1, cell) around each cell centre: linear interpolation when enlarging, and
    wide enough not to alias when shrinking. Returns the pixels used, n of them, and a matrix (count, n).
    """
    cell = (stop - start) / count
    reach = max(1.0, cell)
    centers = start + (np.arange(count) + 0.5) * cell
    taps = np.floor(centers - reach)[:, None] + np.arange(int(np.ceil(2 * reach)) + 2)
    weights = np.maximum(0.0, 1.0 - np.abs(taps - centers[:, None]) / reach)
    weights /= weights.sum(axis=1, keepdims=True)
    pixels = np.clip(taps, 0, length - 1).astype(np.int64)
    first, last = int(pixels.min()), int(pixels.max())
    row_ends = np.arange(0, pixels.size + 1, pixels.shape[1])  # a pixel that occurs twice counts twice
    entries = (weights.astype(np.float32).ravel(), (pixels - first).ravel(), row_ends)
    matrix = csr_array(entries, shape=(count, last - first + 1))
    matrix.eliminate_zeros()  # half of them when enlarging
    return slice(first, last + 1), matrix


def _check_shape(shape: tuple[int, int]) -> tuple[int, int]:
    if len(shape) != 2 or any(int(side) != side or side < 1 for side in shape):
        raise ValueError(f"expected a shape (H, W) of two positive integers, got {shape!r}")
    return int(shape[0]), int(shape[1])


def _check_points(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, dtype=np.float64)
    if points.ndim == 0 or points.shape[-1] != 2:
        raise ValueError(f"expected points (..., 2) as (x, y), got an array of shape {points.shape}")
    return points
