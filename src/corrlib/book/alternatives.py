"""Numbers in alternative texts: what a figure shows is said to those who hear the page, too."""

import ast
import re

import nbformat

from corrlib import chapters

# Sphinx takes the option as it stands, so that roles in it would be read aloud.
_ALT = re.compile(r"(?m)^:alt: .*$")
_GLUED = re.compile(r"\{glue:text\}`(?P<name>[^`:]+)(?::(?P<format>[^`]+))?`")


def add_numbers(notebook: nbformat.NotebookNode) -> None:
    """Put what an executed chapter has glued into the ``:alt:`` options of its figures, in place.

    It is written there as in the text: ``{glue:text}`score``` or, with a format, ``{glue:text}`score:.2f```.

    Raises
    ------
    ValueError
        If nothing of that name has been glued, or what has is neither a text nor a number.
    """
    glued = chapters.glued(notebook)

    def value(match: re.Match) -> str:
        name = match["name"]
        try:
            found = ast.literal_eval("".join(glued[name]["text/plain"]))
            return format(found, match["format"] or "")
        except (KeyError, SyntaxError, ValueError):
            chapter = notebook.metadata["papermill"]["input_path"]
            raise ValueError(
                f"{chapter}: an alternative text has {match[0]}: glue a text or a number"
            ) from None

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _ALT.sub(lambda line: _GLUED.sub(value, line[0]), cell.source)
