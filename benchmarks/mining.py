"""Hard negative mining: time against the number of instances, without a peer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.harness import Growth, Kernel
from corrlib.hard_negatives import train

GRID, WIDTH, KEYPOINTS = 15, 64, 8


def training(count: int) -> Callable[[], object]:
    """Training of the detectors of eight keypoints on `count` instances."""
    rng = np.random.default_rng(0)
    maps = np.maximum(rng.standard_normal((count, GRID, GRID, WIDTH), dtype=np.float32), 0)
    patterns = rng.standard_normal((KEYPOINTS, WIDTH)).astype(np.float32)
    labels = np.full((KEYPOINTS, count, GRID, GRID), -1, np.int8)
    for n in range(count):
        for k, (row, col) in enumerate(rng.integers(1, GRID - 1, (KEYPOINTS, 2))):
            labels[k, n, row, col] = 1
            maps[n, row, col] = np.maximum(maps[n, row, col] + patterns[k], 0)
    return lambda: train(maps, labels)


KERNEL = Kernel(growths=[Growth("detectors of eight keypoints", "objects", (25, 50, 100, 200), training)])
