"""What a chapter shows: figures, tables, numbers and text, in every notebook and in the book.

Each call displays its result below the cell, whoever executes the notebook: Jupyter, papermill or ``corrlib
run``. The metadata of the output, under ``corrlib``, keeps what the book needs to make a numbered figure or
table of it, and what a sweep reads.

>>> from corrlib.experiments import alignment
>>> from corrlib.publishing import page
>>> data, network, settings = page.setup(globals(), alignment.Settings)
>>> page.figure("pck", figure, "PCK at every tolerance.", alt="Three rising curves.")
"""

import base64
import dataclasses
import io
import re
import textwrap
import time
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from IPython.display import HTML, display
from matplotlib.figure import Figure

from corrlib.cache import code_digest
from corrlib.publishing import results
from corrlib.publishing.plots.style import LineArt
from corrlib.publishing.tables.format import escaped, plain
from corrlib.publishing.tables.format import markdown as _table

#: What `setup` has opened, for the calls that follow it in the same kernel.
_CHAPTER: dict[str, Any] = {"source": ""}


def setup(parameters: Mapping[str, Any], settings: type | None = None) -> tuple:
    """Open the dataset and the network that a chapter's parameters name, and start its clock.

    Parameters
    ----------
    parameters
        ``globals()`` of the chapter: ``data_root``, ``weights``, ``difficult`` and ``truncated`` are read,
        where they are there, and the fields of `settings`.
    settings
        The ``Settings`` of an experiment, which are filled from the parameters of the same names and
        completed by their ``resolve(data, network)``.

    Returns
    -------
    data, network or data, network, settings
        `corrlib.data.VOC`, `corrlib.convnet.Network` and an instance of `settings`.
    """
    from corrlib import convnet
    from corrlib.data import open_dataset

    plt.rcdefaults()  # whatever the user's matplotlibrc says
    flags = {name: parameters[name] for name in ("difficult", "truncated") if name in parameters}
    data = open_dataset(parameters.get("data_root"), **flags)
    network = convnet.load(parameters.get("weights") or None)
    _CHAPTER.update(data=data, network=network, settings=None, started=time.perf_counter())
    set_source(f"{data.name} {data.digest[:8]}, network {network.name} {network.digest[:8]}")
    images = ", ".join(f"{len(data.image_ids(split)):,} images of {split}" for split in ("train", "val"))
    said = f"Dataset: **{data.name}** ({images}). Network: **{escaped(network.name)}**."
    _show(said, "setup", dataset=data.name, network=network.name)
    if settings is None:
        return data, network
    own = {field.name for field in dataclasses.fields(settings)} & set(parameters)
    chosen = settings(**{name: parameters[name] for name in own}).resolve(data, network)
    _CHAPTER["settings"] = chosen
    used = getattr(chosen, "categories", data.categories)
    if not getattr(chosen, "category", "") and (left := [c for c in data.categories if c not in used]):
        text(f"Left out, as too few images show their keypoints (2 of train, 1 of val): {', '.join(left)}.")
    return data, network, chosen


def set_source(description: str) -> None:
    """Say where the figures and tables that follow come from; `setup` says it of its data and network."""
    _CHAPTER["source"] = description


def figure(name: str, figure: Figure | HTML, caption: str, *, alt: str = "", source: str = "") -> None:
    """Show a figure with its caption. The book numbers it and knows it as ``figure-<name>``.

    Parameters
    ----------
    name
        Of lower case letters, digits and hyphens; one of a kind in the book.
    figure
        Of matplotlib, which is closed; or HTML, such as an explorer, which brings its own alternative text.
    caption
        One paragraph of Markdown: exactly what is drawn.
    alt
        What the figure shows, for those who do not see it.
    source
        Where it comes from, if that is not what `setup` has opened.

    Raises
    ------
    ValueError
        For a name of another form, or a drawn figure without an alternative text.
    """
    about = _described(name, caption, source)
    if isinstance(figure, HTML):
        bundle = {"text/html": figure.data, "text/plain": name}
    elif not alt.strip():
        raise ValueError(f"figure {name!r} has no alternative text: say in `alt` what it shows")
    else:
        bundle = {**_drawn(figure), "text/plain": alt}
        plt.close(figure)  # or Jupyter shows it once more
    _show(bundle, "figure", alt=" ".join(alt.split()), **about)
    _caption(about)


def table(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    caption: str,
    *,
    formats: str | Mapping[str, str] = ".1f",
    source: str = "",
) -> None:
    """Show a table with its caption. The book numbers it and knows it as ``table-<name>``.

    Parameters
    ----------
    name, caption, source
        As `figure` has them.
    rows
        Column -> cell, as `corrlib.publishing.tables.markdown` has them; all with the same columns.
    formats
        Of the numbers that are no integers: of all columns, or by column.
    """
    about = _described(name, caption, source)
    _caption(about)
    cells = [[plain(value) for value in row.values()] for row in rows]
    _show(_table(rows, formats), "table", columns=list(rows[0]), rows=cells, **about)


def numbers(values: Mapping[str, Any], prefix: str = "") -> None:
    """Show numbers by name, which a sweep puts into its table; the book's page leaves them out.

    Parameters
    ----------
    values
        Name -> number, or ``(value, lower, upper)``.
    prefix
        Put before each name, with a hyphen.
    """
    named = {f"{prefix}-{key}" if prefix else key: plain(value) for key, value in values.items()}
    rows = [{"number": f"`{key}`", "value": value} for key, value in named.items()]
    _show(_table(rows, ".4g"), "numbers", numbers=named)


def text(markdown: str) -> None:
    """Show prose that carries numbers: an f-string of Markdown, which the book sets as any other prose."""
    _show(textwrap.dedent(markdown).strip(), "text")


def save(values: Mapping[str, Any]) -> None:
    """Write a chapter's results, with where they come from, to ``<chapter>-<dataset>.json``.

    Parameters
    ----------
    values
        As `results.write` has them.
    """
    data, network, settings = (_CHAPTER[name] for name in ("data", "network", "settings"))
    chapter = type(settings).__module__.split(".")[2]
    about = {
        "dataset": data.name,
        "data": data.digest,
        "weights": network.digest,
        "network": network.name,
        "parameters": dataclasses.asdict(settings) | dict(difficult=data.difficult, truncated=data.truncated),
        "code": code_digest(f"corrlib.experiments.{chapter}"),
        "seconds": round(time.perf_counter() - _CHAPTER["started"], 1),
    }
    results.write(results.folder() / f"{chapter}-{data.name}.json", values, provenance=about)


def _described(name: str, caption: str, source: str) -> dict[str, str]:
    """What every figure and table says of itself."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"{name!r} names a figure or table: expected lower case letters, digits and hyphens")
    return {"name": name, "caption": " ".join(caption.split()), "source": source or _CHAPTER["source"]}


def _drawn(figure: Figure) -> dict[str, str]:
    """Line art as a PNG and an SVG; other figures as a JPEG, which is lighter where they have pictures."""
    kind = "png" if isinstance(figure, LineArt) else "jpeg"
    light = {} if kind == "png" else {"quality": 92, "subsampling": 0}
    figure.savefig(file := io.BytesIO(), format=kind, bbox_inches="tight", pil_kwargs=light)
    bundle = {f"image/{kind}": base64.b64encode(file.getvalue()).decode("ascii")}
    return bundle | ({"image/svg+xml": figure.svg()} if isinstance(figure, LineArt) else {})


def _caption(about: Mapping[str, str]) -> None:
    origin = f"<br><small>{escaped(about['source'])}</small>" * bool(about["source"])
    _show(f"{about['caption']}{origin}", "caption")


def _show(shown: str | Mapping[str, str], kind: str, **about: Any) -> None:
    """Display Markdown, or what a figure has for each kind of reader."""
    bundle = {"text/markdown": shown, "text/plain": shown} if isinstance(shown, str) else dict(shown)
    # Where nbconvert's template classic looks for the alternative text; its lab looks nowhere.
    alts = {mime: {"alt": about["alt"]} for mime in ("image/png", "image/jpeg") if "alt" in about}
    display(bundle, raw=True, metadata={"corrlib": {"kind": kind, **about}} | alts)
