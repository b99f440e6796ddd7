"""For a chapter that is open in Jupyter: ``%load_ext corrlib.notebook`` shows figures and tables.

A chapter glues what its pages show, and displays nothing. After this line, which has to come before the one
that imports ``glue``, they are displayed below their cells, too.
"""

from __future__ import annotations

from typing import Any

import myst_nb

__all__ = ["load_ipython_extension", "unload_ipython_extension"]

_GLUE = myst_nb.glue


def load_ipython_extension(shell: Any) -> None:
    """Display figures and tables where they are glued; numbers and texts are for the prose alone."""
    myst_nb.glue = _shown


def unload_ipython_extension(shell: Any) -> None:
    """Glue silently again."""
    myst_nb.glue = _GLUE


def _shown(name: str, value: Any, display: bool = True) -> None:
    _GLUE(name, value, display=display or not isinstance(value, (str, int, float)))
