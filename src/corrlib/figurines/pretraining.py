"""Images with whole-image labels, from which the figurine network learns."""

import os
from pathlib import Path

import cv2
import numpy as np
from filelock import FileLock

from corrlib.cache import version_digest
from corrlib.figurines.models import CATEGORIES
from corrlib.figurines.world import PRETRAINING_SEEDS, draw_all, instance

#: Reserved for pretraining: `write_world` refuses them.
TRAIN_SEED, HELD_OUT_SEED = PRETRAINING_SEEDS


def labelled_images(
    folder: str | os.PathLike,
    *,
    per_category: int,
    seed: int,
    size: int = 256,
    jobs: int | None = None,
    progress: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Render `per_category` images of each category, resized to squares as in Caffe's ImageNet recipe.

    The images lie in one file of `folder`, which is made once and then memory mapped; a killed call resumes
    where it stopped. In the cache the folder is ``corrlib.figurines.pretraining``, which
    `corrlib.cache.contents` knows.

    Returns
    -------
    images : (20 * per_category, size, size, 3) uint8 RGB, memory mapped.
    labels : (20 * per_category,) int64, indices into the sorted categories, through which they cycle.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Images drawn by other code or libraries are other images.
    path = folder / f"{version_digest(__name__)}-seed{seed}-{per_category}x{size}.npy"
    with FileLock(path.with_suffix(".lock")):
        if not path.exists():
            _draw(path, per_category, seed, size, jobs, progress)
    return np.load(path, mmap_mode="r"), np.arange(per_category * len(CATEGORIES)) % len(CATEGORIES)


def _draw(path: Path, per_category: int, seed: int, size: int, jobs: int | None, progress: bool) -> None:
    partial, done_path = path.with_suffix(".partial.npy"), path.with_suffix(".done.npy")
    count = per_category * len(CATEGORIES)
    if not (partial.exists() and done_path.exists()):
        try:
            _reserve(partial, (count, size, size, 3), np.uint8)
            _reserve(done_path, (count,), np.bool_)
        except OSError as error:
            partial.unlink(missing_ok=True)
            done_path.unlink(missing_ok=True)
            raise OSError(f"{path}: no place for {count:,} images ({error}); free some space") from error
    todo = [(partial, done_path, row, seed, size) for row in np.flatnonzero(~np.load(done_path)).tolist()]
    draw_all(_render, todo, jobs, desc=f"figurines, seed {seed}", disable=not progress)
    partial.rename(path)
    done_path.unlink()


def _reserve(path: Path, shape: tuple[int, ...], dtype: type) -> None:
    """Create a file of zeros that really occupies its disk space: else a full disk would kill the process."""
    np.lib.format.open_memmap(path, "w+", dtype, shape).flush()
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _render(images: Path, done: Path, row: int, seed: int, size: int) -> None:
    cv2.setNumThreads(1)
    index, label = divmod(row, len(CATEGORIES))
    image = instance(seed, list(CATEGORIES)[label], index, size=size, companions=False).image
    np.load(images, mmap_mode="r+")[row] = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    np.load(done, mmap_mode="r+")[row] = True
