"""The table on the terminal, and the file of results."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from corrlib import cache

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results.json"
#: Distributions whose versions are recorded if they are installed.
PACKAGES = (
    *("numpy", "scipy", "numba", "torch", "opencv-python-headless", "scikit-learn"),
    *("PyMaxflow", "faiss-cpu", "onnxruntime"),
)
#: Processor flags that show the width of its vectors.
FLAGS = ("avx", "avx2", "fma", "f16c", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")


def machine() -> dict[str, Any]:
    """Date, commit, processor, load at the start, and versions of the libraries."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    except OSError:
        cpu = {}
    git = subprocess.run(["git", "rev-parse", "--short=8", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    about_run = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": git.stdout.strip(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": cpu.get("model name", platform.machine()),
        "flags": [flag for flag in FLAGS if flag in cpu.get("flags", "").split()],
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": {},
    }
    for name in PACKAGES:
        try:
            about_run["versions"][name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return about_run


def write(results: dict[str, Any], path: Path) -> None:
    """Write results atomically."""
    with cache.replacing(path) as unfinished:
        unfinished.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")


def line(row: dict[str, Any]) -> str:
    """The line of a contest in the table."""
    goal = "" if row["goal"] is None else f"{row['goal']:.3g}"
    what = f"{row['kernel']}: {row['name']}, against {row['against']}"
    if "skipped" in row:
        return f"{'-':>7} {goal:>6}  {'':>5}  {what}: skipped, {row['skipped']}"
    if not row["passed"]:
        return f"{'-':>7} {goal:>6}  {'':>5}  {what}: CHECK FAILED, no ratio: {row['checked']}"
    share = f"{row['fraction']:.0%}" if "fraction" in row else ""
    range_ = f"{row['low']:.3g} to {row['high']:.3g}"
    return f"{row['ratio']:>7.3g} {goal:>6}  {share:>5}  {what} [{range_}]: {row['checked']}"


HEAD = f"{'ratio':>7} {'goal':>6}  {'limit':>5}  their time over ours; ours as a share of the machine's limit"


def tables(results: dict[str, Any]) -> Iterable[str]:
    """The lines that follow the contests."""
    for row in results["growth"]:
        times = ", ".join(f"{n:,}: {s:.3g} s" for n, s in zip(row["sizes"], row["seconds"], strict=True))
        power = f"{row['size']} to the {row['exponent']:.2f}"
        yield f"{row['kernel']}: the time of {row['name']} grows as {power} ({times})"
    if results["startup"]:
        yield "startup, s: " + ", ".join(f"{name} {s:.3g}" for name, s in results["startup"].items())
    if sweep := results["sweep"]:
        yield (
            f"sweep of {sweep['points']} points: {sweep['loop'] / sweep['sweep']:.2f} times as fast as a"
            f" plain loop, {sweep['ideal'] / sweep['sweep']:.0%} of the ideal (work divided by cores)"
        )
    if scale := results["scale"]:
        ours, theirs = (sum(row[side] for row in scale) for side in ("ours", "theirs"))
        yield f"the paper's full scale on one core: {theirs:.1f} hours with the peers, {ours:.1f} with ours"
    for page in results["pages"]:
        memory = f", {page['memory'] / 1e9:.1f} GB" if page["memory"] else ""
        yield f"page {page['name']}: {page['seconds']:.0f} s{memory}"
