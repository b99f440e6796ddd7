"""The whole experiment on a dataset as small as it can be: killed, resumed, and not computed twice."""

import json
import re
import shutil
import subprocess
import sys
import time

import cv2
import filelock
import numpy as np
import pytest

import narrow
from conftest import ROOT
from corrlib import convnet
from corrlib.data import VOC, open_dataset
from corrlib.data.voc import PASCAL
from corrlib.publishing import chapters, cli, reproduce, results, scoreboard
from test_project import script
from test_voc import berkeley

PATCHES = 300
CATEGORIES = ("ant", "bee")
#: The heavy work of a chapter, and results, in a few lines instead of its own.
STUB = """\
# %% tags=["parameters"]
{parameters}
# %%
import json
from corrlib.experiments import {chapter} as experiment
from corrlib.experiments.classification.features import features
from corrlib.publishing import page
data, network, settings = page.setup(globals(), experiment.Settings)

# %%
{work}
page.save(json.loads('''{values}'''))
"""
WORK = {
    "visualization": "",
    "alignment": """\
betas, _ = experiment.validate(data, network, settings)
experiment.errors(data, network, settings, betas)""",
    "classification": """\
for each in [(c, split, f) for c in data.categories for split in ("train", "val") for f in settings.features]:
    features(data, network, *each[:2], feature=each[2], sampling=settings.sampling)""",
    "prediction": "experiment.errors(data, network, settings, dict.fromkeys(settings.features, 0.1))",
}
# Parameters that make them short.
FEWER = ("betas: list[float] = [4e-4]", "radii: list[float] = [20.0]", 'layers: list[str] = ["conv4"]')
DETAIL = {"detail-over-uniform": [["conv3", [0.2, 0.1, 0.3]]]}
PCK = {"pck": {"conv4 flow": {"cat": [0.25, 0.2, 0.3]}}, "means": {"conv4 flow": [[0.25, 0.2, 0.3]]}}
VALUES = {
    "visualization": {"rf": {"conv1": [11, 4]}, "claims": DETAIL},
    "alignment": {"alphas": [0.1], **PCK},
    "classification": {"accuracy": {"conv4": {"cat": [50.0, 40.0, 60.0]}}, "means": {}},
    "prediction": {"alphas": [0.1], "pck": {}, "means": {}},
}


def write_noise(root, categories=CATEGORIES):
    """Noise in the layout of photographs: two categories of three images in train and two in val."""
    rng, lists = np.random.default_rng(0), {"train": "", "val": ""}
    images, sets = (root / "VOCdevkit/VOC2011" / name for name in ("JPEGImages", "ImageSets/Main"))
    for folder in (images, sets):
        folder.mkdir(parents=True)
    for number in range(10):
        name = f"2011_{number:06d}"
        lists["train" if number % 5 < 3 else "val"] += f"{name}\n"
        small = rng.integers(0, 256, (12, 13, 3), dtype=np.uint8)
        cv2.imwrite(f"{images}/{name}.jpg", cv2.resize(small, (250, 240), interpolation=cv2.INTER_CUBIC))
        points = [(key, 1, *rng.integers(40, 200, 2)) for key in ("Head", "L_Leg", "R_Leg")]
        berkeley(root, categories[number // 5], f"{name}_1", bounds=(20, 20, 200, 190), points=points)
    for split, names in lists.items():
        (sets / f"{split}.txt").write_text(names)
    return root


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_noise(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A narrow CaffeNet with random weights, without fc7."""
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    convnet.save(path, "caffenet", narrow.parameters(), narrow.preprocessing(0.02), {})
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Chapters with the parameters of the book's, but little else."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "book" / "published", root / "book" / "published")
    shutil.copytree(ROOT / "results", root / "results")
    for chapter in scoreboard.CHAPTERS:
        own = chapters.parameters_cell(ROOT / "book" / f"{chapter}.py")
        for line in FEWER:
            own = re.sub(rf"^{re.escape(line.partition('=')[0])}= .*", line, own, flags=re.MULTILINE)
        parts = dict(parameters=own, work=WORK[chapter], values=json.dumps(VALUES[chapter]))
        (root / "book" / f"{chapter}.py").write_text(STUB.format(chapter=chapter, **parts))
    return root


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entries(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("corrlib.*/*.safetensors")}


def test_a_killed_run_resumes_and_computes_nothing_twice(
    project, data, weights, folder, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    arguments = ["reproduce", "--data", str(data), "--weights", str(weights), "--out", str(out)]
    arguments += ["--patches", str(PATCHES)]
    program = "from corrlib.publishing.cli import main; raise SystemExit(main())"
    running = subprocess.Popen([sys.executable, "-c", program, *arguments], cwd=project)
    while len(list(folder.glob("*._align/*.safetensors"))) < 5:  # in the middle of the flows
        assert running.poll() is None
        time.sleep(0.01)
    running.kill()
    running.wait()
    known, notebook = entries(folder), (out / "visualization.ipynb").stat().st_mtime_ns
    assert len(known) > 15 and not (out / "scoreboard.md").exists()

    monkeypatch.chdir(project)
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert "book/visualization: unchanged" in said and "book/prediction: executing" in said
    assert said.endswith(f"{out / 'scoreboard.md'}\n")
    assert (out / "visualization.ipynb").stat().st_mtime_ns == notebook
    found = entries(folder)
    assert found.items() >= known.items(), "what had been computed was computed again"

    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert said.count(": unchanged\n") == 4 and "executing" not in said
    assert "section 2: supported: " in said and "Table 2: differences of 2 numbers" in said
    assert entries(folder) == found

    numbers = json.loads((out / "scoreboard.json").read_text())["numbers"]
    ours = {(n["table"], n["name"], n["of"]): n["difference"].get("photos") for n in numbers}
    assert ours[1, "conv1", "stride"] == 0
    assert ours[2, "conv4 flow", "cat"] == pytest.approx(25 - 19.6)
    assert ours[3, "conv4", "cat"] == -5 and ours[4, "SIFT", "cat"] is None
    assert "voc2011 (recorded)" in (out / "scoreboard.md").read_text()
    planned = reproduce.plan(project, VOC(data), convnet.load(weights), PATCHES)
    stages = script("rehearse").stages(out, planned)
    assert [row["chapter"] for row in stages] == list(scoreboard.CHAPTERS)
    assert [row["count"] for row in stages] == [planned.patches, 4, 4, 4]
    assert all(row["processor_seconds"] > 0.5 and row["peak_memory_bytes"] > 10**8 for row in stages)

    # The estimate was of what is there now, but for small files; the side studies did not run here.
    estimated, size = reproduce.disk(planned), {}
    for path in found:
        function = path.parent.name.rpartition(".")[2]
        size[function] = size.get(function, 0) + path.stat().st_size
    assert estimated["prediction: scores"] == 4 * (2 * 5 * 3) * (30 * 30 + 60 * 60)  # objects, types, places
    assert size["_train"] + size["_score"] == pytest.approx(estimated["prediction: scores"], rel=0.3)
    assert estimated["alignment: features"] == (2 * 6 + 128) * 169 * 10
    assert size["_features"] == pytest.approx(estimated["alignment: features"], rel=0.1)
    described = estimated["classification: features at keypoints"]
    assert described < size["_columns"] + size["_sift"] < 1.6 * described  # each of these files has a header


def test_chapters_are_given_the_scale_of_the_paper(data, weights):
    network, dataset = convnet.load(weights), VOC(data)
    units, images = int(np.prod(network.output_shape((240, 250), "conv5"))), len(dataset.image_ids("train"))
    plans = [reproduce.plan(ROOT, dataset, network, n) for n in (100, units, units + 1, 10**6)]
    assert [p.patches for p in plans] == [units, units, 2 * units, images * units]
    assert [p.settings["visualization"].database_images for p in plans] == [1, 1, 2, images]
    settings, parameters = plans[-1].settings, plans[-1].parameters
    assert set(settings) == set(parameters) == set(scoreboard.CHAPTERS)
    assert all(settings[name].categories == CATEGORIES for name in scoreboard.CHAPTERS[1:])
    assert settings["alignment"].neighbors == 25
    assert settings["alignment"].retrieval_layer == "conv5 mean", "the network has no fc7"
    naming = settings["classification"]
    assert (naming.shown, naming.localised, naming.chosen, naming.others) == ("ant", 2, 2, 1)
    assert len(naming.layers) == len(naming.radii) == 5 and naming.C == 1e-6
    given = dict(data_root=str(data), weights=str(weights), difficult=False, truncated=True)
    fewer = reproduce.plan(ROOT, open_dataset(data, difficult=False), network, PATCHES)
    for name, own in fewer.parameters.items():
        assert given.items() <= own.items()
        assert set(own) <= set(chapters.parameters(ROOT / "book" / f"{name}.py"))


def test_mistakes_are_reported_before_anything_starts(project, data, weights, folder, tmp_path, monkeypatch):
    broken, out = tmp_path / "data", tmp_path / "out"
    shutil.copytree(data, broken)

    def refused(message, root=project, photographs=data, network=weights):
        with pytest.raises((ValueError, OSError), match=message):
            reproduce.reproduce(root, photographs, network, out)

    refused("no such weights", network=tmp_path / "none.caffemodel")
    refused(r"no chapter at .*visualization\.py: run this in the project", root=tmp_path)
    (broken / "VOCdevkit/VOC2011/JPEGImages/2011_000003.jpg").unlink()
    refused(r"lacks 1 of 10 images .*2011_000003", photographs=broken)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**6, 10**6, 1000))
    refused(r"needs about .* GB more and has 0\.0 GB: free some space")
    with filelock.FileLock(out / ".lock"):
        refused("another run is using")
    assert {path.parent.name for path in entries(folder)} == {"corrlib.data.voc._parsed"}, "annotations only"


def test_time_is_in_proportion_to_a_recorded_run():
    record = results.read(ROOT / reproduce.RECORDED)
    objects, patches = record["values"]["objects"].values(), record["provenance"]["parameters"]["patches"]
    for row in reproduce.hours(record, objects=3 * sum(objects), patches=2 * patches):
        factor = {"patches": 2, "images": 2, "trials": 1}.get(row["unit"], 3)
        assert row["hours"] == pytest.approx(factor * row["processor_seconds"] / 3600)


def test_a_rehearsal_has_the_layout_of_voc(tmp_path, monkeypatch):
    rehearse = script("rehearse")
    assert sum(rehearse.SHARES.values()) == 1000 and set(rehearse.SHARES) == set(PASCAL)
    monkeypatch.setattr(rehearse, "SHARES", {"cat": 700, "bus": 300})
    monkeypatch.setattr("joblib.cpu_count", lambda: 1)
    root, weights = tmp_path / "data", tmp_path / "random.caffemodel"
    rehearse.write_data(root, 20, size=64)
    dataset = VOC(root)
    assert dataset.name != "figurines" and not (root / "truth").exists(), "as of photographs"
    lists = {split: dataset.image_ids(split) for split in ("train", "val")}
    assert [len(names) for names in lists.values()] == [10, 10]
    assert sum(name.startswith("2011_" + "07") for name in lists["val"]) == 7, "cats are most"

    widths = dict(conv1=6, conv2=8, conv3=6, conv4=8, conv5=4, fc6=5, fc7=7, fc8=3)
    rehearse.write_caffemodel(weights, widths)
    network = convnet.load(weights)
    assert {name: network.channels(name) for name in widths} == widths
    image = np.random.default_rng(0).integers(0, 256, (227, 227, 3), dtype=np.uint8)
    first, last = (network.features(image, name).std() for name in ("conv1", "conv5"))
    assert 0.01 < last / first < 100, "activations neither vanish nor explode"
