"""Exact nearest neighbours by cosine: ours, and faiss's exhaustive index of unit vectors.

Ours starts from raw features, faiss from a finished index of unit vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from benchmarks.harness import Absent, Contest, Growth, Kernel, Sides
from corrlib.retrieval import nearest

WIDTH, K = 384, 5
#: The paper's million patches, and about as many queries as three images have units.
DATABASE, QUERIES = 1_000_000, 500


@cache
def features(count: int) -> np.ndarray:
    """Rectified noise, as sparse as a layer after rectification."""
    rng, block = np.random.default_rng(0), 50_000
    noise = np.empty((count, WIDTH), np.float32)
    for start in range(0, count, block):
        part = rng.standard_normal((min(block, count - start), WIDTH), dtype=np.float32)
        np.maximum(part, 0, out=noise[start : start + block])
    return noise


def queries(count: int) -> np.ndarray:
    """Rectified noise, different from `features`."""
    noise = np.random.default_rng(1).standard_normal((count, WIDTH), dtype=np.float32)
    return np.maximum(noise, 0)


def against_faiss(quick: bool) -> Sides:
    """The neighbours of all queries."""
    try:
        import faiss
    except ImportError:
        raise Absent("faiss-cpu is not installed") from None
    faiss.omp_set_num_threads(1)
    database, query = features(DATABASE // 20 if quick else DATABASE), queries(QUERIES)
    index = faiss.IndexFlatIP(WIDTH)
    for start in range(0, len(database), 50_000):
        part = database[start : start + 50_000].copy()
        faiss.normalize_L2(part)
        index.add(part)
    unit = query.copy()
    faiss.normalize_L2(unit)

    def check(ours: tuple, theirs: tuple) -> tuple[bool, str]:
        (rows, cosines), (products, same) = ours, theirs
        recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(rows, same, strict=True)])
        # If rounded cosines are equal, either neighbour is correct.
        worst = np.abs(np.sort(cosines, axis=1) - np.sort(products, axis=1)).max()
        return recall == 1 and worst < 1e-5, f"recall {recall:g}; cosines equal to {worst:.0e}"

    calls = (lambda: nearest(query, database, K)), (lambda: index.search(unit, K))
    return Sides(*calls, check, len(query), 2.0 * database.size, "matrix product")


def search(size: int) -> Callable[[], tuple]:
    """169 queries in a database of `size` features."""
    query, database = queries(169), features(size)
    return lambda: nearest(query, database, K)


KERNEL = Kernel(
    contests=[
        Contest(f"{DATABASE:,} x {WIDTH}, {QUERIES} queries", "faiss's IndexFlatIP", against_faiss, 1.0, 0.4)
    ],
    growths=[Growth("169 queries", "features in the database", (10_000, 100_000, DATABASE), search)],
)
