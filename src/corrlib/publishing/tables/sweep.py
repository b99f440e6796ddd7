"""Tables of the page on sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def swept(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Numbers of points and seconds of sweeps, given as chapter -> rows of its sweep."""
    return [
        {
            "chapter": chapter,
            "points": len(points),
            "seconds of all": f"{sum(point['seconds'] for point in points):.0f}",
            "of the longest": f"{max(point['seconds'] for point in points):.0f}",
        }
        for chapter, points in rows.items()
    ]


def highest(rows: Sequence[Mapping[str, Any]], alphas: Sequence[float]) -> list[str]:
    """The layer with the highest score at each of `alphas`, in words."""
    best = [max(rows, key=lambda row, a=a: row[f"score-{a:g}"])["layer"] for a in alphas]
    return [f"{layer} at alpha = {a:g}" for layer, a in zip(best, alphas, strict=True)]
