"""Tables of an executed chapter as files to download: what a reader sees, as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from corrlib.publishing import chapters
from corrlib.publishing.book import captions
from corrlib.publishing.book.alternatives import filled

#: Folder of the files, beside the pages of the book.
FOLDER = "downloads"
_TABLE = re.compile(
    r"(?ms)^(?P<fence>`{3,}|:{3,})\{table\} (?P<caption>[^\n]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$"
)
_SOURCED = re.compile(rf"(.*?) *\[([^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]\{{\.{captions.CLASS}\}} *")
_NAME = re.compile(r"(?m)^:name: *(\S+)")
_CONTENT = re.compile(r"\{glue:md\} *(\S+)")
# `[text]{.class}` and `[text](address)`, where the text may have brackets itself; `{role}`text``.
_SPAN = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\](?:\{[^}]*\}|\([^)]*\))")
_ROLE = re.compile(r"\{[\w:]+\}`([^`]*)`")
_NUMBER = r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_ESTIMATE = re.compile(rf"({_NUMBER})(?: \[({_NUMBER}), ({_NUMBER})\])?")


@dataclass(frozen=True)
class Table:
    """A table as it is shown, in plain text.

    Attributes
    ----------
    name
        Its label.
    caption, source
        What its caption says, and where it says that the table is from.
    columns, rows
        Heads and cells: numbers where all of a column are, None where a cell is empty. A column of numbers
        with intervals is three.
    """

    name: str
    caption: str
    source: str
    columns: Sequence[str]
    rows: Sequence[Sequence[float | str | None]]


def add_downloads(notebook: nbformat.NotebookNode, page: str, folder: Path) -> None:
    """Write each table of a chapter to `folder`, and put links to its files below it, in place.

    Captions say where they are from already (`captions.add_provenance`). A book that is printed has no links.

    Parameters
    ----------
    page
        Name of the chapter, with which the files' names begin.
    folder
        That of the page; files are put into its `FOLDER`.
    """
    glued = chapters.glued(notebook)

    def linked(match: re.Match) -> str:
        found = read(match, glued)
        if found is None:
            return match[0]
        links = []
        for kind, text in (("CSV", as_csv(found)), ("JSON", as_json(found))):
            path = Path(FOLDER, f"{page}-{found.name}.{kind.lower()}")
            (folder / FOLDER).mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
            links.append(f"{{download}}`{kind} <{path.as_posix()}>`")
        fence = match["fence"]
        line = f"[This table as {' and '.join(links)}]{{.downloads}}"
        return f"{match[0]}\n\n{fence}{{only}} not singlehtml\n{line}\n{fence}\n"

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _TABLE.sub(linked, cell.source)


def read(match: re.Match, glued: Mapping[str, Mapping[str, Any]]) -> Table | None:
    """Read a ``{table}`` directive that `_TABLE` matches; None if it has no name or no table within."""
    name, content = _NAME.search(match["body"]), _CONTENT.search(match["body"])
    text = _text(glued.get(content[1], {}).get("text/markdown", "")) if content else match["body"]
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    if name is None or len(lines) < 2:
        return None
    head, _, *body = (
        [_plain(cell, glued) for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines
    )
    sourced = _SOURCED.fullmatch(match["caption"])
    caption, source = sourced.groups() if sourced else (match["caption"], "")
    columns, rows = _typed(head, body)
    return Table(name[1], _plain(caption, glued), _plain(source, glued), columns, rows)


def as_csv(table: Table) -> str:
    """A row a line; each ends with where it is from, so that no number leaves the book without its tier."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*table.columns, "source"])
    writer.writerows([*row, table.source] for row in table.rows)
    return text.getvalue()


def as_json(table: Table) -> str:
    """The same as lists, with the caption."""
    return json.dumps(vars(table), indent=1, ensure_ascii=False) + "\n"


def _typed(head: Sequence[str], body: Sequence[Sequence[str]]) -> tuple[list[str], list[list]]:
    """Columns whose cells are numbers, with or without intervals, as numbers; the others as they are."""
    columns: list[str] = []
    parts: list[list] = []
    for name, cells in zip(head, zip(*body, strict=True) if body else [()] * len(head), strict=True):
        # A comma in a number divides thousands.
        found = [_ESTIMATE.fullmatch(re.sub(r"(?<=\d),(?=\d{3}\b)", "", cell)) for cell in cells]
        if not any(found) or any(cell and not one for cell, one in zip(cells, found, strict=True)):
            columns.append(name)
            parts.append([cell or None for cell in cells])
            continue
        names = [name, f"{name} lower", f"{name} upper"]
        wide = 3 if any(one and one[2] for one in found) else 1
        columns += names[:wide]
        parts += [[_number(one[n + 1]) if one else None for one in found] for n in range(wide)]
    return columns, [list(row) for row in zip(*parts, strict=True)]


def _number(text: str | None) -> float | int | None:
    if text is None:
        return None
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)


def _plain(text: str, glued: Mapping[str, Mapping[str, Any]]) -> str:
    """A piece of Markdown as plain text, glued values in their places."""
    text = filled(text, glued).replace("<br>[", " [").replace("<br>", "; ")
    text = _ROLE.sub(r"\1", _SPAN.sub(r"\1", text)).replace("**", "").replace("`", "").replace("\\|", "|")
    text = re.sub(r"(?<!\w)\*(\S(?:[^*]*\S)?)\*", r"\1", text)
    for odd, plain in (("\u00a0", " "), ("\u2212", "-"), ("\u2011", "-")):
        text = text.replace(odd, plain)
    return text.strip()


def _text(data: str | Sequence[str]) -> str:
    return "".join(data)
