"""Where each figure and table of an executed chapter comes from, said in its caption; and what it took."""

import re
from functools import cache
from typing import Any

import nbformat

from corrlib.publishing import chapters

#: Glued by every chapter: data, network and their digests.
ORIGIN = "origin"
CLASS = "provenance"
# A figure's caption is the last paragraph of its directive; a table's is the title of its own.
_FIGURE = re.compile(r"(?ms)^(?P<fence>`{3,}|:{3,})\{glue:figure\}.*?(?P<end>\n(?P=fence)[ \t]*$)")
_TABLE = re.compile(r"(?m)^(?:`{3,}|:{3,})\{table\} .*$")


def add_provenance(notebook: nbformat.NotebookNode) -> None:
    """End every caption of an executed chapter with the line that `provenance` makes of it, in place.

    Figures are those of ``{glue:figure}`` directives, tables those of ``{table}`` directives. One that says
    itself where it comes from, in a span of the class ``provenance``, is left as it is.

    Raises
    ------
    ValueError
        If the chapter has a figure or a table and has not glued its origin.
    """

    @cache
    def line() -> str:
        return f" [{provenance(notebook)}]{{.{CLASS}}}"

    def ended(match: re.Match) -> str:
        whole, end = match[0], match.groupdict().get("end", "")
        return whole if CLASS in whole else whole.removesuffix(end).rstrip() + line() + end

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _TABLE.sub(ended, _FIGURE.sub(ended, cell.source))


def add_cost(notebook: nbformat.NotebookNode, name: str) -> None:
    """End a chapter, such as ``book/alignment``, with what it took, and a link to it as it was executed."""
    about, run = notebook.metadata.get("corrlib", {}), notebook.metadata["papermill"]
    memory = (
        f"{about['memory'] / 1e9:.1f} GB of memory" if about.get("memory") else "memory that is not known"
    )
    of = [f"commit {about['commit']}"] if "commit" in about else []
    when = ", ".join([*of, run["start_time"][:10]])
    took = f"It took {_spelled(run['duration'])} and {memory} to execute this page ({when})."
    kept = "What the cache held already was not computed again."
    source = f"{'../' * name.count('/')}_sources/{name}.ipynb"
    link = f'<a href="{source}" download>The executed notebook</a>'
    text = f"[{took} {kept}]{{.{CLASS}}}\n\n:::{{only}} not singlehtml\n[{link}]{{.downloads}}\n:::"
    cell = nbformat.v4.new_markdown_cell(text)
    cell["id"] = "cost"  # or it has one by chance, and the pages are others each time
    notebook.cells.append(cell)


def provenance(notebook: nbformat.NotebookNode) -> str:
    """Say of which data, network, parameters and commit an executed chapter is, when and in what time."""
    run = notebook.metadata["papermill"]
    parts = [_origin(notebook), _parameters(run["parameters"])]
    if commit := notebook.metadata.get("corrlib", {}).get("commit"):
        parts.append(f"commit {commit}")
    parts += [run["start_time"][:10], f"{run['duration']:.0f} s"]
    return "; ".join(parts)


def _spelled(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _origin(notebook: nbformat.NotebookNode) -> str:
    if text := chapters.glued(notebook).get(ORIGIN, {}).get("text/plain"):
        return "".join(text).strip("'\"")
    name = notebook.metadata["papermill"]["input_path"]
    raise ValueError(
        f'{name} has captions, and no origin for them: glue("{ORIGIN}", experiments.origin(...))'
    )


def _parameters(given: dict[str, Any]) -> str:
    """The parameters that were given; a file or a folder by its name alone."""
    if not given:
        return "default parameters"
    return ", ".join(f"{name} = {str(value).rsplit('/', 1)[-1]}" for name, value in given.items())
