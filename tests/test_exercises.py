"""The commands that pages show can be typed, and exercises have a question, a command and a folded answer."""

import ast
import re
import shlex

import pytest

from conftest import ROOT
from corrlib.publishing import chapters, cli, scoreboard
from corrlib.publishing.sweep import grid


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


def commands(text):
    """Every command line that begins with corrlib: in fences, continued lines joined, and in backticks."""
    fences = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    lines = [re.sub(r"\s+#.*", "", line) for line in fences.splitlines()]
    inline = re.findall(r"(?<!`)`(corrlib (?:run|sweep) [^`]+)`(?!`)", text)
    found = [re.sub(r"\s+", " ", line).strip() for line in [*lines, *inline]]
    return [line for line in found if line.startswith("corrlib ") and not re.search("--help|<", line)]


def test_commands_that_pages_show_can_be_typed(monkeypatch):
    monkeypatch.chdir(ROOT)
    texts = [*map(prose, ROOT.glob("book/*.py")), (ROOT / "README.md").read_text()]
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
