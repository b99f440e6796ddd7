"""Exact nearest neighbours by cosine similarity, in a database larger than memory (paper, section 2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corrlib.device import device

#: Queries compared at a time; with `chunk` it bounds the memory.
QUERIES = 2048


def nearest(
    query: np.ndarray,
    database: np.ndarray | Sequence[np.ndarray],
    k: int,
    *,
    query_group: np.ndarray | None = None,
    database_group: np.ndarray | None = None,
    chunk: int = 4096,
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
    Matrix products by torch, on its `corrlib.device`: ``benchmarks/retrieval.py`` holds it against NumPy and
    scikit-learn. Rows that are equally similar are ordered by their index, but which of them are among the
    `k` is not defined.
    """
    import torch

    blocks = [database] if isinstance(database, np.ndarray) else list(database)
    query = np.asarray(query)
    count = _check(query, blocks, k)
    groups = _groups(query_group, database_group, len(query), count, k)
    where = device()
    queries = _normalised(query, "query").to(where)
    best = torch.full((len(query), k), -torch.inf, device=where)
    index = torch.zeros((len(query), k), dtype=torch.int64, device=where)
    groups = groups and [labels.to(where) for labels in groups]
    start = 0
    for rows in (block[first : first + chunk] for block in blocks for first in range(0, len(block), chunk)):
        rows = _normalised(rows, "database").to(where)
        for first in range(0, len(queries), QUERIES):
            part = slice(first, first + QUERIES)
            similarity = queries[part] @ rows.T
            if groups is not None:
                same = groups[0][part, None] == groups[1][None, start : start + len(rows)]
                similarity.masked_fill_(same, -torch.inf)
            value, row = similarity.topk(min(k, len(rows)), dim=1)
            value = torch.cat([best[part], value], dim=1)
            row = torch.cat([index[part], row + start], dim=1)
            best[part], order = value.topk(k, dim=1)
            index[part] = row.gather(1, order)
        start += len(rows)
    index, best = index.cpu().numpy(), best.cpu().numpy()
    order = np.lexsort((index, -best), axis=1)
    return tuple(np.take_along_axis(a, order, axis=1) for a in (index, best.clip(-1, 1)))


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


def _groups(query_group, database_group, queries: int, count: int, k: int):
    """Both groups as tensors of small integers, or None."""
    import torch

    if query_group is None and database_group is None:
        return None
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
    return torch.from_numpy(codes[:queries]), torch.from_numpy(codes[queries:])


def _normalised(rows: np.ndarray, name: str):
    """Copy as a float32 tensor of unit rows; zeros stay zeros."""
    import torch

    rows = torch.from_numpy(np.array(rows, dtype=np.float32))
    norms = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    if not torch.isfinite(norms).all():
        raise ValueError(f"the {name} holds features that are not finite (NaN, infinity or overflow)")
    return rows.div_(norms.clamp_min_(torch.finfo(torch.float32).tiny))
