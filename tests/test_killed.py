"""Processes that are killed at random moments resume; full and read-only disks are reported."""

import contextlib
import csv
import gzip
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file

from corrlib import cache, data
from corrlib.data.download import SOURCES, Source, download
from corrlib.publishing import cli
from hostile import member

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
BUILD = """
from pathlib import Path
from corrlib.publishing.book import execution
if __name__ == "__main__":
    tasks = [execution.Task(n, Path("slow.py"), {"number": n}, Path(f"{n}.ipynb"), "", None) for n in (1, 2)]
    execution.execute(Path(), tasks, Path("build.log"))
"""
COMPUTE = "import computing; computing.run(range(20)[::{}])"
MORE = int(os.environ.get("FAULTS") or 0) // 1000
#: Commands that run at the same time, and how often they are killed.
RUNS = {"cache": ([[COMPUTE.format(1)], [COMPUTE.format(-1)]], 4), "sweep": ([[SWEEP, *GRID]], 1)}


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
    for one in family if everything else family[:1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
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


def test_a_killed_build_leaves_no_process_behind(tmp_path_factory):
    """Not even those that are executing its chapters."""
    tmp_path = tmp_path_factory.mktemp("b")  # the paths of sockets must be short
    (tmp_path / "slow.py").write_text(
        f"{CHAPTER}\n# %%\nopen(str(number), 'w'), __import__('time').sleep(99)\n"
    )
    (process,) = start(tmp_path, [[BUILD]])
    until = time.monotonic() + 60
    while not all((tmp_path / name).exists() for name in "12") and time.monotonic() < until:
        time.sleep(0.1)
    assert {"1", "2"} < {path.name for path in tmp_path.iterdir()}, (tmp_path / "tmp/log").read_text()
    kill(process, everything=False)


# A full disk, a read-only disk, and processes that write the same file at once


def zeros(count):
    return {"values": np.zeros(count)}


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A disk of a quarter of a megabyte that holds the cache and an archive."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a disk")
    monkeypatch.setenv("CORRLIB_CACHE", str(folder / "cache"))
    monkeypatch.setitem(SOURCES, "thing", Source("thing.tgz", (), "", 10**6, "annotations"))
    monkeypatch.setattr(data, "WORLD", {"train": 1, "val": 1, "seed": 0, "size": 256, "jobs": 1})
    content = member("annotations/x", content=bytes(4 * 10**5)) + bytes(1024)
    (folder / "thing.tgz").write_bytes(gzip.compress(content))
    cache.cached(zeros, count=1000)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def write_file(disk):
    with cache.replacing(disk / "thing.tgz") as temporary:
        temporary.write_bytes(bytes(10**6))


WRITERS = {
    "an entry of the cache": lambda disk: cache.cached(zeros, count=10**5),
    "a file": write_file,
    "a download": lambda disk: download("thing", disk),
    "the figurines": lambda disk: data.open_dataset(),
}


def kept(folder):
    """Files below a folder, without locks and without images of figurines, whose drawing resumes."""
    paths = [p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock" and ".partial" not in str(p)]
    return {path: path.read_bytes() for path in paths}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_disk_that_cannot_be_written_is_reported_and_keeps_its_files(disk, writer, fault):
    before = kept(disk)
    if fault == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    expected = {"full": "disk( is)? full|No space left", "read-only": "Read-only file system"}[fault]
    with pytest.raises(cache.CacheError, match=expected):
        WRITERS[writer](disk)
    assert kept(disk) == before
    assert len(cache.cached(zeros, count=1000)["values"]) == 1000, "the cache is still read"


def test_a_chapter_is_not_run_if_its_notebook_cannot_be_written(disk, tmp_path, capsys):
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    (tmp_path / "toy.py").write_text(f'# %% tags=["parameters"]\n\n# %%\nopen("{tmp_path}/run", "w")\n')
    assert cli.main(["run", str(tmp_path / "toy.py"), "-o", str(disk / "out.ipynb")]) == 1
    assert re.search(r"cannot write .*out\.ipynb.*Read-only file system", capsys.readouterr().err)
    assert not (tmp_path / "run").exists()


def test_threads_that_write_the_same_file_take_turns_after_a_killed_process(tmp_path):
    path = tmp_path / "file"
    for suffix in ("lock", "tmp"):
        (tmp_path / f".file.{suffix}").touch()  # left by the killed process

    def write(number):
        for _ in range(20):
            with cache.replacing(path) as temporary, temporary.open("w", buffering=1) as file:
                file.writelines([f"{number}\n"] * 50)
            assert re.fullmatch(r"(\d\n)\1{49}", path.read_text())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert list(tmp_path.iterdir()) == [path]
