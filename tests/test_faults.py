"""A full disk, a folder that is read-only, a clock that jumps, and several who want the same at once.

What takes its time is done by ``make faults`` only; runs that are killed are in `test_killed`.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import corrlib.data as data_module
import test_book
import test_download
import test_sweep
from corrlib import cache
from corrlib.data import download as downloads
from corrlib.data import open_dataset
from corrlib.publishing import book
from corrlib.publishing.sweep import grid, rows, runs
from faults import COUNT
from test_download import no_proxy, server, source  # noqa: F401

#: What is beyond the time that tests have.
long = pytest.mark.skipif(not COUNT, reason="takes its time: make faults does it")
ABOUT = {"tier": "t", "weights": "w", "parameters": {}, "code": "c", "seconds": 1.0}
MADE = []


def numbers(count, more=0):
    MADE.append(count)
    return {"x": np.random.default_rng(0).normal(size=count)}


def mounted(folder, options):
    """Mount a disk in memory, or skip the test."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root may mount a disk of its own")
    return folder


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A cache folder on a disk of a quarter of a megabyte."""
    folder = mounted(tmp_path / "disk", "size=256k")
    monkeypatch.setenv("CORRLIB_CACHE", str(folder / "cache"))
    MADE.clear()
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def seen(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock")


def test_a_full_disk_is_told_and_what_was_there_stays(disk, tmp_path):
    full = pytest.raises(
        cache.StoreError, match="the disk is full: free some space, or choose another folder"
    )
    kept = cache.cached(numbers, count=1000)["x"]
    with full:
        cache.cached(numbers, count=10**5)
    cache.write_result(disk / "r.json", {"a": 1}, provenance=ABOUT)
    with full:
        cache.write_result(disk / "r.json", {"a": list(range(10**5))}, provenance=ABOUT)
    row = dict(chapter="c", status="done", seconds=1, parameters={"k": 1}, numbers={}, about={}, notebook="")
    rows.write([row | {"error": ""}], disk / "runs")
    with full:
        rows.write([row | {"error": "x" * 10**6}], disk / "runs")
    assert cache.read_result(disk / "r.json")["values"] == {"a": 1}
    assert [name for name in seen(disk) if not name.endswith("safetensors")] == [
        "r.json",
        "results.csv",
        "results.json",
    ]
    np.testing.assert_array_equal(cache.cached(numbers, count=1000)["x"], kept)
    assert MADE == [1000, 10**5]
    # Not a byte is left, nor a place for a name; and then there is room again.
    filler = disk / "filler"
    with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    with full:
        cache.cached(numbers, count=2000)
    filler.unlink()
    assert len(cache.cached(numbers, count=2000)["x"]) == 2000


def test_downloads_and_worlds_on_a_full_disk(disk, source, monkeypatch):  # noqa: F811
    big = test_download.archive([(f"annotations/cat/a_{n}.xml", bytes(10**5)) for n in range(4)])
    source("good", content=big, folder="annotations", holds="*/*.xml")
    with pytest.raises(cache.StoreError, match=r"cannot write thing into .*No space left.*free some space"):
        downloads.download("thing", disk / "data")
    assert seen(disk) == []
    monkeypatch.setattr(data_module, "WORLD", {"train": 1, "val": 1, "seed": 0, "size": 256, "jobs": 1})
    with pytest.raises(cache.StoreError, match=r"figurines cannot be drawn: .*(disk full|No space left)"):
        open_dataset()


def test_a_read_only_cache_gives_what_it_has(disk):
    kept = cache.cached(numbers, count=1000)["x"]
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    np.testing.assert_array_equal(cache.cached(numbers, count=1000)["x"], kept)
    with pytest.raises(
        cache.StoreError, match=r"Read-only file system.*check the folder and its permissions"
    ):
        cache.cached(numbers, count=1001)
    with pytest.raises(cache.StoreError, match="Read-only file system"):
        cache.write_result(disk / "r.json", {}, provenance=ABOUT)
    with pytest.raises(cache.StoreError, match="Read-only file system"):
        downloads.download("alexnet", disk / "data")
    with pytest.raises(OSError, match=r"cannot write .*out\.ipynb: .*Read-only file system"):
        test_book.chapters.run(test_book.chapter_with(disk.parent), disk / "out.ipynb")
    assert MADE == [1000], "nothing is computed that could not be kept"
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


def test_whatever_the_clock_says_what_is_done_is_done(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(test_sweep.make_project(tmp_path))
    MADE.clear()
    cache.cached(numbers, count=10)
    digest = runs._digests(Path("book", "toy.py"))
    point = {"layer": "conv1"}
    test_sweep.notebook(tmp_path / "runs" / f"{grid.name(point)}.ipynb", {}, point)
    executed = tmp_path / "runs" / "layer=conv1.ipynb"
    read = test_sweep.nbformat.read(executed, 4)
    read.metadata["corrlib"] = {"digest": digest(point)}
    test_sweep.nbformat.write(read, executed)
    now = time.time()
    for when in (0, now - 10**8, now + 10**9):
        for path in tmp_path.rglob("*"):
            os.utime(path, (when, when))
        monkeypatch.setattr(time, "time", lambda when=when: when / 2)
        cache.cached(numbers, count=10)
        assert runs.plan(Path("book", "toy.py"), {"layer": "conv1"}, Path("runs"))[1] == [True]
    cache.cached(numbers, count=11)  # a lock and an entry of a time that goes back
    assert MADE == [10, 11]


SLOWLY = textwrap.dedent("""
    import sys, time
    import numpy as np
    from corrlib import store

    def compute(log):
        with open(log, "a") as file:
            file.write("begun ")
        time.sleep(3 if open(log).read() == "begun " else 0.2)
        with open(log, "a") as file:
            file.write("ended ")
        return {"x": np.arange(3)}
""")


def test_two_wait_for_one_that_is_killed_and_a_third_comes_late(tmp_path):
    (tmp_path / "slowly.py").write_text(SLOWLY)
    log = tmp_path / "log"
    ask = f"import slowly; print(slowly.store.cached(slowly.compute, log={str(log)!r})['x'].sum())"
    environment = os.environ | {"CORRLIB_CACHE": str(tmp_path / "cache")}

    def start():
        pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return subprocess.Popen([sys.executable, "-c", ask], cwd=tmp_path, env=environment, **pipes)

    first = start()
    test_sweep.wait_for(log.exists)
    waiting = [start(), start()]
    time.sleep(0.5)
    first.send_signal(signal.SIGKILL)
    assert [p.communicate(timeout=60) for p in waiting] == [("3\n", "")] * 2
    assert start().communicate(timeout=60) == ("3\n", "")
    first.communicate()
    assert log.read_text() == "begun begun ended "
    assert len(list((tmp_path / "cache" / "slowly.compute").iterdir())) == 2, "the entry and its lock"


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    for path in (tmp_path / "r.json", tmp_path / "out.ipynb"):
        left = path.with_name(f".{path.name}.tmp")
        (left.mkdir if path.suffix == ".json" else left.touch)()
        path.with_name(f".{path.name}.lock").touch()
        with cache.replacing(path) as temporary:
            temporary.write_text("whole")
    assert seen(tmp_path) == ["out.ipynb", "r.json"] and len(list(tmp_path.iterdir())) == 2


def test_those_who_write_one_file_take_turns(tmp_path):
    def write(number):
        for _ in range(20):
            with cache.replacing(tmp_path / "r.txt") as temporary, temporary.open("w") as file:
                for _ in range(50):
                    file.write(f"{number}\n")
                    file.flush()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    [t.start() for t in threads]
    while any(t.is_alive() for t in threads):
        if (tmp_path / "r.txt").exists():
            assert re.fullmatch(r"((\d)\n)(\1){49}", (tmp_path / "r.txt").read_text())
    assert [p.name for p in tmp_path.iterdir()] == ["r.txt"]


def test_two_download_one_thing_into_one_folder_once(server, source, tmp_path):  # noqa: F811
    source("good", content=test_download.GENUINE, folder="annotations", holds="*/*.xml")
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(downloads.download("thing", tmp_path / "data")))
        for _ in range(3)
    ]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert made == [tmp_path / "data" / "annotations"] * 3 and server.asked == ["/good"]
    assert seen(tmp_path) == ["a_1.xml"]


def start(root, *arguments, **environment):
    """Start ``corrlib`` in a folder."""
    program = "import sys; from corrlib.publishing.cli import main; sys.exit(main())"
    environment = test_sweep.environment(root) | environment
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return subprocess.Popen([sys.executable, "-c", program, *arguments], cwd=root, env=environment, **pipes)


@long
def test_two_books_at_once_and_a_sweep_beside_them(tmp_path):
    root = test_sweep.make_project(tmp_path)
    for name in ("_config.yml", "constraints.txt"):
        shutil.copy(test_book.ROOT / name, root / name)
    for name in ("references.bib", "_static", "_vendor"):
        place = test_book.ROOT / "book" / name
        (shutil.copytree if place.is_dir() else shutil.copy)(place, root / "book" / name)
    (root / "_toc.yml").write_text(test_book.TOC)
    (root / "book" / "intro.md").write_text(test_book.INTRO)
    (root / "book" / "small.py").write_text(test_book.CHAPTER)
    book.build(root)
    good = (root / "_build" / "html" / "book" / "small.html").read_text()
    (root / "book" / "small.py").write_text(test_book.CHAPTER.replace("layer is", "the layer is"))
    first = start(root, "book")
    sweep = start(root, "sweep", "toy", "-p", "layer=conv1,conv2", "--out", "runs", "--workers", "1")
    test_sweep.wait_for(lambda: (root / "_build" / ".lock").exists() and first.poll() is None)
    time.sleep(3)
    second = start(root, "book")
    out, err = second.communicate(timeout=300)
    assert (second.returncode, out) == (1, "") and "another build is at work" in err
    assert (root / "_build" / "html" / "book" / "small.html").read_text() == good
    assert first.wait(600) == 0, first.stderr.read()
    assert sweep.wait(600) == 0, sweep.stderr.read()
    assert "the layer is" in (root / "_build" / "html" / "book" / "small.html").read_text()
    assert [row["status"] for row in test_sweep.table(root / "runs")] == ["done"] * 2


@long
def test_two_runs_of_one_chapter_into_one_notebook(tmp_path):
    root = test_sweep.make_project(tmp_path)
    one = ("run", "toy", "-o", "out.ipynb")
    runs_ = [start(root, *one, OMP_NUM_THREADS="1") for _ in range(2)]
    assert [p.wait(300) for p in runs_] == [0, 0], [p.stderr.read() for p in runs_]
    assert rows.read(root / "out.ipynb", root)["status"] == "done"
    assert test_sweep.lines(root / "aligned.txt") == ["conv4"], "the heavy work is done once"
    assert not list(root.glob(".*"))


@long
def test_two_draw_the_world_once(tmp_path):
    ask = "from corrlib import datasets\ndatasets.WORLD = dict(train=1, val=1, seed=0, size=64, jobs=1)\n"
    ask += "print(open_dataset().digest)"
    environment = os.environ | {"CORRLIB_CACHE": str(tmp_path)}
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    drawing = [subprocess.Popen([sys.executable, "-c", ask], **pipes) for _ in range(2)]
    said = [p.communicate(timeout=300)[0] for p in drawing]
    assert said[0] == said[1] and len(said[0].strip()) == 16
    assert len([p for p in tmp_path.iterdir() if p.is_dir()]) == 1
