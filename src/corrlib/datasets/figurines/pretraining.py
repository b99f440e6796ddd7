"""Whole-image labels, and nothing else: the pictures that the figurine network learns from."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import joblib
import numpy as np
from tqdm import tqdm

from corrlib.datasets.figurines.models import CATEGORIES
from corrlib.datasets.figurines.world import instance

#: Worlds of their own: no picture of these is ever in a world that somebody evaluates on (`write_world`'s
#: default seed is 0).
TRAIN_SEED, HELD_OUT_SEED = 1001, 1002


def labelled_images(
    folder: str | os.PathLike,
    *,
    per_category: int,
    seed: int,
    size: int = 256,
    jobs: int | None = None,
    progress: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Render `per_category` images of each category, squashed to squares as Caffe's ImageNet recipe does.

    The images lie in one file of `folder`, made once and then memory mapped; a killed call goes on where it
    stopped.

    Parameters
    ----------
    folder : where the file is kept.
    per_category, seed : how many, and of which world.
    size : side of the square in pixels.
    jobs, progress : as in `write_world`.

    Returns
    -------
    images : (20 * per_category, size, size, 3) uint8 RGB, memory mapped.
    labels : (20 * per_category,) int64, the category's place in the alphabet; the classes alternate.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"figurines-seed{seed}-{per_category}x{size}.npy"
    partial, done_path = path.with_suffix(".partial.npy"), path.with_suffix(".done.npy")
    count = per_category * len(CATEGORIES)
    labels = np.arange(count) % len(CATEGORIES)
    if not path.exists():
        if not (partial.exists() and done_path.exists()):
            np.lib.format.open_memmap(partial, "w+", np.uint8, (count, size, size, 3)).flush()
            np.lib.format.open_memmap(done_path, "w+", np.bool_, (count,)).flush()
        todo = np.flatnonzero(~np.load(done_path))
        names = list(CATEGORIES)
        work = joblib.Parallel(
            n_jobs=jobs or joblib.cpu_count(), return_as="generator_unordered", batch_size=16
        )(
            joblib.delayed(_render)(
                partial, done_path, row, seed, names[labels[row]], row // len(names), size
            )
            for row in todo.tolist()
        )
        for _ in tqdm(
            work, total=len(todo), desc=f"figurines, seed {seed}", unit="image", disable=not progress
        ):
            pass
        partial.rename(path)
        done_path.unlink()
    return np.load(path, mmap_mode="r"), labels


def _render(images: Path, done: Path, row: int, seed: int, category: str, index: int, size: int) -> None:
    cv2.setNumThreads(1)
    image = instance(seed, category, index, size=size, companions=False).image
    np.load(images, mmap_mode="r+")[row] = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    np.load(done, mmap_mode="r+")[row] = True
