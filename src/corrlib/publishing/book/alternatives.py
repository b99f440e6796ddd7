"""Numbers in alternative texts: what a figure shows is said to those who hear the page, too."""

import ast
import re
from collections.abc import Mapping
from typing import Any

import nbformat

from corrlib.publishing import chapters

# Sphinx takes the option as it stands, so that roles in it would be read aloud.
_ALT = re.compile(r"(?m)^:alt: .*$")
_GLUED = re.compile(r"\{glue:text\}`(?P<name>[^`:]+)(?::(?P<format>[^`]+))?`")


def add_numbers(notebook: nbformat.NotebookNode) -> None:
    """Put what an executed chapter has glued into the ``:alt:`` options of its figures, in place.

    It is written there as in the text.

    Raises
    ------
    ValueError
        As `filled`; names the chapter.
    """
    glued = chapters.glued(notebook)
    try:
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = _ALT.sub(lambda line: filled(line[0], glued), cell.source)
    except ValueError as error:
        chapter = notebook.metadata["papermill"]["input_path"]
        raise ValueError(f"{chapter}: an alternative text has {error}") from None


def filled(text: str, glued: Mapping[str, Mapping[str, Any]]) -> str:
    """A text with the values of its roles ``{glue:text}`score``` and ``{glue:text}`score:.2f``` in place.

    Raises
    ------
    ValueError
        If nothing of that name has been glued, or what has is neither a text nor a number.
    """

    def value(match: re.Match) -> str:
        try:
            found = ast.literal_eval("".join(glued[match["name"]]["text/plain"]))
            return format(found, match["format"] or "")
        except (KeyError, SyntaxError, ValueError):
            raise ValueError(f"{match[0]}: glue a text or a number") from None

    return _GLUED.sub(value, text)
