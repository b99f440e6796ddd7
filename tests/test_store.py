"""The store: keys follow code and inputs, entries are whole or absent, damage is noticed, two compute one."""

import errno
import importlib
import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from corrlib import cache
from corrlib.cache.code import code_digest

CALLS = []


class Digested:
    def __init__(self, digest):
        self.digest = digest


def squares(n, scale=1.0, source=None):
    CALLS.append(n)
    return {"squares": scale * np.arange(n) ** 2, "odd": np.arange(n) % 2 == 1}


def echo(name):
    return ECHO[name]


ECHO = {}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "cache"))
    CALLS.clear()
    return tmp_path / "cache"


def entries(folder):
    return [p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"]


def test_computed_once_and_mapped_read_only():
    first, second = cache.cached(squares, n=5), cache.cached(squares, n=5)
    assert CALLS == [5]
    for entry in (first, second):
        np.testing.assert_array_equal(entry["squares"], [0, 1, 4, 9, 16])
        np.testing.assert_array_equal(entry["odd"], [False, True, False, True, False])
        assert entry["odd"].dtype == bool
        assert not entry["squares"].flags.writeable
        base = entry["squares"]
        while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
            base = base.base
        assert isinstance(base, np.memmap)


def test_entries_may_be_read_by_whoever_may_read_new_files(tmp_path):
    cache.cached(squares, n=3)
    (tmp_path / "new").touch()
    assert [p.stat().st_mode for p in entries(tmp_path / "cache")] == [(tmp_path / "new").stat().st_mode]


def test_every_input_is_in_the_key():
    asked = [
        {"n": 5},
        {"n": 6},
        {"n": 5, "scale": 2.0},
        {"n": 5, "source": Digested("a")},
        {"n": 5, "source": "a"},
    ]
    asked += [{"n": 5, "source": Digested("b")}, {"n": 5, "source": ["a"]}, {"n": 5, "source": {"k": None}}]
    for _ in range(2):
        for inputs in asked:
            cache.cached(squares, **inputs)
    assert len(CALLS) == len(asked)
    cache.cached(squares, source=Digested("a"), n=5)  # the order of the inputs is not
    assert len(CALLS) == len(asked)


@pytest.mark.parametrize("value", [np.zeros(2), object(), float("nan"), {1: 2}, {"a": [object()]}])
def test_inputs_without_a_key_are_refused(value):
    with pytest.raises(TypeError, match=r"source=\.\.\.\).*has no key"):
        cache.cached(squares, n=5, source=value)
    assert not CALLS


def test_functions_without_a_source_are_refused():
    with pytest.raises(TypeError, match="move it to the top level of a module"):
        cache.cached(lambda: {})


@given(
    array=hnp.arrays(
        st.sampled_from(["f2", "f4", ">f8", "i8", "u1", "?"]), hnp.array_shapes(min_dims=0, min_side=0)
    )
)
def test_arrays_come_back_as_they_were(array):
    ECHO["it"] = {"x": array, "transposed": array.T, "second": np.arange(3)}
    try:
        entry = cache.cached(echo, name="it")
        for name, expected in ECHO["it"].items():
            assert entry[name].dtype == expected.dtype.newbyteorder("=")
            np.testing.assert_array_equal(entry[name], expected)
    finally:
        for path in entries(cache.cache_dir()):
            path.unlink()


@pytest.mark.parametrize(
    "arrays", [[1, 2], {"x": [1, 2]}, {"x": np.array(["text"])}, {"x": np.zeros(2, complex)}]
)
def test_only_arrays_of_numbers_are_kept(arrays, folder):
    ECHO["it"] = arrays
    with pytest.raises(TypeError, match="dictionary of numeric arrays"):
        cache.cached(echo, name="it")
    assert not entries(folder)


def damage_bit(data):
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


def damage_dtype(data):
    assert b'"F64"' in data
    return data.replace(b'"F64"', b'"I64"')


@pytest.mark.parametrize(
    "damage",
    [
        damage_bit,
        damage_dtype,
        lambda d: d[: len(d) // 2],
        lambda d: d[:5],
        lambda d: b"",
        lambda d: b"\xff" * 99,
    ],
    ids=["bit", "dtype", "half", "start", "empty", "foreign"],
)
def test_damaged_entries_are_computed_again_with_a_warning(folder, damage):
    cache.cached(squares, n=20)
    (path,) = entries(folder)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(cache.DamagedEntryWarning, match=f"(?s){path.name}.*damaged.*again"):
        entry = cache.cached(squares, n=20)
    np.testing.assert_array_equal(entry["squares"], np.arange(20) ** 2)
    assert CALLS == [20, 20]
    cache.cached(squares, n=20)
    assert CALLS == [20, 20]


def test_a_failed_computation_leaves_nothing(folder):
    with pytest.raises(KeyError, match="absent"):
        cache.cached(echo, name="absent")
    assert not entries(folder)


def full(arrays, path, metadata):
    path.write_bytes(b"half of it")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_full_disk_is_one_clear_error_and_nothing_stays(folder, monkeypatch):
    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(cache.StoreError, match="disk is full: free some space, or choose another folder"):
        cache.cached(squares, n=5)
    assert not entries(folder)


def test_unwritable_cache_is_one_clear_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "file"))
    with pytest.raises(cache.StoreError, match=r"check the folder and its permissions.*CORRLIB_CACHE"):
        cache.cached(squares, n=5)
    assert not CALLS


def test_two_processes_compute_once(tmp_path):
    (tmp_path / "slowly.py").write_text(
        textwrap.dedent("""
        import pathlib, time
        import numpy as np
        from corrlib import cache

        def compute(log):
            with open(log, "a") as f:
                f.write("computed ")
            time.sleep(0.5)
            return {"x": np.arange(3)}
    """)
    )
    ask = (
        f"import slowly; print(slowly.cache.cached(slowly.compute, log={str(tmp_path / 'log')!r})['x'].sum())"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", ask], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [p.communicate(timeout=60)[0] for p in processes] == ["3\n"] * 3
    assert (tmp_path / "log").read_text() == "computed "


def test_replacing_a_folder_and_a_file(tmp_path):
    with cache.replacing(tmp_path / "new" / "folder") as temporary:
        temporary.mkdir()
        (temporary / "inside").write_text("whole")
        assert not (tmp_path / "new" / "folder").exists()
    assert (tmp_path / "new" / "folder" / "inside").read_text() == "whole"
    with pytest.raises(RuntimeError), cache.replacing(tmp_path / "new" / "other") as temporary:
        temporary.mkdir()
        (temporary / "inside").write_text("half")
        raise RuntimeError
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["folder"]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package ``pkg``: a imports b (relative), c.d (inside of a function), not e."""
    files = {
        "__init__": "",
        "a": "from . import b\n\ndef f():\n    from pkg.c.d import g\n",
        "b": "import numpy\n",
    }
    files |= {
        "c/__init__": "",
        "c/d": "from ..h import i\n\ndef g(): ...\n",
        "e": "from pkg import a\n",
        "h": "i = 1\n",
    }
    for name, text in files.items():
        path = tmp_path / "pkg" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("pkg.a")

    yield tmp_path / "pkg"
    for name in [n for n in sys.modules if n.partition(".")[0] == "pkg"]:
        del sys.modules[name]


def test_code_digest_follows_imports_however_indirect(package):
    def digest():
        code_digest.cache_clear()
        return code_digest("pkg.a")

    original = digest()
    assert digest() == original
    for name, reached in {"a": 1, "b": 1, "c/__init__": 1, "c/d": 1, "h": 1, "__init__": 1, "e": 0}.items():
        path = package / f"{name}.py"
        text = path.read_text()
        path.write_text(text + "# changed\n")
        assert (digest() != original) == bool(reached), name
        path.write_text(text)
    assert digest() == original


def test_code_digest_of_an_unknown_module():
    with pytest.raises(ValueError, match=r"nowhere\.at_all.*import it"):
        code_digest("nowhere.at_all")


PROVENANCE = {
    "tier": "figurines",
    "weights": "0123",
    "parameters": {"k": np.int64(5)},
    "code": "4567",
    "seconds": 1.5,
}


def test_results_come_back(tmp_path):
    path = tmp_path / "results" / "chapter.json"
    values = {
        "score": np.float32(0.5),
        "interval": np.array([0.25, 0.75]),
        "layers": ("conv3",),
        "none": None,
    }
    cache.write_result(path, values, provenance=PROVENANCE)
    assert cache.read_result(path) == {
        "values": {"score": 0.5, "interval": [0.25, 0.75], "layers": ["conv3"], "none": None},
        "provenance": PROVENANCE,
    }
    assert [p.name for p in path.parent.iterdir()] == ["chapter.json"]


@pytest.mark.parametrize("values", [{"x": float("nan")}, {"x": np.array([1, np.inf])}, {"x": object()}])
def test_results_that_are_no_numbers_are_refused(tmp_path, values):
    path = tmp_path / "chapter.json"
    cache.write_result(path, {"x": 1}, provenance=PROVENANCE)
    with pytest.raises(ValueError, match=r"chapter\.json.*finite numbers"):
        cache.write_result(path, values, provenance=PROVENANCE)
    assert cache.read_result(path)["values"] == {"x": 1}  # the older one is still whole


def test_results_without_provenance_are_refused(tmp_path):
    with pytest.raises(ValueError, match="lacks weights, seconds"):
        cache.write_result(tmp_path / "r.json", {}, provenance={"tier": "", "parameters": {}, "code": ""})


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "{}", json.dumps({"values": {}, "provenance": {"tier": ""}})]
)
def test_damaged_results_name_the_file_and_the_cure(tmp_path, text):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(cache.StoreError, match=r"r\.json.*delete it"):
        cache.read_result(tmp_path / "r.json")
    with pytest.raises(cache.StoreError, match=r"absent\.json: run the chapter"):
        cache.read_result(tmp_path / "absent.json")
