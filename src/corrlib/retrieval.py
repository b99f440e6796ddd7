"""Exact nearest neighbours by cosine similarity, in a database larger than memory (paper, section 2)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

#: Queries compared at a time; with `chunk` it bounds the memory.
QUERIES = 2048
#: Similarities compared with a query's worst neighbour at a time, before any of them is looked at.
STRIP = 64
#: Factor of features so small that their squares are zero in float32.
SCALE = np.float32(2.0**100)


def nearest(
    query: np.ndarray,
    database: np.ndarray | Sequence[np.ndarray],
    k: int,
    *,
    query_group: np.ndarray | None = None,
    database_group: np.ndarray | None = None,
    chunk: int = 1024,
    device: Any = "cpu",
) -> tuple[np.ndarray, np.ndarray]:
    """Find the `k` rows of `database` most similar to each row of `query`, by exhaustive comparison.

    Parameters
    ----------
    query : array (Q, D)
        Features. The cosine of a zero vector is 0.
    database : array (N, D), or a sequence of such arrays
        Features, float16 or float32; several arrays are searched as if they were stacked. They may be memory
        mapped: `chunk` rows are read at a time, once, in order.
    k : int
        Neighbours per query.
    query_group, database_group : array (Q,) and array (N,), optional
        Labels, of images for example. Rows of the query's own group are never its neighbours.
    chunk : int
        Rows of the database compared at a time: about ``4 * chunk * (D + min(Q, 2048))`` bytes of memory.
    device : str or torch.device
        Where torch multiplies; on ``cpu`` NumPy does, which is faster there.

    Returns
    -------
    indices : array (Q, k) int64
        Rows of the (stacked) database, the most similar first; of equally similar rows, the first one first.
    similarity : array (Q, k) float32
        Cosines, -1 to 1.

    Raises
    ------
    ValueError
        If the shapes do not match, a feature is not finite, or there are fewer than `k` rows to choose from.

    Notes
    -----
    If several rows are equally similar, which of them are among the `k` is undefined.
    """
    blocks = [database] if isinstance(database, np.ndarray) else list(database)
    query = np.asarray(query)
    count = _check(query, blocks, k)
    query_group, database_group = _groups(query_group, database_group, len(query), count, k)
    queries, norms = _scaled(np.asarray(query, dtype=np.float32), "query")
    queries = queries / norms[:, None]
    memory = np.empty(min(len(queries), QUERIES) * min(count, chunk), np.float32)  # reused by all products
    best = np.full((len(query), k), -np.inf, np.float32)
    index = np.zeros((len(query), k), np.int64)
    start = 0
    for rows in (block[first : first + chunk] for block in blocks for first in range(0, len(block), chunk)):
        rows, norms = _scaled(np.asarray(rows, dtype=np.float32), "database")
        scale, groups = 1 / norms, database_group[start : start + len(rows)]
        for first in range(0, len(queries), QUERIES):
            part = slice(first, first + QUERIES)
            products = memory[: len(queries[part]) * len(rows)].reshape(-1, len(rows))
            _multiply(queries[part], rows.T, products, str(device))
            _keep(products, scale, start, query_group[part], groups, best[part], index[part])
        start += len(rows)
    order = np.lexsort((index, -best), axis=1)
    return tuple(np.take_along_axis(a, order, axis=1) for a in (index, best.clip(-1, 1)))


@njit(cache=True, nogil=True, error_model="numpy")
def _keep(products, scale, start, query_group, groups, best, index):
    """Insert rows into `best`, which is sorted, and `index`, in place of less similar ones.

    Rows of the query's own group are skipped; without groups, both arrays of groups are empty.
    """
    worst = best.shape[1] - 1
    for i in range(len(best)):
        for first in range(0, len(scale), STRIP):
            last = min(first + STRIP, len(scale))
            threshold, any_better = best[i, worst], False
            for j in range(first, last):
                any_better |= products[i, j] * scale[j] > threshold
            if not any_better:
                continue
            for j in range(first, last):
                similarity = products[i, j] * scale[j]
                if similarity > best[i, worst] and not (len(groups) and groups[j] == query_group[i]):
                    place = worst
                    while place > 0 and similarity > best[i, place - 1]:
                        best[i, place], index[i, place] = best[i, place - 1], index[i, place - 1]
                        place -= 1
                    best[i, place], index[i, place] = similarity, start + j


def _multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray, device: str) -> None:
    """Write the product of two matrices to a third."""
    if device == "cpu":  # not "cpu:0", so that tests can have torch multiply
        np.matmul(a, b, out)
    else:
        import torch

        torch.from_numpy(out).copy_(torch.from_numpy(a).to(device) @ torch.from_numpy(b).to(device))


def _check(query: np.ndarray, blocks: list[np.ndarray], k: int) -> int:
    if query.ndim != 2 or not blocks or any(b.ndim != 2 or b.shape[1] != query.shape[1] for b in blocks):
        shapes = ", ".join(str(b.shape) for b in blocks[:5])
        raise ValueError(
            f"expected query (Q, D) and database (N, D), got {query.shape} and {shapes or 'none'}"
        )
    count = sum(len(b) for b in blocks)
    if not 1 <= k <= count:
        raise ValueError(f"k is {k}, but the database has {count} features: ask for 1 to {count}")
    return count


def _groups(query_group, database_group, queries: int, count: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Both groups as integers; empty arrays if there are none."""
    if query_group is None and database_group is None:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    if np.shape(query_group) != (queries,) or np.shape(database_group) != (count,):
        raise ValueError(
            f"expected query_group ({queries},) and database_group ({count},), "
            f"got {np.shape(query_group)} and {np.shape(database_group)}"
        )
    labels = np.concatenate([query_group, database_group])
    codes = np.unique(labels, return_inverse=True)[1]
    sizes = np.bincount(codes[queries:], minlength=codes.max(initial=0) + 1)
    left = count - sizes[codes[:queries]].max(initial=0)
    if left < k:
        raise ValueError(
            f"k is {k}, but some query has only {left} features of other groups: choose a smaller k"
        )
    return codes[:queries], codes[queries:]


def _scaled(rows: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """float32 rows, very small ones multiplied by `SCALE`, and their norms, or 1 of zero rows."""
    with np.errstate(over="ignore", invalid="ignore"):  # checked below
        norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    if not np.isfinite(norms).all():
        raise ValueError(f"the {name} holds features that are not finite (NaN, infinity or overflow)")
    if (small := norms < 1e-15).any():  # squares and products would vanish
        rows = np.multiply(rows, SCALE, where=small[:, None], out=rows.copy())
        norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return rows, np.where(norms > 0, norms, 1)
