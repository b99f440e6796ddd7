"""Exact nearest neighbours by cosine similarity, in a database larger than memory (paper, section 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    import torch


#: Queries compared at a time; with `chunk` it bounds the memory.
QUERIES = 2048
#: Similarities that are held against a query's worst neighbour before any of them is looked at.
STRIP = 64


def nearest(
    query: np.ndarray,
    database: np.ndarray | Sequence[np.ndarray],
    k: int,
    *,
    query_group: np.ndarray | None = None,
    database_group: np.ndarray | None = None,
    chunk: int = 1024,
    device: str | torch.device = "cpu",
) -> tuple[np.ndarray, np.ndarray]:
    """Find the `k` rows of `database` most similar to each row of `query`, by exhaustive comparison.

    Parameters
    ----------
    query
        ``(Q, D)`` features. A feature of zeros is similar to none: its cosine is 0.
    database
        ``(N, D)`` features, or several such arrays that are searched as if they were stacked; float16 or
        float32. They may be mapped from disk: `chunk` rows are read at a time, once, in order.
    k
        Neighbours a query.
    query_group, database_group
        ``(Q,)`` and ``(N,)`` labels. A query's neighbours are never of its own group (its own image, say).
    chunk
        Rows of the database compared at a time: about ``4 * chunk * (D + min(Q, 2048))`` bytes of memory.
    device
        Where torch multiplies; on ``cpu`` NumPy does, which is faster there.

    Returns
    -------
    indices
        ``(Q, k)`` int64 rows of the (stacked) database, the most similar first.
    similarity
        ``(Q, k)`` float32 cosines, -1 to 1.

    Raises
    ------
    ValueError
        If shapes do not fit, a feature is not finite, or there are fewer than `k` rows to choose from.

    Notes
    -----
    Each block of products is looked through while it is in the processor's cache: few exceed what has been
    found before (``make bench`` compares this with faiss). Rows that are equally similar are ordered by their index, but which of
    them are among the `k` is not defined.
    """
    blocks = [database] if isinstance(database, np.ndarray) else list(database)
    query = np.asarray(query)
    count = _check(query, blocks, k)
    query_group, database_group = _groups(query_group, database_group, len(query), count, k)
    queries = np.array(query, dtype=np.float32)
    queries /= _norms(queries, "query")[:, None]
    product, space = (
        _product(str(device)),
        np.empty(min(len(queries), QUERIES) * min(count, chunk), np.float32),
    )
    best = np.full((len(query), k), -np.inf, np.float32)
    index = np.zeros((len(query), k), np.int64)
    start = 0
    for rows in (block[first : first + chunk] for block in blocks for first in range(0, len(block), chunk)):
        rows = np.asarray(rows, dtype=np.float32)
        scale, groups = 1 / _norms(rows, "database"), database_group[start : start + len(rows)]
        for first in range(0, len(queries), QUERIES):
            part = slice(first, first + QUERIES)
            # One piece of memory for all blocks: to ask for it anew costs some percent.
            few = queries[part]
            products = space[: len(few) * len(rows)].reshape(len(few), len(rows))
            product(few, rows.T, products)
            _keep(products, scale, start, query_group[part], groups, best[part], index[part])
        start += len(rows)
    order = np.lexsort((index, -best), axis=1)
    return tuple(np.take_along_axis(a, order, axis=1) for a in (index, best.clip(-1, 1)))


@njit(cache=True, nogil=True, error_model="numpy")
def _keep(products, scale, start, query_group, groups, best, index):
    """Let rows take the places of less similar ones in `best`, which is sorted, and in `index`.

    None of the query's own group; without groups, they are empty arrays.
    """
    worst = best.shape[1] - 1
    for i in range(len(best)):
        for first in range(0, len(scale), STRIP):
            last = min(first + STRIP, len(scale))
            least, any_better = best[i, worst], False
            for j in range(first, last):
                any_better |= products[i, j] * scale[j] > least
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


def _product(device: str) -> Callable[[np.ndarray, np.ndarray, np.ndarray], object]:
    """The product of two matrices, into a third."""
    if device == "cpu":  # "cpu:0" is torch's, for tests
        return np.matmul

    def product(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
        import torch

        torch.from_numpy(out).copy_(torch.from_numpy(a).to(device) @ torch.from_numpy(b).to(device))

    return product


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
    """Both groups as small integers; empty if there are none."""
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
            f"k is {k}, but some query has only {left} features of other groups: lower k, or add some"
        )
    return codes[:queries], codes[queries:]


def _norms(rows: np.ndarray, name: str) -> np.ndarray:
    """Norms of float32 rows; those of zeros count as the least that there is."""
    with np.errstate(over="ignore", invalid="ignore"):  # found by the check that follows
        norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    if not np.isfinite(norms).all():
        raise ValueError(f"the {name} holds features that are not finite (NaN, infinity or overflow)")
    return np.maximum(norms, np.finfo(np.float32).tiny)
