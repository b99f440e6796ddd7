"""Image patches: cut out, averaged, reassembled to an image, contrast stretched (paper, section 2)."""

import numpy as np


def cut(image: np.ndarray, centers: np.ndarray, size: int) -> np.ndarray:
    """Cut square patches out of an image.

    Parameters
    ----------
    image : array (H, W, ...)
    centers : array (..., 2)
        ``(x, y)`` in pixels. A patch of odd `size` is centred on a pixel; of the two ways in which a patch of
        even `size` fits around a pixel, the upper left one is taken.
    size : int
        Side of the patches in pixels.

    Returns
    -------
    array (..., size, size, ...)
        A copy; beyond the image its border pixels are repeated.
    """
    image, centers = np.asarray(image), np.asarray(centers, dtype=np.float64)
    if image.ndim < 2 or 0 in image.shape[:2]:
        raise ValueError(f"expected an image (H, W, ...), got an array of shape {image.shape}")
    if centers.shape[-1:] != (2,) or not np.isfinite(centers).all():
        raise ValueError(f"expected finite centers (..., 2), got an array of shape {centers.shape}")
    if size < 1:
        raise ValueError(f"the size of a patch must be at least 1 pixel, got {size}")
    first = np.floor(centers - (size - 1) / 2).astype(np.int64)
    cols, rows = (first[..., axis, None] + np.arange(size) for axis in (0, 1))
    rows = rows.clip(0, image.shape[0] - 1)[..., :, None]
    cols = cols.clip(0, image.shape[1] - 1)[..., None, :]
    return image[rows, cols]


def average(patches: np.ndarray, *, axis: int = 0) -> np.ndarray:
    """Mean of uint8 patches over `axis`, rounded to uint8."""
    patches = np.asarray(patches)
    if patches.dtype != np.uint8 or 0 in patches.shape:
        raise ValueError(
            f"expected uint8 patches, at least one, got {patches.dtype} of shape {patches.shape}"
        )
    return np.rint(patches.mean(axis=axis)).astype(np.uint8)


def reassemble(patches: np.ndarray) -> np.ndarray:
    """Tile a grid of patches ``(H, W, s, s, ...)`` into an image ``(H * s, W * s, ...)``."""
    patches = np.asarray(patches)
    if patches.ndim < 4 or patches.shape[2] != patches.shape[3]:
        raise ValueError(f"expected patches (H, W, s, s, ...), got an array of shape {patches.shape}")
    height, width, size = patches.shape[:3]
    return patches.swapaxes(1, 2).reshape(height * size, width * size, *patches.shape[4:])


def stretch(image: np.ndarray) -> np.ndarray:
    """Stretch contrast linearly: the darkest value of all channels becomes 0, the brightest 255; uint8.

    All channels are stretched alike, which preserves hues. A constant image becomes middle grey.
    """
    image = np.asarray(image, dtype=np.float64)
    if image.size == 0 or not np.isfinite(image).all():
        raise ValueError(f"expected an image of finite values, got an array of shape {image.shape}")
    low, high = image.min(), image.max()
    if low == high:
        return np.full(image.shape, 128, np.uint8)
    return np.rint((image - low) * (255 / (high - low))).astype(np.uint8)
