"""Killed at random moments, features, a chapter, a sweep and the whole reproduction go on where they were.

Each run is done once undisturbed, which tells its results, its files and how long it takes. Then it is killed
with SIGKILL at moments drawn over that time, and started again, until it ends: twenty times here, ten times
as often by ``make faults``.
"""

import contextlib
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import filelock
import numpy as np
import psutil
import pytest

import test_sweep
from corrlib.publishing import chapters
from faults import COUNT
from test_reproduce import data, project, weights  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
#: Kills of each kind of run: twenty in all, or two hundred.
KILLS = {"features": 14, "reproduce": 2, "sweep": 3, "chapter": 1}
TIMES = max(1, COUNT // 1000)
#: Columns and entries of tables that are never twice the same.
TIMES_TAKEN = ("seconds", "processor_seconds", "peak_memory_bytes")
#: Seconds until orphans have noticed that they are.
ORPHANED = 30


@dataclass(frozen=True)
class Victim:
    """A kind of run: what is called, where, and who of its processes may be killed."""

    call: str
    given: tuple
    folder: Path | None = None
    targets: tuple = ("process", "all")


class Zygote:
    """A process that forks runs."""

    def __init__(self):
        command = [sys.executable, str(ROOT / "tests" / "victims.py")]
        environment = {k: v for k, v in os.environ.items() if k not in ("CORRLIB_CACHE", "CORRLIB_RESULTS")}
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process = subprocess.Popen(command, env=environment | {"OMP_NUM_THREADS": "1"}, **pipes)
        assert self.process.stdout.readline() == "ready\n"

    def start(self, victim, root):
        """Start a run in a folder of its own, and return its process."""
        (root / "tmp").mkdir(parents=True, exist_ok=True)
        places = {"CORRLIB_CACHE": "cache", "TMPDIR": "tmp", "JUPYTER_RUNTIME_DIR": "tmp"}
        job = dict(call=victim.call, log=str(root / "tmp" / "log"), folder=str(victim.folder or root))
        job["given"] = [str(part).replace("ROOT", str(root)) for part in victim.given]
        job["environment"] = {name: str(root / folder) for name, folder in places.items()}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return psutil.Process(int(self.process.stdout.readline()))

    def status(self):
        """Wait for the run; return its exit status, negative for a signal."""
        return int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


def family(process):
    """A process and all that it has started, as far as they live."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def line(process):
    """What a process was started with; nothing if it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def strike(process, target):
    """Kill the process, all its processes, or one of a kind; return whom, and those who shall end with it."""
    if not (members := family(process)):
        return [], []
    if target == "process":
        chosen = members[:1]
    elif target == "all":
        chosen = members
    else:
        named = [(p, line(p)) for p in members[1:]]
        chosen = [p for p, said in named if target in said and "resource_tracker" not in said][-1:]
    for one in chosen:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.send_signal(signal.SIGKILL)
    return chosen, members if process in chosen else []


def plain(path):
    """What a file says, without how long anything took."""
    content = path.read_bytes()
    if path.suffix == ".safetensors":
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        del header["__metadata__"]["seconds"]
        return json.dumps(header, sort_keys=True).encode() + content[start:]
    if path.suffix == ".ipynb":
        glued = chapters.glued(json.loads(content))
        return json.dumps({k: v for k, v in glued.items() if "second" not in k}, sort_keys=True)
    if path.suffix == ".json":
        read = json.loads(content)
        for part in read if isinstance(read, list) else [read.get("provenance", {})]:
            part.pop("seconds", None)
        return json.dumps(read)
    if path.suffix == ".csv":  # of stages.csv a row a step, however often it was begun
        table = csv.DictReader(content.decode().splitlines())
        return sorted({json.dumps({k: v for k, v in row.items() if k not in TIMES_TAKEN}) for row in table})
    return content


def outcome(root):
    """Result files of a run and what they say; the page of a sweep shows what else is in its table."""
    kinds = {".safetensors", ".ipynb", ".json", ".md", ".png", ".csv"}
    files = [p for p in root.rglob("*") if p.suffix in kinds and "tmp" not in p.relative_to(root).parts]
    return {p.relative_to(root).as_posix(): plain(p) for p in files}


def files(root):
    """All files but those in the system's folder for temporary ones."""
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()} - {
        p.relative_to(root).as_posix() for p in (root / "tmp").rglob("*")
    }


def finished(root):
    """What need not be done again: entries, points of a sweep, chapters whose results have been kept."""
    found = [*root.glob("cache/*/*.safetensors"), *root.glob("runs/*.ipynb")]
    found += [p for p in root.glob("out/*.ipynb") if any(root.glob(f"out/results/{p.stem}-*.json"))]
    stats = ((path, path.stat()) for path in found)
    return {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in stats}


def torment(zygote, victim, base, kills, seed):
    """Kill a run so many times; return how often whom, and how many runs came to an end."""
    reference = base / "reference"
    prepare(victim, reference)
    started = time.monotonic()
    zygote.start(victim, reference)
    assert zygote.status() == 0, (reference / "tmp" / "log").read_text()
    takes, expected, there = time.monotonic() - started, outcome(reference), files(reference)
    rng, root, struck = np.random.default_rng(seed), base / "killed", Counter()
    while sum(struck.values()) < kills:
        prepare(victim, root)
        known, status = {}, None
        while status != 0:
            process = zygote.start(victim, root)
            moment = time.monotonic() + rng.uniform(0, takes)
            target = str(rng.choice(victim.targets))
            while sum(struck.values()) < kills and process.is_running() and time.monotonic() < moment:
                time.sleep(0.01)
            hit, orphans = strike(process, target) if sum(struck.values()) < kills else ([], [])
            struck[target] += bool(hit)
            status = zygote.status()
            assert hit or status == 0, (root / "tmp" / "log").read_text()
            left = psutil.wait_procs(orphans, timeout=ORPHANED)[1]
            assert not left, f"still there: {left}"
            found = finished(root)
            assert found.items() >= known.items(), "something that was finished has been done again"
            known = found
        assert outcome(root) == expected
        assert files(root) == there, "something is left, or missing"
        for lock in root.rglob("*.lock"):
            with filelock.FileLock(lock, timeout=0):
                pass
    return struck


def prepare(victim, root):
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    if "sweep" in victim.given:
        test_sweep.make_project(root)


def described(data, weights, project):  # noqa: F811
    """The four kinds of runs."""
    world = ("--data", data, "--weights", weights)
    points = ("-p", "layer=conv1,conv2", "-p", "alpha=0.05,0.1", "--out", "ROOT/runs", "--workers", "2")
    shown = ("-p", f"data_root={data}", "-p", f"weights={weights}", "-p", "k=2", "-o", "ROOT/shown.ipynb")
    return {
        "features": Victim("features", (data, weights), targets=("process", "all", "victims")),
        "reproduce": Victim(
            "command",
            ("reproduce", *world, "--out", "ROOT/out", "--patches", "300"),
            project,
            ("process", "process", "all", "ipykernel"),
        ),
        "sweep": Victim(
            "command", ("sweep", "toy", *points), None, ("process", "all", "forkserver", "ipykernel")
        ),
        "chapter": Victim("command", ("run", "visualization", *shown), ROOT, ("process", "all", "ipykernel")),
    }


@pytest.fixture(scope="module")
def struck(data, weights, project, tmp_path_factory):  # noqa: F811
    """All runs, killed; two at a time."""
    base, victims = tmp_path_factory.mktemp("killed"), described(data, weights, project)

    def lane(*names):
        with contextlib.closing(Zygote()) as zygote:
            return {
                name: torment(zygote, victims[name], base / name, TIMES * KILLS[name], seed)
                for seed, name in enumerate(names)
            }

    with ThreadPoolExecutor(2) as pool:
        lanes = [pool.submit(lane, "features", "reproduce"), pool.submit(lane, "sweep", "chapter")]
        return lanes[0].result() | lanes[1].result()


@pytest.mark.parametrize("name", KILLS)
def test_killed_runs_end_as_if_nothing_had_happened(struck, name, record_property):
    assert sum(struck[name].values()) == TIMES * KILLS[name]
    record_property("count", sum(struck[name].values()))
