"""Sweeps: `corrlib sweep`, a plain loop over papermill, and the ideal time, work divided by cores.

The chapter is artificial, so that its work is known: some processor seconds for each layer, whose result is
cached as in alignment, and some for each point. Both runs start from an empty cache. The work is the
processor time of the loop and its kernels.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
import papermill
from joblib import cpu_count

from benchmarks.version import COMMAND

#: Processor seconds of a layer, whose result is cached, and of a point.
HEAVY, LIGHT = 4.0, 1.0
LAYERS, ALPHAS = ("conv3", "conv4", "conv5"), (0.05, 0.1)

CHAPTER = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% tags=["parameters"]
layer: str = "conv1"
alpha: float = 0.1
heavy: float = 4.0
light: float = 1.0

# %%
import os, sys
sys.path.insert(0, os.getcwd())
import toys
from corrlib.cache import cached

cached(toys.heavy, layer=layer, seconds=heavy)
toys.burn(light)
"""
TOYS = '''"""Work of a known size."""
import time
import numpy as np

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

def heavy(layer, seconds):
    burn(seconds)
    return {"done": np.ones(1)}
'''


def plain_loop(root: Path, points: list[dict[str, object]]) -> None:
    """The loop that one would write without corrlib, without the warnings of its kernels."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        nbformat.write(jupytext.read(root / "book" / "toy.py"), root / "toy.ipynb")
        for number, values in enumerate(points):
            out = root / f"{number}.ipynb"
            papermill.execute_notebook(
                root / "toy.ipynb", out, values, progress_bar=False, kernel_name="python3"
            )
    finally:
        os.dup2(kept, 2)
        os.close(kept), os.close(nowhere)


def sweep(root: Path, grid: dict[str, str], workers: int) -> None:
    """The same points, executed by `corrlib sweep`."""
    given = [part for name, values in grid.items() for part in ("-p", f"{name}={values}")]
    where = ["--out", str(root / "runs"), "--workers", str(workers)]
    command = [sys.executable, "-c", COMMAND, "sweep", "toy", *given, *where]
    subprocess.run(command, check=True, capture_output=True)


def measure() -> dict[str, float]:
    """Elapsed seconds of the loop and of the sweep, and the ideal."""
    common = {"heavy": HEAVY, "light": LIGHT}
    points = [{"layer": layer, "alpha": alpha} | common for layer in LAYERS for alpha in ALPHAS]
    grid = {"layer": ",".join(LAYERS), "alpha": ",".join(map(str, ALPHAS))}
    grid |= {name: str(value) for name, value in common.items()}
    took, here, cache = {"points": len(points)}, Path.cwd(), os.environ.get("CORRLIB_CACHE")
    for name in ("loop", "sweep"):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "book").mkdir()
            (root / "book" / "toy.py").write_text(CHAPTER)
            (root / "toys.py").write_text(TOYS)
            os.environ["CORRLIB_CACHE"] = str(root / "cache")
            os.chdir(root)
            before, started = os.times(), time.perf_counter()
            try:
                plain_loop(root, points) if name == "loop" else sweep(root, grid, cpu_count())
            finally:
                took[name] = time.perf_counter() - started
                os.chdir(here)
                os.environ.pop("CORRLIB_CACHE")
                if cache is not None:
                    os.environ["CORRLIB_CACHE"] = cache
            if name == "loop":
                work = sum(os.times()[:4]) - sum(before[:4])
    return took | {"ideal": work / cpu_count()}
