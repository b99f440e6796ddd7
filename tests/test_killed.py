"""Processes that are killed at random moments resume, with the results of an undisturbed run."""

import contextlib
import csv
import os
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file

COMPUTING = """
import numpy as np
from corrlib import cache

def compute(number):
    return {"values": np.random.default_rng(number).normal(size=2**19)}

def run(numbers):
    for number in numbers:
        cache.cached(compute, number=number)
"""
CHAPTER = """\
# %% tags=["parameters"]
number: int = 0

# %%
import os, sys
sys.path.insert(0, os.getcwd())
import computing
from corrlib import cache
from corrlib.publishing import page

values = cache.cached(computing.compute, number=number)["values"]

# %%
page.numbers({"score": float((values < 0.1).mean())})
"""
SWEEP = "from corrlib.publishing.cli import main; raise SystemExit(main())"
GRID = ["sweep", "toy", "-p", "number=0,1", "--out", "runs", "--workers", "2"]
COMPUTE = "import computing; computing.run(range(20)[::{}])"
MORE = int(os.environ.get("FAULTS") or 0) // 1000
#: Commands that run at the same time, and how often they are killed.
RUNS = {"cache": ([[COMPUTE.format(1)], [COMPUTE.format(-1)]], 8), "sweep": ([[SWEEP, *GRID]], 2)}


def start(root, commands):
    """Start commands in a folder where everything that they write is kept."""
    for name, text in {"computing.py": COMPUTING, "book/toy.py": CHAPTER, "tmp/log": ""}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    folders = {"CORRLIB_CACHE": "cache", "TMPDIR": "tmp", "JUPYTER_RUNTIME_DIR": "tmp"}
    environment = os.environ | {name: str(root / folder) for name, folder in folders.items()}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    with (root / "tmp/log").open("w") as log:
        options = dict(cwd=root, env=environment, stdout=log, stderr=log)
        return [subprocess.Popen([sys.executable, "-c", *command], **options) for command in commands]


def kill(process, everything):
    """Kill a process, or it and all its descendants; all of them must end."""
    family = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family if everything else family[:1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()
    assert not psutil.wait_procs(family[1:], timeout=30)[1], "orphans do not end"


def results(root):
    """The arrays in the cache, and the rows of a sweep's table without durations."""
    entries = {path.name: load_file(path)["values"].tobytes() for path in root.glob("cache/*/*.safetensors")}
    tables = [csv.DictReader(path.open()) for path in root.glob("runs/results.csv")]
    return entries, [(row["number"], row["status"], row["score"]) for table in tables for row in table]


def files(root):
    return {path for p in root.rglob("*") if (path := p.relative_to(root)).parts[0] != "tmp"}


def done(root):
    """What must not be done again."""
    paths = [*root.glob("cache/*/*.safetensors"), *root.glob("runs/*.ipynb")]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


@pytest.mark.parametrize("name", RUNS)
def test_killed_runs_resume(tmp_path_factory, name):
    commands, kills = RUNS[name]
    folder = tmp_path_factory.mktemp("k")  # the paths of sockets must be short
    undisturbed, root, known = folder / "undisturbed", folder / "killed", {}
    started = time.monotonic()
    assert {process.wait(300) for process in start(undisturbed, commands)} == {0}
    seconds, rng = time.monotonic() - started, np.random.default_rng(0)
    for left in reversed(range(kills + MORE + 1)):
        processes = start(root, commands)
        if left:
            time.sleep(rng.uniform(seconds / 4, seconds))
            for process in processes[: rng.integers(1, len(processes) + 1)]:
                kill(process, everything=rng.random() < 0.5)
        statuses = {process.wait(300) for process in processes}
        assert done(root).items() >= known.items(), "something was done twice"
        known = done(root)
    assert statuses == {0}
    assert results(root) == results(undisturbed)
    assert files(root) == files(undisturbed), "a file is left, or missing"
