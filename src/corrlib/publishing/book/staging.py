"""Executed chapters as pages: the outputs of their calls become numbered figures, tables and text."""

import base64
import copy
import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

from corrlib.publishing import chapters
from corrlib.publishing.format import escaped

#: The folder of the files of tables and figures, beside the pages of the book.
FILES = "files"
#: The pictures that pages show; those on white are for notebooks.
PICTURES = {"image/svg+xml": "svg", "image/webp": "webp"}
# Outputs under a name of this kind are not shown where they are, but by `{glue:figure}`.
_RECORD = "application/papermill.record/"
_FENCE = ":::::"


def staged(executed: nbformat.NotebookNode, name: str, folder: Path) -> nbformat.NotebookNode:
    """The page of the executed chapter ``name``, as input for Jupyter Book.

    Code is folded, or left out where all that it shows is text. After each code cell come the figures, tables
    and text that its `page` calls displayed. Pictures, and the rows of each table as CSV and JSON, are
    written below ``folder``.
    """
    page, cells = copy.deepcopy(executed), []
    for cell in page.cells:
        cells.append(cell)
        if cell.cell_type != "code":
            continue
        tags = cell.metadata.setdefault("tags", [])
        outputs = chapters.shown({"cells": [cell]})
        only_text = bool(outputs) and all(about["kind"] in ("text", "numbers") for about, _ in outputs)
        tags.append("remove-input" if only_text else "hide-input")
        blocks = [_block(*each, executed, name, folder) for each in outputs]
        cell.outputs = [output for output in cell.outputs if "corrlib" not in output.get("metadata", {})]
        if text := "\n\n".join(filter(None, blocks)):
            cells.append(_markdown(text, f"{cell.id}-shown"))
    page.cells = [*cells, _markdown(_cost(executed, name), "cost")]
    return page


def provenance(notebook: nbformat.NotebookNode, source: str) -> str:
    """The provenance of a figure or table: data, network, given parameters, commit, date and seconds."""
    datasets = [about["dataset"] for about, _ in chapters.shown(notebook) if about["kind"] == "setup"]
    if datasets and not source.startswith(datasets[0]):
        return source  # recorded elsewhere, on another dataset
    run = notebook.metadata["papermill"]
    given = [f"{key} = {str(value).rsplit('/', 1)[-1]}" for key, value in run["parameters"].items()]
    parts = [source, ", ".join(given) or "default parameters"]
    if commit := notebook.metadata.get("corrlib", {}).get("commit"):
        parts.append(f"commit {commit}")
    return "; ".join(filter(None, [*parts, run["start_time"][:10], f"{run['duration']:.0f} s"]))


def _block(
    about: Mapping[str, Any],
    output: nbformat.NotebookNode,
    executed: nbformat.NotebookNode,
    name: str,
    folder: Path,
) -> str:
    """The output of a `page` call as MyST; HTML becomes a record that the MyST shows."""
    if about["kind"] == "setup":
        return f"[{output['data']['text/markdown']}]{{.provenance}}"
    if about["kind"] == "text":
        return output["data"]["text/markdown"]
    if about["kind"] not in ("figure", "table"):
        return ""
    line, label = provenance(executed, about["source"]), f"{about['kind']}-{about['name']}"
    caption = f"{about['caption']} [{escaped(line)}]{{.provenance}}"

    def write(content: str | bytes, suffix: str) -> str:
        """Write a file of this output; return its path from the page."""
        file = Path(FILES, f"{Path(name).name}-{label}.{suffix}")
        path = (folder / name).parent / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return file.as_posix()

    if about["kind"] == "figure":
        kind = next((kind for kind in PICTURES if kind in output["data"]), None)
        if kind is None:
            output["data"] = {f"{_RECORD}{kind}": data for kind, data in output["data"].items()}
            output["metadata"] = {"scrapbook": {"name": label, "mime_prefix": _RECORD}}
            return f"{_FENCE}{{glue:figure}} {label}\n:name: {label}\n\n{caption}\n{_FENCE}"
        data = output["data"][kind]
        file = write(data if kind == "image/svg+xml" else base64.b64decode(data), PICTURES[kind])
        alt = f":alt: {json.dumps(about['alt'], ensure_ascii=False)}"
        return f"{_FENCE}{{figure}} {file}\n:name: {label}\n{alt}\n\n{caption}\n{_FENCE}"
    columns, rows = _flat(about)
    content = {"name": label, "caption": about["caption"], "source": line, "columns": columns, "rows": rows}
    # Each row ends with its source, so that no number leaves the book without the name of its dataset.
    writer = csv.writer(sheet := io.StringIO(newline=""), lineterminator="\n")
    writer.writerows([[*columns, "source"], *([*row, line] for row in rows)])
    files = {"CSV": sheet.getvalue(), "JSON": json.dumps(content, indent=1, ensure_ascii=False) + "\n"}
    links = [f"{{download}}`{kind} <{write(text, kind.lower())}>`" for kind, text in files.items()]
    linked = _unprinted(f"[This table as {' and '.join(links)}]{{.downloads}}")
    table = output["data"]["text/markdown"]
    return f"{_FENCE}{{table}} {caption}\n:name: {label}\n\n{table}\n{_FENCE}\n\n{linked}"


def _flat(about: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of a table; a number with its interval takes three columns."""
    columns: list[str] = []
    parts: list[Sequence[Any]] = []
    for name, cells in zip(about["columns"], zip(*about["rows"], strict=True), strict=True):
        if any(isinstance(cell, list) for cell in cells):
            columns += [name, f"{name} lower", f"{name} upper"]
            parts += zip(*(c if isinstance(c, list) else [_plain(c), None, None] for c in cells), strict=True)
        else:
            columns.append(name)
            parts.append([_plain(cell) for cell in cells])
    return columns, [list(row) for row in zip(*parts, strict=True)]


def _plain(cell: Any) -> Any:
    """Text without characters that only a page needs."""
    if not isinstance(cell, str):
        return cell
    for sign, plain in (("<br>", "; "), ("**", ""), ("\u00a0", " "), ("\u2212", "-"), ("\u2011", "-")):
        cell = cell.replace(sign, plain)
    return re.sub(r"<[^>]+>|\[([^\]]*)\]\([^)]*\)", r"\1", cell)  # tags, and links except for their text


def _cost(executed: nbformat.NotebookNode, name: str) -> str:
    """The last lines of a page: its run time and memory, and a link to the executed notebook."""
    about, run = executed.metadata["corrlib"], executed.metadata["papermill"]
    duration, memory = run["duration"], f"{about['memory'] / 1e9:.1f} GB of memory"
    took = f"{duration:.0f} s" if duration < 120 else f"{duration / 60:.0f} min"
    commit = f"commit {about['commit']}, " if "commit" in about else ""
    text = f"This page was executed in {took} with {memory} ({commit}{run['start_time'][:10]})."
    source = f"{'../' * name.count('/')}_sources/{name}.ipynb"
    link = f'[<a href="{source}" download>The executed notebook</a>]{{.downloads}}'
    cached = "Results in the cache were not computed again."
    return f"[{text} {cached}]{{.provenance}}\n\n{_unprinted(link)}"


def _unprinted(text: str) -> str:
    return f"{_FENCE}{{only}} not singlehtml\n{text}\n{_FENCE}"


def _markdown(text: str, identity: str) -> nbformat.NotebookNode:
    """A Markdown cell with a fixed identifier, so that an unchanged page stays the same."""
    return nbformat.v4.new_markdown_cell(text, id=identity)
