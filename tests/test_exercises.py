"""What the pages tell a reader to type can be typed, and exercises have what they promise."""

import re
import shlex

import jupytext
import pytest

from conftest import ROOT
from corrlib.publishing import chapters, cli
from corrlib.publishing.sweep import grid

PAGES = sorted(ROOT.glob("book/*.py"))
#: Chapters with the paper's experiments.
EXPERIMENTS = ("visualization", "alignment", "classification", "prediction")


def prose(path):
    return "\n\n".join(c.source for c in jupytext.read(path).cells if c.cell_type == "markdown")


def commands(text):
    """Every command line that begins with corrlib: in fences, those that go on joined, and in backticks."""
    fences = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    lines = [re.sub(r"\s+#.*", "", line) for line in fences.splitlines()]
    inline = re.findall(r"(?<!`)`(corrlib (?:run|sweep) [^`]+)`(?!`)", text)
    found = [re.sub(r"\s+", " ", line).strip() for line in [*lines, *inline]]
    return [line for line in found if line.startswith("corrlib ")]


COMMANDS = [(page.stem, line) for page in PAGES for line in commands(prose(page))]
COMMANDS += [("README", line) for line in commands((ROOT / "README.md").read_text())]


def test_commands_are_found_in_fences_and_in_backticks():
    text = "```bash\ncorrlib run a \\\n    -p k=1 -o x.ipynb    # why\nmake\n```\n"
    text += "and `corrlib sweep b -p\n  l=1,2 --out r`, `k`"
    assert commands(text) == ["corrlib run a -p k=1 -o x.ipynb", "corrlib sweep b -p l=1,2 --out r"]
    assert len(COMMANDS) > 20


@pytest.mark.parametrize(
    "line", [pytest.param(line, id=f"{where}: {line[8:60]}") for where, line in COMMANDS]
)
def test_a_command_that_a_page_shows_is_one(line, monkeypatch):
    monkeypatch.chdir(ROOT)
    args = cli._parser().parse_args(shlex.split(line)[1:])
    if not hasattr(args, "chapter"):
        return
    chapter = chapters.find(args.chapter)
    values = cli._named(args.parameter)
    if args.call is cli._run:
        chapters.typed(values, chapter)
    elif not args.grid:
        assert grid.points(chapter, values)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_ends_with_exercises_and_folded_answers(name):
    text = prose(ROOT / "book" / f"{name}.py")
    heading, _, exercises = text.partition("\n## Exercises\n")
    assert heading and "\n## " not in exercises, "the last section"
    boxes = re.findall(r":::\{admonition\} ([^\n]+)\n:class: (\w+)\n(.*?)\n:::", exercises, re.DOTALL)
    assert [kind for _, kind, _ in boxes] == ["tip", "dropdown"] * 4
    asked, answers = boxes[::2], boxes[1::2]
    assert [int(title.split(".")[0]) for title, _, _ in asked] == [1, 2, 3, 4]
    for title, _, body in asked:
        assert "To think about" in title or len(commands(body)) == 1, title
        assert "?" in body or "Look" in body, "something to look for"
        assert all(line.split()[2] == name for line in commands(body)), "of this chapter"
    # Numbers of results are glued; what is typed has no decimals.
    assert not [body for _, _, body in answers if re.search(r"\d\.\d", body)]
    assert sum("{glue:text}" in body for _, _, body in answers) >= 2
