"""The command line answers, teaches and refuses; the commands of the README run as printed."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from corrlib.publishing import cli

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% tags=["parameters"]
layer: str = "conv5"

# %%
print("layer is", layer)
"""
COMMANDS = ("run", "sweep", "collect", "book", "download", "reproduce", "figurines", "train")


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "visualization.py").write_text(CHAPTER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outputs(path):
    return "".join(o.text for c in nbformat.read(path, as_version=4).cells for o in c.get("outputs", []))


def readme_commands(pattern):
    """Return the lines of the README's shell blocks that match, without their comments."""
    blocks = re.findall(r"```(?:bash|sh)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if re.match(pattern, line)]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_by_examples(command, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    examples = [line.strip() for line in text.splitlines() if line.startswith(f"  corrlib {command}")]
    assert examples
    for example in examples:
        assert cli._parser().parse_args(shlex.split(example)[1:])


def test_the_list_of_commands_is_whole(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    listed = re.findall(r"^    (\w+)\s", capsys.readouterr().out, re.MULTILINE)
    assert listed == list(COMMANDS)


def test_run_executes_a_chapter_as_the_readme_prints_it(project, capsys):
    (line, *_) = readme_commands("corrlib run visualization -p layer=conv3")
    assert cli.main(shlex.split(line)[1:]) == 0
    assert outputs(project / "out.ipynb") == "layer is conv3\n"


def test_the_raw_pipeline_runs_as_the_readme_prints_it(project):
    (line,) = readme_commands("jupytext .* papermill")
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["bash", "-o", "pipefail", "-c", line], check=True, env=here, capture_output=True)
    assert outputs(project / "out.ipynb") == "layer is conv3\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("run visualization -p laier=conv3 -o out.ipynb", "no parameter 'laier', did you mean 'layer'?"),
        ("run visualization -p layer -o out.ipynb", "-p takes NAME=VALUE, got 'layer'"),
        ("run alignment -o out.ipynb", "no chapter at book/alignment.py; chapters in book/: visualization"),
        ("figurines --out book", "book exists and is not empty"),
    ],
)
def test_a_mistake_is_told_in_one_line_and_writes_nothing(project, capsys, arguments, message):
    before = sorted(project.rglob("*"))
    assert cli.main(arguments.split()) == 1
    said = capsys.readouterr().err
    assert said.startswith("corrlib: error: ") and message in said and said.count("\n") == 1
    assert sorted(project.rglob("*")) == before


def test_a_failing_chapter_gives_status_1_and_its_traceback(project, capsys):
    chapter = project / "book" / "visualization.py"
    chapter.write_text(CHAPTER + "\n# %%\n1 / 0\n")
    assert cli.main(["run", "visualization", "-o", "out.ipynb"]) == 1
    said = capsys.readouterr().err
    assert "chapter visualization failed in its cell 3" in said and "ZeroDivisionError" in said
    assert not (project / "out.ipynb").exists()


def test_run_draws_the_world_before_a_chapter_that_reads_it(project, monkeypatch):
    asked = []
    monkeypatch.setattr("corrlib.data.open_dataset", asked.append)
    chapter = project / "book" / "visualization.py"
    chapter.write_text(CHAPTER.replace("layer: str", "data_root: str | None = None\nlayer: str"))
    assert cli.main(["run", "visualization", "-p", "data_root=there", "-o", "out.ipynb"]) == 0
    assert asked == ["there"]


def test_run_draws_the_world_before_a_chapter_that_reads_no_other(project, monkeypatch):
    asked = []
    monkeypatch.setattr("corrlib.data.open_dataset", asked.append)
    (project / "book" / "visualization.py").write_text(CHAPTER + "\n# %%\nif False:\n    open_dataset()\n")
    assert cli.main(["run", "visualization", "-o", "out.ipynb"]) == 0
    assert asked == [None]


def test_figurines_writes_a_world_that_the_reader_reads(tmp_path, capsys):
    from corrlib.data import open_dataset

    out = tmp_path / "world"
    assert cli.main(["figurines", "--out", str(out), "--train", "1", "--val", "1", "--seed", "5"]) == 0
    world = open_dataset(out)
    assert world.name == "figurines"
    assert len(world.image_ids("train")) == len(world.image_ids("val")) == 20


def test_train_hands_over_its_images_its_seed_and_its_own_command(tmp_path, monkeypatch, capsys):
    from corrlib.figurines import pretraining, training

    calls = {}

    def render(folder, *, per_category, seed):
        return (f"images of {seed}", per_category)

    def train(*data, categories, command, epochs, seed):
        calls.update(data=data, categories=categories, command=command, epochs=epochs, seed=seed)
        return {"accuracy": "0.9000"}

    monkeypatch.setattr(pretraining, "labelled_images", render)
    monkeypatch.setattr(training, "train", train)
    out = tmp_path / "net.safetensors"
    assert cli.main(["train", "--out", str(out), "--images", "3", "--held-out", "2", "--epochs", "4"]) == 0
    learn, held_out = pretraining.TRAIN_SEED, pretraining.HELD_OUT_SEED
    assert learn != held_out
    assert calls["data"] == (f"images of {learn}", 3, f"images of {held_out}", 2, out)
    assert len(calls["categories"]) == 20 and (calls["epochs"], calls["seed"]) == (4, 0)
    assert cli._parser().parse_args(shlex.split(calls["command"])[1:]).images == 3
    assert "90.0%" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong", ["--out net.pth", "--out n.safetensors --epochs 0", "--out n.safetensors --images 0"]
)
def test_train_refuses_what_would_waste_its_hours(wrong, capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", *wrong.split()])
    assert "expected" in capsys.readouterr().err


@pytest.mark.skipif(
    not shutil.which("corrlib", path=Path(sys.executable).parent), reason="corrlib is not installed"
)
def test_the_console_script_is_the_command_line():
    script = Path(sys.executable).parent / "corrlib"
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"corrlib \d+\.\d+\.\d+\n", done.stdout)
