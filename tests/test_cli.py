"""The command line: help, mistakes, results; commands of the README and of pages; exercises with answers."""

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from unittest import mock

import nbformat
import pytest

from conftest import ROOT
from corrlib.publishing import chapters, cli, scoreboard
from corrlib.publishing.sweep import grid

CHAPTER = """\
# %% tags=["parameters"]
layer: str = "conv5"  # to look at

# %%
print("layer is", layer)
"""
EMPTY = nbformat.v4.new_notebook(metadata={"papermill": {"duration": 0}})
README = (ROOT / "README.md").read_text()
COMMANDS = ("run", "sweep", "collect", "book", "download", "reproduce", "figurines", "train", "cache")


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "visualization.py").write_text(CHAPTER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prose(path):
    """The text of a chapter, with ``{}`` for each value in an f-string."""
    parts = []
    for cell in chapters.read(path).cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "page.text":
                text = node.args[0]
                pieces = text.values if isinstance(text, ast.JoinedStr) else [text]
                parts.append("".join(p.value if isinstance(p, ast.Constant) else "{}" for p in pieces))
    return "\n\n".join(parts)


def commands(text, start="corrlib "):
    """Every command line that begins so: in fences, continued lines joined, and in backticks."""
    fences = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    lines = [re.sub(r"\s+#.*", "", line) for line in fences.splitlines()]
    inline = re.findall(r"(?<!`)`(corrlib (?:run|sweep) [^`]+)`(?!`)", text)
    found = [re.sub(r"\s+", " ", line).strip() for line in [*lines, *inline]]
    return [line for line in found if line.startswith(start) and not re.search("--help|<", line)]


def test_the_help_lists_every_command_and_each_has_examples_that_can_be_parsed(capsys):
    def said(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.main([*arguments, "--help"])
        assert stop.value.code == 0
        return capsys.readouterr().out

    assert re.findall(r"^    (\w+)\s", said(), re.MULTILINE) == list(COMMANDS)
    for command in COMMANDS:
        lines = [line.strip() for line in said(command).splitlines()]
        examples = [line for line in lines if line.startswith(f"corrlib {command}")]
        assert examples and all(cli._parser().parse_args(shlex.split(line)[1:]) for line in examples)


def test_help_lists_the_chapters_and_the_parameters_of_one(project, capsys):
    lines = {"run --help": "chapters:\n  visualization\n"}
    lines["sweep visualization --help"] = 'parameters:\n  layer: str = "conv5"  # to look at\n'
    for line, listed in lines.items():
        with pytest.raises(SystemExit):
            cli.main(line.split())
        assert capsys.readouterr().out.endswith(listed)


def test_run_executes_a_chapter_as_the_readme_prints_it_and_says_what_it_found(project, capsys):
    (line, *_) = commands(README, "corrlib run ")
    words = shlex.split(line)[1:]
    args = cli._parser().parse_args(words)
    given = cli._named(args.parameter)
    text = '# %% tags=["parameters"]\n' + "".join(f'{name}: str = ""\n' for name in given)
    text += f"\n# %%\nprint({', '.join(given)})\nfrom corrlib.publishing import page\n"
    text += 'page.text("It is half. More of it.")\n'
    (project / "book" / f"{args.chapter}.py").write_text(text)
    assert cli.main(words) == 0
    assert " ".join(given.values()) in (project / args.out).read_text()
    said, on_terminal = capsys.readouterr()
    assert re.fullmatch(rf"{args.out}: executed in \d+ s\nIt is half\.\n", said)
    assert on_terminal == "", "no progress where there is no terminal"


def test_jupytext_and_papermill_run_as_the_readme_prints_them(project):
    header = "# ---\n# jupyter:\n#   kernelspec:\n#     language: python\n#     name: python3\n"
    header += "#     display_name: Python 3\n# ---\n\n"
    (project / "book" / "visualization.py").write_text(header + CHAPTER)
    lines = [commands(README, f"{tool} ")[0] for tool in ("jupytext", "papermill")]
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    asked = dict(check=True, env=here, stderr=subprocess.PIPE, text=True)
    said = subprocess.run(["bash", "-c", " && ".join(lines)], **asked).stderr
    assert f"layer is {lines[1].split()[-1]}\\n" in (project / "out.ipynb").read_text()
    warned = re.findall("(?i).*warning.*", said)
    assert all("over TCP without encryption" in line for line in warned), "what the README prepares for"


MISTAKES = {
    "run visualization -p laier=conv3 -o out.ipynb": "no parameter 'laier', did you mean 'layer'?",
    "run visualization -p layer -o out.ipynb": "-p takes NAME=VALUE, got 'layer'",
    "run visualization -p k=1 -p k=2 -o out.ipynb": "-p gives a parameter twice: k=1, k=2",
    "run alignment -o out.ipynb": "no chapter at book/alignment.py; chapters in book/: visualization",
    "run alignment --help": "no chapter at book/alignment.py; chapters in book/: visualization",
    "figurines --out book": "book exists and is not empty",
}


def test_a_wrong_number_of_cores_is_named(monkeypatch, capsys):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "zwei")
    assert cli.main(["cache"]) == 1
    assert "LOKY_MAX_CPU_COUNT is 'zwei'" in capsys.readouterr().err


def test_python_may_drop_docstrings_and_a_terminal_may_lack_signs(project):
    (project / "book" / "visualization.py").write_bytes(CHAPTER.replace("oo", "\u00f8").encode())
    program = "from corrlib.publishing.cli import main; main()"
    command = ["env", "PYTHONIOENCODING=ascii", sys.executable, "-OO", "-c", program]
    assert subprocess.check_output([*command, "run", "visualization", "-h"]).endswith(b"# to l?k at\n")


def test_mistakes_are_explained_in_one_line_and_nothing_is_written(project, capsys):
    before = sorted(project.rglob("*"))
    for arguments, message in MISTAKES.items():
        assert cli.main(arguments.split()) == 1
        said = capsys.readouterr().err
        assert said.startswith("corrlib: error: ") and message in said and said.count("\n") == 1
        assert sorted(project.rglob("*")) == before


def test_run_draws_the_figurines_before_a_chapter_that_reads_data(project, monkeypatch):
    opened, chapter = [], project / "book" / "visualization.py"
    monkeypatch.setattr("corrlib.data.open_dataset", opened.append)
    monkeypatch.setattr(chapters, "run", lambda chapter, out, values: EMPTY)
    texts = {'data_root: str = ""\n': "data_root=there", "# %%\nif False:\n    page.setup()\n": "layer=x"}
    for text, given in texts.items():
        chapter.write_text(CHAPTER.partition("\n# %%")[0] + text)
        assert cli.main(f"run visualization -p {given} -o out.ipynb".split()) == 0
    assert opened == ["there", None]


def test_cache_lists_what_the_cache_holds(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path))
    assert cli.main(["cache"]) == 0 and cli.main(["cache", "--prune"]) == 0
    assert capsys.readouterr().out.count(f"all in {tmp_path}") == 2


def test_train_passes_on_its_images_its_seed_and_its_command(tmp_path, monkeypatch, capsys):
    from corrlib.figurines import pretraining, training

    for wrong in ("--out net.pth", "--out n.safetensors --epochs 0", "--out n.safetensors --images 0"):
        with pytest.raises(SystemExit):
            cli.main(["train", *wrong.split()])
        assert "expected" in capsys.readouterr().err
    trained = mock.Mock(return_value={"accuracy": "0.9000"})
    monkeypatch.setattr(pretraining, "labelled_images", lambda _, *, per_category, seed: (seed, per_category))
    monkeypatch.setattr(training, "train", trained)
    out = tmp_path / "net.safetensors"
    assert cli.main(["train", "--out", str(out), "--images", "3", "--held-out", "2", "--epochs", "4"]) == 0
    data, options = trained.call_args
    assert pretraining.TRAIN_SEED != pretraining.HELD_OUT_SEED
    assert data == (pretraining.TRAIN_SEED, 3, pretraining.HELD_OUT_SEED, 2, out)
    assert len(options["categories"]) == 20 and (options["epochs"], options["seed"]) == (4, 0)
    assert cli._parser().parse_args(shlex.split(options["command"])[1:]).images == 3
    assert "90.0%" in capsys.readouterr().out


def test_the_console_script_is_the_command_line():
    script = Path(sys.executable).parent / "corrlib"
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"corrlib \d+\.\d+\.\d+\n", done.stdout)


def test_commands_that_pages_show_can_be_typed(monkeypatch):
    monkeypatch.chdir(ROOT)
    texts = [*map(prose, ROOT.glob("book/*.py")), README]
    found = commands("\n\n".join(texts))
    assert len(found) > 20
    for line in found:
        args = cli._parser().parse_args(shlex.split(line)[1:])
        if hasattr(args, "chapter"):
            chapter, values = chapters.find(args.chapter), cli._named(args.parameter)
            if args.call is cli._run:
                chapters.typed(values, chapter)
            elif not args.grid:
                assert grid.points(chapter, values), line


@pytest.mark.parametrize("name", scoreboard.CHAPTERS)
def test_every_experiment_ends_with_exercises_and_folded_answers(name):
    heading, _, exercises = prose(ROOT / "book" / f"{name}.py").partition("\n## Exercises\n")
    assert heading and "\n## " not in exercises, "the last section"
    _, *parts = re.split(r"(?m)^\*\*(\d)\. ([^*]+)\*\*", exercises)
    numbers, titles, bodies = parts[::3], parts[1::3], parts[2::3]
    assert numbers == ["1", "2", "3", "4"]
    answers = []
    for title, body in zip(titles, bodies, strict=True):
        question, answer = re.fullmatch(
            r"(?s)(.*)<details>\n<summary>[^<]+</summary>\n\n(.*)\n\n</details>\s*", body
        ).groups()
        assert "To think about" in title or len(commands(question)) == 1, title
        assert "?" in question or "Look" in question, "something to look for"
        assert all(line.split()[2] == name for line in commands(question)), "of this chapter"
        answers.append(answer)
    # Numbers of results are computed; what is typed has no decimals.
    assert not [answer for answer in answers if re.search(r"\d\.\d", answer)]
    assert sum("{}" in answer for answer in answers) >= 2
