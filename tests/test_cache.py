"""The cache: keys follow code, libraries and inputs; entries are whole or absent; stale ones are removed."""

import errno
import importlib
import itertools
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import filelock
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from corrlib import cache
from corrlib.cache import code, contents, entries

CALLS = []
ECHO = {}


def thing(digest, device=""):
    """A dataset or, on a device, a network."""
    on = {"device": SimpleNamespace(type=device.partition(":")[0], name=device)} if device else {}
    return SimpleNamespace(digest=digest, **on)


def squares(n, scale=1.0, source=None, wait=0.0):
    CALLS.append(n)
    time.sleep(wait)
    return {"squares": scale * np.arange(n) ** 2, "odd": np.arange(n) % 2 == 1}


def echo(name):
    return ECHO[name]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "cache"))
    CALLS.clear()
    return tmp_path / "cache"


def values(folder):
    return [p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"]


def test_a_value_is_computed_once_and_read_only():
    for _ in range(2):
        entry = cache.cached(squares, n=5)
        np.testing.assert_array_equal(entry["squares"], [0, 1, 4, 9, 16])
        np.testing.assert_array_equal(entry["odd"], [False, True, False, True, False])
        assert entry["odd"].dtype == bool and not entry["squares"].flags.writeable
    assert CALLS == [5]


def test_a_value_found_in_other_work_is_kept_unless_there_is_one(folder):
    for value in (7, 8):
        cache.keep({"squares": np.array([value])}, squares, n=5)
    entry = cache.cached(squares, n=5)
    assert entry["squares"].tolist() == [7] and not CALLS and len(values(folder)) == 1
    assert len(cache.cached(squares, n=6)["squares"]) == 6, "of other inputs"
    with pytest.raises(TypeError, match="must return a dictionary of numeric arrays"):
        cache.keep({"squares": 7}, squares, n=8)
    assert len(values(folder)) == 2


def test_every_input_is_part_of_the_key():
    sources = ["a", ["a"], {"k": None}, thing("a"), thing("b"), thing("n", "cpu"), thing("n", "cuda:0")]
    asked = [{"n": 5}, {"n": 6}, {"n": 5, "scale": 2.0}, *({"n": 5, "source": source} for source in sources)]
    for inputs in 2 * asked:
        cache.cached(squares, **inputs)
    assert len(CALLS) == len(asked)
    cache.cached(squares, source=thing("a"), n=5)  # in another order
    cache.cached(squares, source=thing("n", "cuda:1"), n=5)  # on another device of the same type
    assert len(CALLS) == len(asked)


def upgrade(monkeypatch, version="0.1"):
    """As if another numpy had been installed."""
    versions = cache.library_versions() | {"numpy": version}
    monkeypatch.setattr(code, "library_versions", lambda: versions)


def test_an_entry_says_how_it_was_made_and_has_the_permissions_of_new_files(folder):
    cache.cached(squares, n=5, source=thing("n", "cpu"))
    (path,) = values(folder)
    (folder / "new").touch()
    assert path.stat().st_mode == (folder / "new").stat().st_mode
    (entry,) = contents.list_entries()
    source = {"type": "SimpleNamespace", "digest": "n", "device": "cpu"}
    assert json.loads(entry.inputs) == {"n": 5, "source": source} and 0 <= entry.seconds < 10


def test_compiled_code_lies_in_the_cache_too(folder):
    subprocess.run([sys.executable, "-c", "import corrlib.mrf.intrinsics"], check=True)
    assert list((folder / "numba").rglob("*.nbi"))


def test_the_cache_may_be_in_the_home_folder(monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", "~/kept")  # as a file of settings has it, which no shell reads
    assert cache.cache_dir() == Path.home() / "kept"


def test_what_cannot_be_part_of_a_key_is_refused():
    for value in (np.zeros(2), object(), float("nan"), {1: 2}, {"a": [object()]}):
        with pytest.raises(TypeError, match=r"source=\.\.\.\).*cannot be part of a key"):
            cache.cached(squares, n=5, source=value)
    with pytest.raises(TypeError, match="move it to the top level of a module"):
        cache.cached(lambda: {})
    for module in ("nowhere.at_all", "corrlib.nowhere"):
        with pytest.raises(ValueError, match=f"{module}.*check its name"):
            cache.code_digest(module)
    assert not CALLS


@given(
    array=hnp.arrays(
        st.sampled_from(["f2", "f4", ">f8", "i8", "u1", "?"]), hnp.array_shapes(min_dims=0, min_side=0)
    )
)
def test_arrays_are_read_as_they_were_written(array):
    key = f"{len(ECHO)}"
    ECHO[key] = {"x": array, "transposed": array.T, "second": np.arange(3)}
    entry = cache.cached(echo, name=key)
    for name, expected in ECHO[key].items():
        assert entry[name].dtype == expected.dtype.newbyteorder("=")
        np.testing.assert_array_equal(entry[name], expected)


def test_a_failed_computation_and_other_values_than_numbers_leave_nothing(folder):
    with pytest.raises(KeyError, match="absent"):
        cache.cached(echo, name="absent")
    for ECHO["it"] in ([1, 2], {"x": [1, 2]}, {"x": np.array(["text"])}, {"x": np.zeros(2, complex)}):
        with pytest.raises(TypeError, match="dictionary of numeric arrays"):
            cache.cached(echo, name="it")
    assert not values(folder)


def flip_a_bit(path):
    content = path.read_bytes()
    path.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])


def test_a_corrupt_entry_is_computed_again_with_a_warning(folder):
    cache.cached(squares, n=20)
    (path,) = values(folder)
    flip_a_bit(path)
    with pytest.warns(cache.CorruptEntryWarning, match=f"(?s){path.name}.*corrupt.*again"):
        entry = cache.cached(squares, n=20)
    np.testing.assert_array_equal(entry["squares"], np.arange(20) ** 2)
    cache.cached(squares, n=20)
    assert CALLS == [20, 20]


def test_an_entry_is_verified_once_by_a_process_unless_it_changes(folder, monkeypatch):
    cache.cached(squares, n=20)
    (path,) = values(folder)
    os.utime(path, ns=(0, 0))  # not a file of the last second
    cache.cached(squares, n=20)
    with monkeypatch.context() as patch:
        patch.setattr(entries, "_checksum", None)
        np.testing.assert_array_equal(cache.cached(squares, n=20)["squares"], np.arange(20) ** 2)
    flip_a_bit(path)
    os.utime(path, ns=(0, 1))
    with pytest.warns(cache.CorruptEntryWarning, match="checksum"):
        cache.cached(squares, n=20)
    assert CALLS == [20, 20]


def test_an_entry_of_the_last_second_is_verified_each_time(folder):
    cache.cached(squares, n=20)
    (path,) = values(folder)
    late = 2 * time.time_ns()  # a second is not over yet, however slow the machine
    os.utime(path, ns=(late, late))
    cache.cached(squares, n=20)
    flip_a_bit(path)
    os.utime(path, ns=(late, late))
    with pytest.warns(cache.CorruptEntryWarning, match="checksum"):
        cache.cached(squares, n=20)
    assert CALLS == [20, 20]


def test_a_full_disk_or_an_unwritable_cache_gives_one_clear_error_and_leaves_nothing(
    folder, tmp_path, monkeypatch
):
    def full(path, data, now=Path.write_bytes):
        now(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(cache.CacheError, match="disk is full: free some space, or choose another folder"):
            cache.cached(squares, n=5)
    assert not values(folder) and CALLS == [5]
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "file"))
    with pytest.raises(cache.CacheError, match=r"check the folder and its permissions.*CORRLIB_CACHE"):
        cache.cached(squares, n=5)
    assert CALLS == [5]


def test_a_value_that_is_asked_for_at_the_same_time_is_computed_once():
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(cache.cached, squares, n=3, wait=0.3) for _ in range(3)]
    assert [entry.result()["squares"].sum() for entry in asked] == [5] * 3 and CALLS == [3]


def test_replacing_gives_a_whole_folder_or_nothing(tmp_path):
    new = tmp_path / "new"
    with cache.replacing(new / "folder") as temporary:
        temporary.mkdir()
        (temporary / "inside").write_text("whole")
        assert not (new / "folder").exists()
    with pytest.raises(RuntimeError), cache.replacing(new / "other") as temporary:
        temporary.mkdir()
        raise RuntimeError
    assert [p.relative_to(new) for p in new.rglob("*")] == [Path("folder"), Path("folder/inside")]


# --- the digest of code

#: A package, and of each module whether `pkg.a` reaches it.
PACKAGE = {
    "__init__": (False, "name = 1\n"),
    "a": (True, "from . import b\nfrom pkg.n import Net\ndef f():\n    from pkg.c.d import g\n"),
    "b": (True, "import numpy\n"),
    "c/__init__": (False, ""),
    "c/d": (True, "from ..h import i\ndef g(x):\n    return x + 1\n"),
    "e": (False, "from pkg import a, name\n"),
    "h": (True, "i = 1\n"),
    "n/__init__": (True, "from pkg.n.net import Net\n"),
    "n/net": (True, "class Net: ...\n"),
    "p": (False, "import pkg.c.d\n"),
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    for name, (_, text) in PACKAGE.items():
        path = tmp_path / "pkg" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return tmp_path / "pkg"


def changes(path, text, module):
    """Whether the digest of a module changes with the text of a file; the old text is put back."""

    def digest():
        for function in (code._source, code.code_digest):
            function.cache_clear()
        return cache.code_digest(module)

    before, old = digest(), path.read_text()
    path.write_text(text)
    changed = digest() != before
    path.write_text(old)
    return changed


def test_a_code_digest_follows_imports_however_indirect(package):
    for name, (reached, text) in PACKAGE.items():
        assert changes(package / f"{name}.py", f"{text}more = 1\n", "pkg.a") == reached, name
    # A name that is no module comes from the package itself; `import pkg.c.d` gives access to all three.
    assert changes(package / "__init__.py", "name = 2\n", "pkg.e")
    for name in ("__init__", "c/__init__", "c/d"):
        assert changes(package / f"{name}.py", "x = 1\n", "pkg.p"), name


def test_a_code_digest_is_of_the_code_and_not_of_its_text(package):
    imports = "from ..h import (\n  i,\n)\n"
    for text, changed in (
        ('"""Module."""\n# Why.\n{}def g(x):  # what\n    """Function."""\n\n    return x + 1\n', False),
        ("{}def g(x): return (x\n  +  1)\n", False),
        ("{}def g(x):\n    return x + 2\n", True),
        ("{}def g(x=1):\n    return x + 1\n", True),
        ("{}def g(x):\n    return 'x' + 1\n", True),
    ):
        assert changes(package / "c" / "d.py", text.format(imports), "pkg.a") == changed, text


def test_the_digest_of_a_chapter_is_of_what_it_imports(tmp_path):
    def digest(text):
        (tmp_path / "chapter.py").write_text(text)
        return cache.imports_digest(tmp_path / "chapter.py")

    geometry = digest("# %%\nfrom corrlib import geometry\n")
    assert digest("import os\n# %% [markdown]\n# Text.\nfrom corrlib.geometry import Crop\n") == geometry
    assert geometry != digest("from corrlib import flow\n") != digest("")
    assert digest("from corrlib import cache\n") == digest(""), "the cache keeps values and computes none"
    with pytest.raises(ValueError, match=r"chapter\.py, line 2.*correct"):
        digest("x = 1\nx x\n")


# --- what the cache holds, and what is removed

DIGITS = "0123456789abcdef"


@pytest.fixture
def filled(folder, monkeypatch):
    """A cache with an entry of each kind, by what it is."""
    made = {}

    def make(kind, path, content=b"12345"):
        made[kind] = folder / path
        made[kind].parent.mkdir(parents=True, exist_ok=True)
        made[kind].write_bytes(content)

    with monkeypatch.context() as patch:
        upgrade(patch)
        cache.cached(squares, n=3)
        (made["stale"],) = values(folder)
    cache.cached(squares, n=3)
    (made["current"],) = {*values(folder)} - {made["stale"]}
    make("of a function that is gone", f"corrlib.gone.compute/{DIGITS}-{DIGITS}.safetensors")
    make("of an earlier layout", f"corrlib.data.crops._features/{2 * DIGITS}.safetensors")
    make("of code that is not here", f"elsewhere.compute/{DIGITS}-{DIGITS}.safetensors")
    make("a dataset", f"corrlib.figurines.world/{DIGITS}-{DIGITS}/figurines.json")
    make("pretraining images", f"corrlib.figurines.pretraining/{DIGITS}-seed1-2x64.partial.npy")
    make("temporary", f"test_cache.squares/.{DIGITS}-{DIGITS}.safetensors.tmp")
    make("lock", f"test_cache.squares/{DIGITS}-{DIGITS[::-1]}.lock")
    make("a result", "results/alignment-figurines.json")
    make("another file of the user", f"corrlib.notes/{DIGITS}.txt")
    return made


STALE = {"stale", "of a function that is gone", "of an earlier layout", "a dataset", "pretraining images"}
STALE |= {"temporary", "lock"}


def absent(made):
    return {kind for kind, path in made.items() if not path.exists()}


def test_entries_are_listed_with_what_made_them(filled):
    entries = {path: entry for entry in contents.list_entries() for path in entry.paths}
    current, dataset = entries[filled["current"]], entries[filled["a dataset"].parent]
    assert (current.name, current.stale) == ("test_cache.squares", False)
    assert current.size == filled["current"].stat().st_size
    assert (dataset.name, dataset.size, dataset.stale) == ("corrlib.figurines.world", 5, True)
    shown = {kind for kind, path in filled.items() if {path, path.parent} & {*entries}}
    assert shown == {*STALE, "current", "of code that is not here"}


def test_pruning_removes_what_is_stale_or_left_and_nothing_else(filled):
    removed, kept = contents.prune_entries()
    assert absent(filled) == STALE and len(removed) == len(STALE) and not kept
    cache.cached(squares, n=3)
    assert CALLS == [3, 3], "the current entry has not been computed again"


def test_what_is_in_use_is_not_removed(filled):
    cache.hold(filled["a dataset"].parent)
    with filelock.FileLock(filled["stale"].with_suffix(".lock")):
        _, kept = contents.prune_entries()
    assert absent(filled) == STALE - {"stale", "a dataset"} and len(kept) == 2


def test_a_dataset_is_not_half_removed(filled, monkeypatch):
    monkeypatch.setattr("shutil.rmtree", lambda path: (_ for _ in ()).throw(OSError("killed")))
    contents.prune_entries()
    monkeypatch.undo()
    assert not filled["a dataset"].exists()
    assert (filled["a dataset"].parent.parent / f".{DIGITS}-{DIGITS}.tmp").is_dir()


@pytest.mark.filterwarnings("error::corrlib.cache.CorruptEntryWarning")
def test_pruning_does_not_disturb_readers(monkeypatch):
    kept = cache.cached(squares, n=1000)["squares"]
    removed, versions = [], itertools.cycle(["0.1", "0.2"])
    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(lambda: cache.cached(squares, n=7)["squares"].sum()) for _ in range(2000)]
        while not readers[-1].done():
            upgrade(monkeypatch, next(versions))
            removed += contents.prune_entries()[0]
    assert {reader.result() for reader in readers} == {91} and len(removed) >= 20
    np.testing.assert_array_equal(kept, np.arange(1000) ** 2)


def test_the_table_says_what_is_there(filled, capsys):
    contents.main()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    (row,) = [row for row in rows if row[0] == "test_cache.squares"]
    assert row == ["test_cache.squares", "4", "0.0", "MB", "0", "s", "51%"]
    assert rows[0][:2] == ["function", "entries"] and rows[-1][3] == "9"
