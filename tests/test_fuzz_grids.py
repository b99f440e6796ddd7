"""Parameters and grids of any text: values of the declared types, or our own error; soon, and few."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corrlib.publishing import chapters
from corrlib.publishing.sweep import grid
from faults import NUMBERS, attempt, bounded, damaged, fuzzed

words = st.text(max_size=9) | st.sampled_from(["Nose", "0", "1", " cat ", "&z;"])
KNOWN = {
    "k": (int, 5),
    "alpha": (float, 0.1),
    "layer": (str, "conv4"),
    "dense": (bool, False),
    "beta": (float | None, None),
    "layers": (list[str], ["conv3"]),
    "betas": (list[float], [0.1]),
    "weights": (str | None, None),
}
CHECKS = {
    "k": lambda v: type(v) is int,
    "alpha": lambda v: type(v) is float and np.isfinite(v),
    "layer": lambda v: type(v) is str,
    "dense": lambda v: type(v) is bool,
    "beta": lambda v: v is None or (type(v) is float and np.isfinite(v)),
    "layers": lambda v: type(v) is list and all(type(i) is str for i in v),
    "betas": lambda v: type(v) is list and all(type(i) is float and np.isfinite(i) for i in v),
    "weights": lambda v: v is None or type(v) is str,
}
names = st.sampled_from(sorted(KNOWN)) | words
spelled = st.sampled_from([n for n in NUMBERS if n is not None]) | words
spelled |= st.sampled_from(
    ["True", "none", "null", "~", "1e999999", "0:1:0.1", "1e-400", "--", "a;b;c", ",", "\ud800"]
)
ranges = st.tuples(spelled, spelled, spelled).map(":".join)
ranges |= st.tuples(*[st.decimals().map(str) | st.floats().map(str) | st.integers().map(str)] * 3).map(
    ":".join
)
items = st.lists(spelled | ranges, max_size=4).map(",".join) | ranges
values = (
    items
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.lists(items | st.integers(), max_size=3)
)


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "small.py"
    lines = [
        f"{name}: {getattr(h, '__name__', h) if not hasattr(h, '__args__') else h} = {v!r}"
        for name, (h, v) in KNOWN.items()
    ]
    path.write_text('# %% tags=["parameters"]\n' + "\n".join(lines) + "\n")
    assert chapters.parameters(path) == KNOWN
    return path


@fuzzed
@given(given_=st.dictionaries(names, values, max_size=3))
def test_parameters(chapter, given_):
    found = attempt(lambda: chapters.typed(given_, chapter, known=KNOWN), names="parameter")
    assert found is None or (set(found) == set(given_) and all(CHECKS[k](v) for k, v in found.items()))


@fuzzed
@given(given_=st.dictionaries(names, items | st.lists(items | st.none(), max_size=3), max_size=3))
def test_grids(chapter, given_):
    found = attempt(grid.points, chapter, given_)
    check_points(found, given_)


def check_points(found, given_):
    if found:
        assert len(found) <= grid.MOST and all(set(point) == set(given_) for point in found)
        assert all(CHECKS[k](v) for point in found for k, v in point.items())
        called = [grid.name(point) for point in found]
        assert len(set(called)) == len(called) == len({repr(point) for point in found})
        assert all(len(name.encode()) < 200 and "/" not in name and name[0] != "." for name in called)


yamls = st.recursive(
    spelled
    | ranges
    | st.sampled_from(["*a", "&a [x, y]", "!!python/object:os.system", "? x", "<<: *a", "|", "#"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda found: f"[{', '.join(found)}]"),
    max_leaves=5,
)
files = (
    st.lists(st.tuples(names, yamls).map(": ".join), max_size=3)
    .map("\n".join)
    .map(lambda t: t.encode(errors="replace"))
)


@fuzzed
@given(
    content=files
    | damaged(b"alpha: [0.05, 0.1:0.2:0.1]\nlayers: [[conv1, conv2], conv3]\nbeta: [null, 1e-4]\n")
)
def test_grids_in_yaml(tmp_path, chapter, content):
    path = tmp_path / "grid.yml"
    path.write_bytes(content)
    read = attempt(grid.read_yaml, path, names=path)
    if read:
        check_points(attempt(grid.points, chapter, read), read)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{n}: &{n} [{', '.join([f'*{p}'] * 9)}]\n" for p, n in zip("abcdefghi", "bcdefghij", strict=False)
)


@pytest.mark.parametrize("text", [BOMB, "[" * 10**5, "alpha: " + "[" * 10**4, "? [a]\n: b"])
def test_hostile_yaml(tmp_path, text):
    (tmp_path / "grid.yml").write_text(text)
    with bounded(), pytest.raises(ValueError, match=r"grid\.yml: expected a line such as"):
        grid.read_yaml(tmp_path / "grid.yml")


@pytest.mark.parametrize(
    "text",
    ["0:1e999999:1", "0:1e9999999:1e-9999999", "1e400:2e400:1e400", "0:1:1e-301", "1e999999999999999999:1:1"],
)
def test_ranges_that_no_float_has(chapter, text):
    with bounded(), pytest.raises(ValueError, match="parameter alpha: "):
        grid.points(chapter, {"alpha": text})
