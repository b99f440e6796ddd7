"""Sweeps side by side: corrlib sweep, a plain loop over papermill, and the ideal, work divided by cores.

    python benchmarks/sweep.py [--layers 5] [--alphas 3] [--heavy 4] [--light 1] [--workers N]

The chapter is made up, so that its work is known: for each layer some processor seconds that the cache keeps,
as those of an alignment, and for each point some of its own. Both runs start from an empty cache. The work is
the processor time of the loop and its kernels. Give it a machine that has nothing else to do: it says the
load.
"""

import argparse
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
from corrlib import store

store.cached(toys.heavy, layer=layer, seconds=heavy)
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
    """What one writes without this package; its kernels warn of their sockets, which nobody wants to read."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    nbformat.write(jupytext.read(root / "book" / "toy.py"), root / "toy.ipynb")
    for number, values in enumerate(points):
        out = root / f"{number}.ipynb"
        papermill.execute_notebook(root / "toy.ipynb", out, values, progress_bar=False, kernel_name="python3")
    os.dup2(kept, 2)


def sweep(root: Path, grid: dict[str, str], workers: int) -> None:
    """The same points by the command, from its start to its end."""
    program = "import sys; from corrlib.cli import main; sys.exit(main())"
    given = [part for name, values in grid.items() for part in ("-p", f"{name}={values}")]
    where = ["--out", str(root / "runs"), "--workers", str(workers)]
    subprocess.run([sys.executable, "-c", program, "sweep", "toy", *given, *where], check=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--alphas", type=int, default=3)
    parser.add_argument("--heavy", type=float, default=4.0, help="processor seconds a layer (%(default)s)")
    parser.add_argument("--light", type=float, default=1.0, help="processor seconds a point (%(default)s)")
    parser.add_argument("--workers", type=int, default=cpu_count(), help="(%(default)s)")
    args = parser.parse_args()
    layers = [f"conv{n + 1}" for n in range(args.layers)]
    alphas = [round(0.1 * (n + 1), 1) for n in range(args.alphas)]
    common = {"heavy": args.heavy, "light": args.light}
    points = [{"layer": layer, "alpha": alpha} | common for layer in layers for alpha in alphas]
    grid = {"layer": ",".join(layers), "alpha": ",".join(map(str, alphas))}
    grid |= {name: str(value) for name, value in common.items()}
    print(f"{len(points)} points, {args.workers} workers, {cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    took, here = {}, Path.cwd()
    for name in ("plain loop", "sweep"):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "book").mkdir()
            (root / "book" / "toy.py").write_text(CHAPTER)
            (root / "toys.py").write_text(TOYS)
            os.environ["CORRLIB_CACHE"] = str(root / "cache")
            os.chdir(root)
            before, started = os.times(), time.perf_counter()
            plain_loop(root, points) if name == "plain loop" else sweep(root, grid, args.workers)
            took[name] = time.perf_counter() - started
            after = os.times()
            if name == "plain loop":
                work = sum(after[:4]) - sum(before[:4])
            os.chdir(here)
    ideal = work / min(args.workers, cpu_count())
    print(f"{'':12}  seconds  points a minute  of the ideal")
    for name, seconds in (took | {"ideal": ideal}).items():
        print(f"{name:12}  {seconds:7.1f}  {60 * len(points) / seconds:15.1f}  {ideal / seconds:11.0%}")
    faster = took["plain loop"] / took["sweep"]
    print(f"work: {work:.1f} processor seconds; the sweep is {faster:.2f} times as fast as the loop")


if __name__ == "__main__":
    main()
