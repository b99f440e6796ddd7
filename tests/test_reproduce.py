"""The paper's whole experiment on a data set as small as it can be: killed, resumed, and not done twice."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import jupytext
import numpy as np
import pytest

import narrow
from corrlib import cache, convnet
from corrlib.data import VOC, crops, open_dataset
from corrlib.data.voc import PASCAL
from corrlib.publishing import book, cli, reproduce, scoreboard
from corrlib.publishing.reproduce import cost, times

ROOT = Path(__file__).resolve().parents[1]
PATCHES = 300
CATEGORIES = ("ant", "bee")
# What a chapter leaves behind, in a few lines instead of its own.
STUB = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% tags=["parameters"]
PARAMETERS
# %%
import json
from corrlib import store, tables
origin = dict(tier="photos", data="d", weights="w", parameters=dict(k=5, alpha=0.1), code="c", seconds=1.0)
values = json.loads('''VALUES''')
cache.write_result(tables.results() / "CHAPTER-photos.json", values, provenance=origin)
"""
# Parameters of the stubs that would take their time.
FEWER = ("betas: list[float] = [4e-4]", "radii: list[float] = [20.0]", 'layers: list[str] = ["conv4"]')
DETAIL = {"5": {"detail": {"difference": [0.2, 0.1, 0.3]}}}
VALUES = {
    "visualization": {name: DETAIL for name in ("conv3", "conv4", "conv5")} | {"table 1": {"conv1": [11, 4]}},
    "alignment": {
        "alphas": [0.1],
        "pck": {"conv4 flow": {"cat": 0.25}},
        "means": {"conv4 flow": [[0.25, 0.2, 0.3]]},
        "claims": {},
    },
    "classification": {"categories": ["cat"], "table": {"conv4": [50.0]}, "means": {}, "claims": {}},
    "prediction": {"alphas": [0.1], "pck": {}, "means": {}, "claims": {}},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Noise in the layout of photographs: two categories of three images in train and two in val."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    voc = root / "VOCdevkit" / "VOC2011"
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (voc / folder).mkdir(parents=True)
    lists = {"train": [], "val": []}
    for number in range(5 * len(CATEGORIES)):
        name, category = f"2011_{number:06d}", CATEGORIES[number // 5]
        lists["train" if number % 5 < 3 else "val"].append(name)
        small = rng.integers(0, 256, (12, 13, 3), dtype=np.uint8)
        image = cv2.resize(small, (250, 240), interpolation=cv2.INTER_CUBIC)
        assert cv2.imwrite(str(voc / "JPEGImages" / f"{name}.jpg"), image)
        points = "".join(
            f'<keypoint name="{key}" visible="1" x="{x}" y="{y}" z="0"/>'
            for key, (x, y) in zip(("Head", "L_Leg", "R_Leg"), rng.integers(40, 200, (3, 2)), strict=True)
        )
        (root / "annotations" / category).mkdir(parents=True, exist_ok=True)
        (root / "annotations" / category / f"{name}_1.xml").write_text(
            f'<annotation><visible_bounds xmin="20" ymin="20" width="200" height="190"/>'
            f"<keypoints>{points}</keypoints></annotation>"
        )
    for split, names in lists.items():
        (voc / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names) + "\n")
    return root


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A narrow CaffeNet with random weights, without fc7."""
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    convnet.save(path, "caffenet", narrow.parameters(), narrow.preprocessing(0.02), {})
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The chapters with their own parameters, but little else."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "book" / "published", root / "book" / "published")
    (root / "results").mkdir()
    for path in (ROOT / "results").glob("photos-*.json"):
        shutil.copy(path, root / "results")
    shutil.copy(ROOT / "constraints.txt", root)
    for chapter in scoreboard.CHAPTERS:
        cells = jupytext.read(ROOT / "book" / f"{chapter}.py").cells
        (own,) = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
        for line in FEWER:
            own = re.sub(rf"^{re.escape(line.partition('=')[0])}= .*", line, own, flags=re.MULTILINE)
        stub = STUB.replace("PARAMETERS", own).replace("VALUES", json.dumps(VALUES[chapter]))
        (root / "book" / f"{chapter}.py").write_text(stub.replace("CHAPTER", chapter))
    return root


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entries(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("corrlib.*/*.safetensors")}


def wait_for(ready, running):
    deadline = time.monotonic() + 300
    while not ready():
        assert time.monotonic() < deadline and running.poll() is None
        time.sleep(0.01)


def test_killed_anywhere_it_goes_on_and_does_nothing_twice(
    project, data, weights, folder, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    arguments = ["reproduce", "--data", str(data), "--weights", str(weights), "--out", str(out)]
    arguments += ["--patches", str(PATCHES)]
    command = [
        sys.executable,
        "-c",
        "from corrlib.publishing.cli import main; raise SystemExit(main())",
        *arguments,
    ]
    known = {}
    # In the middle of the flows, and of the chapters.
    moments = [
        lambda: len(list(folder.glob("*._align/*.safetensors"))) > 4,
        lambda: (out / "visualization.ipynb").is_file(),
    ]
    for ready in moments:
        running = subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL, start_new_session=True)
        wait_for(ready, running)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        found = entries(folder)
        assert found.items() >= known.items(), "what was computed was computed again"
        assert len(found) >= len(known)
        known = found
    assert len(known) > 30 and not (out / "scoreboard.md").exists()
    notebook = (out / "visualization.ipynb").stat().st_mtime_ns

    monkeypatch.chdir(project)
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert "visualization: unchanged" in said and "book/prediction: executing" in said
    assert said.endswith(f"{out / 'scoreboard.md'}\n")
    assert (out / "visualization.ipynb").stat().st_mtime_ns == notebook
    found = entries(folder)
    assert found.items() >= known.items()

    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert said.count(": unchanged\n") == 4 and "executing" not in said
    assert entries(folder) == found

    numbers = json.loads((out / "scoreboard.json").read_text())["numbers"]
    ours = {(n["table"], n["name"], n["of"]): n["difference"].get("photos") for n in numbers}
    assert ours[1, "conv1", "stride"] == 0
    assert ours[2, "conv4 flow", "cat"] == pytest.approx(25 - 19.6)
    assert ours[3, "conv4", "cat"] == -5 and ours[4, "SIFT", "cat"] is None
    text = (out / "scoreboard.md").read_text()
    assert "**holds**<br>conv3: +0.20" in text.replace("\u00a0", " ") and "photos (recorded)" in text
    with (out / "stages.csv").open(newline="") as file:
        logged = list(csv.DictReader(file))
    assert {row["chapter"] for row in logged} == set(scoreboard.CHAPTERS)
    assert all(float(row["seconds"]) >= 0 and int(row["peak_memory_bytes"]) > 10**8 for row in logged)

    # The estimate was of what is there now, but for small files; the side studies did not run here.
    network = convnet.load(weights)
    world = VOC(data)
    images, patches = cost.database(world, network, PATCHES)
    given = reproduce.parameters(world, network, data, weights, images)
    every = {name: reproduce.whole(project, name, own) for name, own in given.items()}
    assert 0 < cost.kept(world) <= sum(path.stat().st_size for path in found)
    estimated = cost.estimate(world, network, every, patches).disk
    size = {}  # by function
    for path in found:
        part = path.parent.name.rpartition(".")[2]
        size[part] = size.get(part, 0) + path.stat().st_size
    responses = 4 * (2 * 5 * 3) * (29 * 29 + 57 * 57)  # instances, keypoints, the two grids
    assert responses < size["_train"] + size["_score"] < 1.3 * responses
    assert responses < estimated["prediction: responses"] < 5 * responses
    assert estimated["alignment: features"] == (2 * 6 + 128) * 169 * 10
    assert size["_features"] == pytest.approx(estimated["alignment: features"], rel=0.1)
    # Of two categories: two kinds of features for two instances of val and three of train (one beta); the
    # side studies would be eighteen more, of two instances each.
    per = 3 * (2 * 169 + 16 * 3 + 40)
    assert estimated["alignment: flows"] == 2 * per * (2 * 2 + 2 * 3 + 18 * 2)
    assert size["_align"] == pytest.approx(2 * per * (2 * 2 + 2 * 3), rel=0.5)  # headers; a neighbour fewer


def test_the_paper_s_scale_is_what_chapters_are_given(data, weights):
    network, world = convnet.load(weights), VOC(data)
    units = int(np.prod(network.output_shape((240, 250), "conv5")))
    wanted = (100, units, units + 1, reproduce.PATCHES)
    found = [cost.database(world, network, patches) for patches in wanted]
    every = len(world.image_ids("train"))
    assert found == [(1, units), (1, units), (2, 2 * units), (every, every * units)]
    given = reproduce.parameters(world, network, data, weights, 7)
    assert set(given) == set(scoreboard.CHAPTERS) and given["visualization"]["database_images"] == 7
    assert given["alignment"]["retrieval_layer"] == "pool5", "the network has no fc7"
    assert "retrieval_layer" not in given["prediction"]
    wanted = {"shown": "ant", "localised": 2, "chosen": 2, "others": 1}
    assert given["classification"].items() >= wanted.items()
    for name, own in given.items():
        every = reproduce.whole(ROOT, name, own)
        assert every["data_root"] == str(data) and every.get("category", "") == ""
        assert every.get("neighbors", 25) == 25 and every.get("C", 1e-6) == 1e-6
    assert len(reproduce.whole(ROOT, "classification", {})["layers"]) == 5
    assert len(reproduce.whole(ROOT, "classification", {})["radii"]) == 5


def test_objects_that_are_left_out_make_another_run(data, weights):
    network, asked = convnet.load(weights), dict(difficult=False, truncated=True)
    every, fewer = VOC(data), open_dataset(data, **asked)
    assert every.digest != fewer.digest
    given = [reproduce.parameters(world, network, data, weights, 7) for world in (every, fewer)]
    for name in scoreboard.CHAPTERS:
        chapter, whole = ROOT / "book" / f"{name}.py", reproduce.whole(ROOT, name, given[1][name])
        assert asked.items() <= whole.items(), "the chapter has these parameters and opens the data with them"
        assert "open_dataset(data_root, difficult=difficult, truncated=truncated)" in chapter.read_text()
        digests = {book.chapter_digest(ROOT, chapter, own[name], reads_data=True) for own in given}
        assert len(digests) == 2, "the book and the sweeps execute it again"


def test_what_is_missing_is_told_before_anything_starts(
    project, data, weights, folder, tmp_path, monkeypatch
):
    broken = tmp_path / "data"
    shutil.copytree(data, broken)
    how = dict(out=tmp_path / "out", say=print, patches=PATCHES)
    with pytest.raises(FileNotFoundError, match="no such weights"):
        reproduce.reproduce(project, data, tmp_path / "none.caffemodel", **how)
    with pytest.raises(ValueError, match=r"no chapter at .*visualization\.py: run this in the project"):
        reproduce.reproduce(tmp_path, data, weights, **how)
    (broken / "VOCdevkit/VOC2011/JPEGImages/2011_000003.jpg").unlink()
    with pytest.raises(ValueError, match=r"lacks 1 of 10 images .*2011_000003\.jpg"):
        reproduce.reproduce(project, broken, weights, **how)
    crops.visible.cache_clear()
    for number in (8, 9):
        (broken / f"annotations/bee/2011_00000{number}_1.xml").unlink()
    with pytest.raises(ValueError, match="no object with a visible keypoint of bee in val"):
        reproduce.reproduce(project, broken, weights, **how)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**6, 10**6, 1000))
    with pytest.raises(ValueError, match=r"needs about .* GB more and has 0\.0: free some space"):
        reproduce.reproduce(project, data, weights, **how)
    assert entries(folder) == {}


def test_two_runs_into_one_folder_refuse_each_other(project, data, weights, folder, tmp_path):
    import filelock

    (tmp_path / "out").mkdir()
    with (
        filelock.FileLock(tmp_path / "out" / ".lock"),
        pytest.raises(ValueError, match="another run is at work"),
    ):
        reproduce.reproduce(project, data, weights, tmp_path / "out", patches=PATCHES)


def test_time_is_that_of_a_recorded_run_in_proportion(tmp_path):
    about = dict(tier="photos", weights="w", parameters={}, code="c", seconds=1.0)
    flows = dict(chapter="alignment", stage="flows", unit="instances", count=10)
    rows = [flows | dict(processor_seconds=36.0, device_share=0.0, peak_memory_bytes=80)]
    rows.append(rows[0] | dict(chapter="a", stage="b", unit="c", count=1, processor_seconds=3600.0))
    rows[1]["device_share"] = 0.75
    cache.write_result(
        tmp_path / "stages.json", {"stages": rows, "memory_bytes_estimated": 30}, provenance=about
    )
    known = times.recorded(tmp_path / "stages.json")
    work = [
        reproduce.Stage("alignment", "flows", "instances", [(400, print), (600, print)]),
        reproduce.Stage("a", "b", "c", [(2, print)]),
        reproduce.Stage("a", "else", "c", [(2, print)]),
    ]
    found = times.expected(work, known)
    assert times.overhead(known) == 50 and times.overhead(times.recorded(tmp_path / "none.json")) == 0
    assert [(e.seconds, e.device) for e in found] == [(pytest.approx(3600), 0), (7200, 5400), (None, 0)]
    lines = times.told(found)
    assert lines[0].startswith("3.0 processor hours") and "1.5 on two busy cores" in lines[0]
    assert lines[1].startswith("1.5 processor hours even if a GPU took no time")
    assert lines[2:4] == ["  1.00 h  alignment, flows: 1,000 instances", "  2.00 h  a, b: 2 c"]
    assert lines[4].split() == ["?", "a,", "else:", "2", "c", "(not", "recorded)"]
    unknown = times.expected(work, times.recorded(tmp_path / "none.json"))
    assert {e.seconds for e in unknown} == {None} and times.told(unknown)[0].startswith("0.0 processor hours")


def test_a_killed_run_s_steps_are_summed_with_those_of_the_next(tmp_path):
    stage = reproduce.Stage("alignment", "flows", "instances", [(4, print), (6, print)])
    log = tmp_path / "stages.csv"
    log.touch()  # as a kill may leave it
    for step, seconds, used, memory in [(0, 2.0, 1.0, 50), (0, 0.5, 0.25, 40), (1, 3.0, 2.0, 60)]:
        times.log(log, stage, step, seconds, used, memory)
    (row,) = times.summed(log)
    assert row == dict(
        chapter="alignment", stage="flows", unit="instances", count=10,
        seconds=5.5, processor_seconds=3.25, peak_memory_bytes=60,
    )  # fmt: skip


def test_a_rehearsal_has_the_layout_of_voc_and_a_genuine_caffemodel(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "ci")
    import rehearse

    assert sum(rehearse.SHARES.values()) == 1000 and set(rehearse.SHARES) == set(PASCAL)
    monkeypatch.setattr(rehearse, "SHARES", {"cat": 700, "bus": 300})
    monkeypatch.setattr("joblib.cpu_count", lambda: 1)
    root, weights = tmp_path / "data", tmp_path / "random.caffemodel"
    rehearse.write_data(root, 20, 10, size=64)
    data = VOC(root)
    assert data.name != "figurines" and not (root / "truth").exists(), "as of photographs, nothing is known"
    lists = {s: data.image_ids(s) for s in ("train", "val")}
    assert {s: len(names) for s, names in lists.items()} == {"train": 20, "val": 10}
    assert sum(name.startswith("2011_" + "07") for name in lists["val"]) == 7, "cats are most"
    objects = [i.image_id for s in lists for c in data.categories for i in data.instances(c, s)]
    assert set(objects) <= set(lists["train"][:7] + lists["train"][14:17] + lists["val"]), "ten are bare"
    assert {data.image(name).shape[:2] for names in lists.values() for name in names}

    widths = dict(conv1=6, conv2=8, conv3=6, conv4=8, conv5=4, fc6=5, fc7=7, fc8=3)
    rehearse.write_caffemodel(weights, widths)
    network = convnet.load(weights)
    assert network.architecture.name == "caffenet"
    assert {name: network.channels(name) for name in widths} == widths
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (227, 227, 3), dtype=np.uint8)
    spread = [network.features(image, name).std() for name in ("conv1", "conv5")]
    assert 0.01 < spread[1] / spread[0] < 100, "activations neither die nor explode"
