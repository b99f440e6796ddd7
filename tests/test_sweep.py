"""Sweeps: grids, tables and pages; and points that fail, workers and clients that are killed, one by one."""

import base64
import contextlib
import csv
import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import dask
import filelock
import nbformat
import numpy as np
import psutil
import pytest
from distributed import LocalCluster
from joblib import cpu_count

from corrlib.publishing import cli
from corrlib.publishing.sweep import engine, grid, page, runs
from test_project import script

#: Its heavy work is `toys.align`, in the cache; what it does wrong depends on `mode`.
CHAPTER = r"""# %% tags=["parameters"]
layer: str = "conv4"
alpha: float = 0.1
mode: str = ""
k: int = 5
beta: float | None = None
layers: list[str] = ["conv3", "conv4"]

# %%
import multiprocessing, os, signal, sys, time
from pathlib import Path
from IPython.display import display
sys.path.insert(0, os.getcwd())
import toys
from corrlib import cache

def show(kind, **about):
    display({"text/plain": kind}, raw=True, metadata={"corrlib": {"kind": kind, **about}})

with open("started.txt", "a") as file:
    file.write(f"{layer} {alpha} {mode} {os.getppid()}\n")
errors = cache.cached(toys.align, layer=layer)["errors"]
if mode == "poison" or (mode == "victim" and not Path(mode).exists()):
    Path(mode).touch()
    os.kill(multiprocessing.parent_process().pid, signal.SIGKILL)  # the worker whose kernel this is
    time.sleep(60)
if mode == "slow":
    time.sleep(60)

# %%
if mode == "fails":
    print("so far, so good")
    1 / 0
show("setup", dataset="toys", network="none")
show("numbers", numbers={"score": float((errors < alpha).mean())})
show("numbers", numbers={"threads": int(os.environ["OMP_NUM_THREADS"])})

# %% [markdown]
# ## Exercises

# %%
1 / 0
"""
TOYS = '''"""The heavy work of the chapter."""
import numpy as np

def align(layer):
    with open("aligned.txt", "a") as file:
        file.write(layer + "\\n")
    return {"errors": np.linspace(0, 0.2 + 0.05 * int(layer[-1]), 200)}
'''
LAYERS = [f"conv{n}" for n in range(1, 6)]


def make_project(root):
    (root / "book").mkdir()
    (root / "book" / "toy.py").write_text(CHAPTER)
    (root / "toys.py").write_text(TOYS)
    return root


def start(root, *arguments):
    """Start ``corrlib sweep toy`` in a project, in a process group of its own as a terminal would."""
    program = "import sys; from corrlib.publishing.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "sweep", "toy", *arguments, "--out", "runs", "--workers", "2"]
    pipes = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # Whoever runs the tests in the background may ignore Ctrl-C, and its children would.
    heard = dict(preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL))
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    environment["CORRLIB_CACHE"] = str(root / "cache")
    return subprocess.Popen(command, cwd=root, env=environment, start_new_session=True, **heard, **pipes)


def table(folder):
    return json.loads((folder / "results.json").read_text())


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(make_project(tmp_path))
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CORRLIB_RESULTS", "")  # which a worker in this process sets
    return tmp_path


def grid_of(project, **values):
    return grid.points(project / "book" / "toy.py", values)


def test_values_ranges_and_lists(project):
    for name, text, values in (
        ("alpha", "0.01:0.2:0.01", [k / 100 for k in range(1, 21)]),  # the nearest floats: no dust
        ("alpha", "0.3:0.1:-0.1", [0.3, 0.2, 0.1]),
        ("alpha", "0:1:0.4", [0.0, 0.4, 0.8]),
        ("alpha", "1e-4:3e-4:1e-4,1", [1e-4, 2e-4, 3e-4, 1.0]),
        ("alpha", "0.1,0.1,1e-1", [0.1]),
        ("k", "10:30:10", [10, 20, 30]),
        ("beta", "none,0.1:0.2:0.1", [None, 0.1, 0.2]),
        ("layer", "a:b:c", ["a:b:c"]),  # no number: no range
        ("layers", "conv1,conv2;conv3", [["conv1", "conv2"], ["conv3"]]),
    ):
        found = [point[name] for point in grid_of(project, **{name: text})]
        assert found == values and list(map(type, found)) == list(map(type, values)), text


def test_a_mistake_is_one_line_and_nothing_starts(project, capsys):
    (project / "grid.yml").write_text("layer: []\n")
    (project / "twice.yml").write_text("k: [1]\nk: [2]\n")
    before = sorted(project.rglob("*"))
    for arguments, message in (
        ("-p alhpa=0.1", "no parameter 'alhpa', did you mean 'alpha'?"),
        ("-p alpha=0.1,high", "parameter alpha of chapter toy must be float, got 'high'"),
        ("-p k=1:2:0.5", "parameter k of chapter toy must be int, got '1.5'"),
        ("", "nothing to sweep"),
        ("-p alpha=", "must be float"),
        ("-p layer=conv1,,conv2", "an empty value in 'conv1,,conv2'"),
        ("-p alpha=0.1:0.2", "expected a range first:last:step"),
        ("-p alpha=0.2:0.1:0.1", "the step leads nowhere"),
        ("-p alpha=0:1:0", "the step leads nowhere"),
        ("-p alpha=0:nan:1", "the step leads nowhere"),
        ("-p alpha=0:1:1e-9", "at most 10,000 are possible"),
        ("-p alpha=0:1:0.001 -p k=1:100:1", "a grid of 100,100 points"),
        ("--grid grid.yml", "parameter layer has no values: the grid is empty"),
        ("--grid book/toy.py", "expected a line such as"),
        ("--grid twice.yml", "twice.yml gives a parameter twice: k, k"),
        ("--grid nowhere.yml", "nowhere.yml"),
        ("-p alpha=0.1 --out book/runs", "among the files that chapters read"),
    ):
        assert cli.main(["sweep", "toy", "--out", "runs", *arguments.split()]) == 1
        said = capsys.readouterr().err
        assert said.startswith("corrlib: error: ") and message in said and said.count("\n") == 1
        assert sorted(project.rglob("*")) == before


def test_a_table_of_somebody_elses_and_a_site_that_forbids_dask_are_named(project, capsys):
    (project / "mine").mkdir()
    (project / "mine" / "results.csv").write_text("a,b\n")
    assert cli.main(["sweep", "toy", "--out", "mine", "-p", "alpha=0.1"]) == 1
    assert "mine/results.csv is not a sweep's" in capsys.readouterr().err
    assert (project / "mine" / "results.csv").read_text() == "a,b\n"
    with dask.config.set({"distributed.comm.require-encryption": True}):
        assert cli.main(["sweep", "toy", "--out", "runs", "-p", "alpha=0.1"]) == 1
    assert re.search("error: dask cannot start: TLS expects .*; see its conf", capsys.readouterr().err)


def test_yaml_is_read_as_the_command_line_is(project):
    # 1:10:3 is 4203 to YAML, and 1e-4 a text.
    lists = "k: [1:10:3, 20]\nbeta: [null, 1e-4]\nlayers: [[a, b]]\n"
    (project / "grid.yml").write_text("layer: [conv1, conv2]\nalpha: 0.1:0.2:0.1\n" + lists)
    points = grid_of(project, **grid.read_yaml(project / "grid.yml"))
    assert len(points) == 2 * 2 * 5 * 2
    assert {p["k"] for p in points} == {1, 4, 7, 10, 20} and {p["beta"] for p in points} == {None, 1e-4}
    assert points[0] | {"k": 0} == dict(layer="conv1", alpha=0.1, k=0, beta=None, layers=["a", "b"])


def test_names_are_readable_and_differ_where_points_do():
    assert grid.name({"layer": "conv1", "alpha": 0.025}) == "layer=conv1,alpha=0.025"
    assert grid.name({"C": 1e-6, "layers": ["conv1", "conv2"]}) == "C=1e-06,layers=conv1+conv2"
    strange = ["a/b", "a b", "a:b", "../b", "x" * 300, "x" * 301, "ä\n"]
    names = [grid.name({"data_root": text}) for text in strange]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[\w.,=+-]{1,140}", name) and Path(name).name == name for name in names)
    near = [grid.name({"alpha": a}) for a in (0.1, 0.1 + 1e-12)]
    assert near[0] != near[1]


def notebook(path, numbers, parameters=None, error=None, figures=(), dataset="figurines", **about):
    """Write a notebook as papermill leaves it."""
    shown = [dict(kind="setup", dataset=dataset), dict(kind="numbers", numbers=numbers)]
    shown += [dict(kind="figure", name=name, alt=alt) for name, alt in figures]
    png = {"image/png": base64.b64encode(cv2.imencode(".png", np.zeros((9, 900, 3)))[1]).decode()}
    outputs = [nbformat.v4.new_output("display_data", png, metadata={"corrlib": each}) for each in shown]
    if error:
        colours = [f"\x1b[31m{line}\x1b[0m" for line in error]
        outputs.append(nbformat.v4.new_output("error", ename="ValueError", evalue="x", traceback=colours))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("work()", outputs=outputs)])
    whole = dict(input_path="book/toy.py", duration=2.5, end_time="later", exception=bool(error))
    book.metadata["papermill"] = whole | {"parameters": parameters or {}} | about
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)


def test_collect_reads_what_others_have_executed(tmp_path, capsys):
    notebook(tmp_path / "k10.ipynb", {"n": 3, "score": [24.9, 23.1, 26.8]}, {"k": 10})
    notebook(tmp_path / "sub" / "k9.ipynb", {"score": 0.2}, {"k": 9})
    notebook(tmp_path / "k2.ipynb", {}, {"k": 2}, error=["Traceback, in colour", "ValueError: x"])
    notebook(tmp_path / "k3.ipynb", {}, {"k": 3}, end_time=None)
    (tmp_path / "k1.ipynb").write_text("{")
    (tmp_path / "k0.ipynb").symlink_to("nowhere")
    notebook(tmp_path / "k11.ipynb", {"score": float("nan")}, {"k": 11, "beta": float("nan")})
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "template.ipynb")
    notebook(tmp_path / ".ipynb_checkpoints" / "k4.ipynb", {}, {"k": 4})
    with filelock.FileLock(tmp_path / ".lock"), pytest.raises(runs.SweepError, match="another sweep"):
        runs.collect(tmp_path)
    assert cli.main(["collect", str(tmp_path)]) == 0
    found = {row["notebook"]: row for row in table(tmp_path)}
    states = dict(k0="failed", k1="failed", k10="done", k11="done", k2="failed", k3="unfinished")
    states["sub/k9"] = "done"
    assert {name.removesuffix(".ipynb"): row["status"] for name, row in found.items()} == states
    assert found["k11.ipynb"]["score"] == found["k11.ipynb"]["beta"] == "NaN"
    assert found["k2.ipynb"]["error"] == "Traceback, in colour\nValueError: x"
    assert all(found[f"k{n}.ipynb"]["error"].startswith("this is no notebook") for n in (0, 1))
    expected = {"seconds": 2.5, "n": 3, "score": 24.9, "score-low": 23.1, "score-high": 26.8, "k": 10}
    assert expected.items() <= found["k10.ipynb"].items()
    with open(tmp_path / "results.csv", newline="") as file:
        read = list(csv.DictReader(file))
    assert read == [{k: "" if v is None else str(v) for k, v in row.items()} for row in found.values()]
    assert cli.main(["collect", str(tmp_path / "none")]) == 1
    assert "no notebooks" in capsys.readouterr().err


def test_the_page_is_whole_by_itself_and_no_text_of_a_chapter_is_markup(tmp_path):
    attack, figures = "</script><img src=//elsewhere>", [("plot", "It rises.")]
    notebook(tmp_path / "a.ipynb", {"score": 0.25}, {"alpha": 0.1, "layer": attack}, None, figures, attack)
    notebook(tmp_path / "b.ipynb", {"score": 0.5}, {"alpha": 0.2, "layer": "conv1"}, None, figures)
    notebook(tmp_path / "c.ipynb", {}, {"alpha": 0.3, "layer": "conv1"}, error=[attack])
    runs.collect(tmp_path)
    text = (tmp_path / "results.html").read_text()
    found = script("check_html").Page(text)
    assert found.loads and all(source.startswith("data:image/") for source in found.loads)
    assert not found.links
    first = re.search(r"(?s)<script[^>]*>(.*?)</script>", text)[1]
    data = json.loads(first)
    assert [s["name"] for s in data["sliders"]] == ["alpha", "layer"]
    assert [p["place"] for p in data["points"]] == [[0, 0], [1, 1], [2, 1]]
    assert data["points"][2]["error"] == attack and data["points"][1]["numbers"]["score"] == "0.5"
    assert len(data["images"]) == 1, "the same figure is kept once"
    assert [[f["alt"] for f in p["figures"]] for p in data["points"]] == [["It rises."], ["It rises."], []]


def test_the_figure_has_the_score_against_the_longest_numeric_parameter():
    def row(layer, alpha):
        numbers = {"n": alpha, "score": 100 * alpha, "score-low": alpha, "score-high": 200 * alpha}
        parameters = {"layer": layer, "alpha": alpha, "k": 1}
        about = {"dataset": "toys"}
        return dict(status="done", chapter="alignment", parameters=parameters, numbers=numbers, about=about)

    some = [row(layer, alpha) for layer in LAYERS for alpha in (0.2, 0.05, 0.1)]
    drawn, about = page.figure(some)
    axes = drawn.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("alpha", f"{page.SCORES['alignment']}\n(toys)")
    assert about.startswith(
        "mean PCK of transferred keypoints, percent (toys) against alpha, a line for each"
    )
    assert [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"] == [0.05, 0.1]
    named = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    assert {*LAYERS, "paper's value"} == set(named)
    np.testing.assert_allclose(named["conv5"][0].get_ydata(), [5, 10, 20])
    np.testing.assert_allclose(named["conv3"][0].get_xdata(), [0.05, 0.1, 0.2])  # the middle one of five
    ends = np.array([[segment[0, 0] for segment in named[name][2][0].get_segments()] for name in LAYERS])
    assert (np.diff(ends, axis=0) > 0.001).all(), "the intervals are beside each other"
    by_layer, _ = page.figure([one for one in some if one["parameters"]["alpha"] == 0.1])
    assert [t.get_text() for t in by_layer.axes[0].get_xticklabels()] == LAYERS
    assert page.figure(some[:1]) is None and page.figure([]) is None


@pytest.fixture(scope="module")
def fifteen(tmp_path_factory):
    """Fifteen points over five layers, executed once; and what was seen while they were."""
    root = make_project(tmp_path_factory.mktemp("sweep"))
    arguments = ["-p", "layer=" + ",".join(LAYERS), "-p", "alpha=0.025,0.05,0.1"]
    process = start(root, *arguments)
    wait_for(lambda: lines(root / "started.txt"))  # a scheduler, its workers and their kernels are there
    with contextlib.chdir(root), pytest.raises(runs.SweepError, match="another sweep is at work in runs"):
        runs.sweep(Path("book", "toy.py"), {"layer": "conv1"}, Path("runs"))
    everyone = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    sockets = [c for p in everyone if p.is_running() for c in p.net_connections() if c.status == "LISTEN"]
    out, err = process.communicate(timeout=120)
    assert len(sockets) > 2 and {c.laddr.ip for c in sockets} == {"127.0.0.1"}, "nothing but loopback"
    head, _, *listed, page_path = out.splitlines()
    assert (process.returncode, err, head) == (0, "", "| layer | alpha | status | seconds | score |")
    assert (len(listed), page_path) == (15, "runs/results.html")
    return root, arguments


def test_fifteen_points_over_five_layers_cost_five_alignments(fifteen):
    root, folder = fifteen[0], fifteen[0] / "runs"
    assert sorted(lines(root / "aligned.txt")) == LAYERS
    assert len(list((root / "cache" / "toys.align").glob("*.safetensors"))) == 5
    assert len(lines(root / "started.txt")) == 15
    found, points = table(folder), [(layer, alpha) for layer in LAYERS for alpha in (0.025, 0.05, 0.1)]
    assert [(r["layer"], r["alpha"]) for r in found] == points, "in the order of the grid"
    for number in range(0, 15, 3):  # the first of a group has ended before the others start
        paths = [folder / row["notebook"] for row in found[number : number + 3]]
        first, *others = (nbformat.read(path, 4).metadata.papermill for path in paths)
        assert all(other.start_time >= first.end_time for other in others)
    assert all(r["status"] == "done" and r["seconds"] > 0 and r["dataset"] == "toys" for r in found)
    assert {r["threads"] for r in found} == {max(1, cpu_count() // 2)}, "workers share the cores"
    # An independent count: errors are 200 numbers from 0 to 0.2 + 0.05 n, evenly.
    for r in found:
        top = 0.2 + 0.05 * int(r["layer"][-1])
        assert r["score"] == sum(top * i / 199 < r["alpha"] for i in range(200)) / 200
    notebooks = {f"layer={layer},alpha={alpha}.ipynb" for layer, alpha in points}
    tables = {".lock", "results.csv", "results.json", "results.png", "results.html"}
    assert {p.name for p in folder.iterdir()} == notebooks | tables


def test_what_is_done_is_not_done_again_until_the_chapter_changes(fifteen, monkeypatch, capsys):
    root, again = fifteen
    monkeypatch.chdir(root)
    before = {p: p.stat().st_mtime_ns for p in (root / "runs").glob("*.ipynb")}
    (root / "runs" / ".starts").mkdir()  # of a client that was killed at its very end
    assert cli.main(["sweep", "toy", *again, "--out", "runs"]) == 0
    assert not (root / "runs" / ".starts").exists()
    assert {p: p.stat().st_mtime_ns for p in before} == before and len(lines(root / "started.txt")) == 15
    capsys.readouterr()
    more = ["-p", "layer=conv5,conv6", "-p", "alpha=0.1", "--out", "runs", "--dry-run"]
    assert cli.main(["sweep", "toy", *more]) == 0
    listed = "done    layer=conv5,alpha=0.1\nto run  layer=conv6,alpha=0.1\n2 points, 1 done\n"
    assert capsys.readouterr().out == listed
    (root / "book" / "toy.py").write_text(CHAPTER + "\n# %%\n2 + 2\n")
    assert cli.main(["sweep", "toy", *more]) == 0
    assert "2 points, 0 done" in capsys.readouterr().out


def test_points_that_fail_or_kill_their_worker_stop_no_others(tmp_path):
    root = make_project(tmp_path)
    process = start(root, "-p", "mode=poison,fails,victim,a,b", "-p", "layer=conv1")
    _, err = process.communicate(timeout=120)
    found = {row["mode"]: row for row in table(root / "runs")}
    states = dict(poison="failed", fails="failed", victim="done", a="done", b="done")
    assert process.returncode == 1 and {mode: row["status"] for mode, row in found.items()} == states
    error = found["fails"]["error"]
    assert re.search(r"toy\.py:\d+: ZeroDivisionError", error) and "1 / 0" in error and "\x1b" not in error
    assert "its worker died 3 times" in found["poison"]["error"]
    starts = [line.split()[2] for line in lines(root / "started.txt") if len(line.split()) == 4]
    assert (starts.count("poison"), starts.count("victim"), starts.count("fails")) == (3, 2, 1)
    # A line for each failure, one for all, and not a word from dask.
    said = sorted(err.splitlines())
    assert said[0] == "corrlib: error: 2 of 5 points failed: see runs/results.csv"
    assert said[1].endswith(": ZeroDivisionError: division by zero") and len(said) == 3


def test_an_interrupted_sweep_leaves_a_whole_table(tmp_path):  # it resumes: test_killed.py
    root = make_project(tmp_path)
    process = start(root, "-p", "mode=slow", "-p", "layer=conv1,conv2,conv3")
    wait_for(lambda: len(lines(root / "started.txt")) == 2)
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "corrlib: interrupted\n")
    assert [row["status"] for row in table(root / "runs")] == ["not run"] * 3
    assert not psutil.wait_procs(family, timeout=15)[1], "no worker and no kernel is left"


def test_another_cluster_can_be_used_if_its_workers_have_one_thread(project, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as a cluster's own workers have it, or not
    quiet = dict(processes=False, dashboard_address=None, n_workers=1, protocol="tcp", host="127.0.0.1")
    chapter = Path("book", "toy.py")
    several = pytest.raises(ValueError, match="has several threads")
    with LocalCluster(threads_per_worker=2, **quiet) as cluster, several:
        runs.sweep(chapter, {"layer": "conv1"}, Path("runs"), scheduler=cluster.scheduler_address)
    with LocalCluster(threads_per_worker=1, **quiet) as cluster:
        (row,) = runs.sweep(chapter, {"layer": "conv1"}, Path("runs"), scheduler=cluster.scheduler_address)
    assert row["status"] == "done"
    monkeypatch.setattr("corrlib.publishing.sweep.engine.PATIENCE", 0.2)
    with pytest.raises(OSError, match=re.escape("tcp://127.0.0.1:9")):
        runs.sweep(chapter, {"layer": "conv2"}, Path("runs"), scheduler="tcp://127.0.0.1:9")


def test_a_kernel_whose_port_was_taken_is_started_again_and_a_point_that_has_ended_is_not(
    project, monkeypatch
):
    calls = []

    def run(*given, digest, results, exercises):
        calls.append(digest)
        raise RuntimeError("Kernel died before replying to kernel_info" if len(calls) < 3 else "else")

    monkeypatch.setattr("corrlib.publishing.chapters.run", run)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    point, where = grid.Point("a", {}, "digest", False), dict.fromkeys(("root", "cache_dir"), project)
    for _ in range(2):  # dask asks again if a worker dies that has answers
        assert engine._execute(point, chapter=Path("toy.py"), folder=project, **where) == "RuntimeError: else"
    assert calls == ["digest"] * 3
