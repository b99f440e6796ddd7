"""A full disk, a read-only disk, and processes that write the same file at once."""

import gzip
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from corrlib import cache, data
from corrlib.data.download import SOURCES, Source, download
from corrlib.publishing import cli
from hostile import member


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


def files(folder):
    """Files below a folder, without locks and without images of figurines, whose drawing resumes."""
    paths = [p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock" and ".partial" not in str(p)]
    return {path: path.read_bytes() for path in paths}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_disk_that_cannot_be_written_is_reported_and_keeps_its_files(disk, writer, fault):
    before = files(disk)
    if fault == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    expected = {"full": "disk( is)? full|No space left", "read-only": "Read-only file system"}[fault]
    with pytest.raises(cache.CacheError, match=expected):
        WRITERS[writer](disk)
    assert files(disk) == before
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
