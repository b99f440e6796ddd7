"""Tables of what a run on PASCAL VOC needs: files, disk and memory, time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from corrlib.data.download import SOURCES


def sources() -> list[dict[str, str]]:
    """What ``corrlib download`` offers, from where, and the first digits of the digests."""
    return [
        {
            "name": name,
            "file": f"[`{source.file}`]({source.urls[0]})",
            "elsewhere": " ".join(f"[copy]({url})" for url in source.urls[1:]),
            "digest": f"`{source.digest[:15] or 'none known'}`",
        }
        for name, source in SOURCES.items()
    ]


def costs(disk: Mapping[str, int], memory: int) -> list[dict[str, Any]]:
    """Estimates in GB: of the files in the cache, which are bytes by what they are, and of the memory."""
    sizes = {name: f"{size / 1e9:.2f}" for name, size in disk.items()}
    sizes["**on disk, together**"] = f"**{sum(disk.values()) / 1e9:.1f}**"
    sizes["memory of the largest step"] = f"{memory / 1e9:.1f}"
    return [{"what": name, "GB": size} for name, size in sizes.items()]


def stages(rows: Iterable[Mapping[str, Any]], dataset: str) -> list[dict[str, Any]]:
    """Time of the stages of a recorded run, and the hours that they would take on a dataset, with the sums.

    `rows` are as `corrlib.publishing.reproduce.hours` has them.
    """
    rows, last = list(rows), f"{dataset}, hours"
    result = [
        {
            "stage": f"{row['chapter']}: {row['stage']}",
            "of": f"{row['count']:,} {row['unit']}",
            "processor seconds": f"{row['processor_seconds']:,.0f}",
            "by the clock": f"{row['seconds']:,.0f}",
            "GPU": f"{100 * row['device_share']:.0f} %",
            last: f"{row['hours']:.2f}",
        }
        for row in rows
    ]
    used, seconds, hours = (
        sum(row[key] for row in rows) for key in ("processor_seconds", "seconds", "hours")
    )
    total = {"processor seconds": f"**{used:,.0f}**", "by the clock": f"**{seconds:,.0f}**"}
    return [*result, {"stage": "**together**", "of": "", **total, "GPU": "", last: f"**{hours:.1f}**"}]
