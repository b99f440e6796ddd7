"""Show figures, tables, numbers and text from a chapter, in every notebook and in the book.

Each call displays its result below the cell, whether the notebook is executed by Jupyter, papermill or
``corrlib run``. The metadata of the output, under ``corrlib``, keeps what the book needs to make a numbered
figure or table from it, and what a sweep reads.

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
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from IPython.display import HTML, display
from matplotlib.figure import Figure
from PIL import Image

from corrlib.cache import code_digest
from corrlib.publishing import results
from corrlib.publishing.format import escaped, plain
from corrlib.publishing.format import markdown as _table
from corrlib.publishing.plots.style import LineArt, rendered

#: What `setup` has opened, for later calls in the same kernel.
_CHAPTER: dict[str, Any] = {"source": ""}


def setup(parameters: Mapping[str, Any], settings: type | None = None) -> tuple:
    """Open the dataset and the network that a chapter's parameters name, and start its clock.

    Parameters
    ----------
    parameters
        ``globals()`` of the chapter. ``data_root``, ``weights``, ``retrieval_weights``, ``difficult`` and
        ``truncated`` are read if they are present, as are the fields of `settings`.
    settings
        The ``Settings`` class of an experiment. Its fields are filled from the parameters of the same names,
        and completed by ``resolve(data, network)``.

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
    if other := parameters.get("retrieval_weights"):
        network = network.retrieving_by(convnet.load(other))
    _CHAPTER.update(data=data, network=network, settings=None, started=time.perf_counter())
    set_source(f"{data.name} {data.digest[:8]}, network {network.name} {network.digest[:8]}")
    names = {"train": "training", "val": "validation"}
    images = ", ".join(f"{len(data.image_ids(split)):,} {name} images" for split, name in names.items())
    said = f"Dataset: **{data.name}** ({images}). Network: **{escaped(network.name)}**."
    if network.stands_for:
        pairs = ", ".join(f"{name} is its `{own}`" for name, own in network.stands_for.items())
        said += f" Five of its layers stand for those of the paper: {pairs}."
    if network.retriever:
        said += f" Neighbours are found by **{escaped(network.retriever.name)}**."
    _show(said, "setup", dataset=data.name, network=network.name)
    if settings is None:
        return data, network
    own = {field.name for field in dataclasses.fields(settings)} & set(parameters)
    chosen = settings(**{name: parameters[name] for name in own}).resolve(data, network)
    _CHAPTER["settings"] = chosen
    used = getattr(chosen, "categories", data.categories)
    if not getattr(chosen, "category", "") and (left := [c for c in data.categories if c not in used]):
        why = "too few images show their keypoints (2 training images and 1 validation image are needed)"
        text(f"These categories are left out, because {why}: {', '.join(left)}.")
    return data, network, chosen


def set_source(description: str) -> None:
    """Set the provenance shown below later figures and tables; `setup` sets it to data and network."""
    _CHAPTER["source"] = description


def figure(name: str, figure: Figure | HTML, caption: str, *, alt: str = "", source: str = "") -> None:
    """Show a figure with its caption. The book numbers it and labels it ``figure-<name>``.

    Parameters
    ----------
    name
        Lower case letters, digits and hyphens; unique in the book.
    figure
        A matplotlib figure, which is closed; or HTML, such as an explorer, which has its own alt text.
    caption
        One paragraph of Markdown that says exactly what is drawn.
    alt
        Alt text: a description of the figure for readers who cannot see it.
    source
        Provenance of the figure, if it does not come from what `setup` has opened.

    Raises
    ------
    ValueError
        If the name has another form, or a matplotlib figure has no alt text.
    """
    about = _described(name, caption, source)
    if isinstance(figure, HTML):
        bundle = {"text/html": figure.data, "text/plain": name}
    elif not alt.strip():
        raise ValueError(f"figure {name!r} has no alt text: describe it in `alt`")
    else:
        bundle = {**_drawn(figure), "text/plain": alt}
        plt.close(figure)  # otherwise Jupyter shows it again
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
    """Show a table with its caption. The book numbers it and labels it ``table-<name>``.

    Parameters
    ----------
    name, caption, source
        As in `figure`.
    rows
        Mappings from column to cell, as in `corrlib.publishing.tables.markdown`, with the same columns.
    formats
        Formats of numbers that are not integers: one for all columns, or a mapping by column.
    """
    about = _described(name, caption, source)
    _caption(about)
    cells = [[plain(value) for value in row.values()] for row in rows]
    # The style of a page gives an interval a line of its own.
    cell = r"(?<=\|) (\S+) (\[[^]|]+\]) (?=\|)"
    styled = re.sub(cell, r' \1 <span class="interval">\2</span> ', _table(rows, formats))
    _show(styled, "table", columns=list(rows[0]), rows=cells, **about)


def numbers(values: Mapping[str, Any], prefix: str = "") -> None:
    """Show named numbers, which a sweep puts into its table; the pages of the book leave them out.

    Parameters
    ----------
    values
        Name -> number, or ``(value, lower, upper)``.
    prefix
        Prefix of each name, joined with a hyphen.
    """
    named = {f"{prefix}-{key}" if prefix else key: plain(value) for key, value in values.items()}
    rows = [{"number": f"`{key}`", "value": value} for key, value in named.items()]
    _show(_table(rows, ".4g"), "numbers", numbers=named)


def text(markdown: str) -> None:
    """Show text with numbers: an f-string of Markdown, which the book renders like any other text."""
    _show(textwrap.dedent(markdown).strip(), "text")


def save(values: Mapping[str, Any]) -> None:
    """Write a chapter's results, with their provenance, to ``<chapter>-<dataset>.json``.

    Parameters
    ----------
    values
        As in `results.write`.
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
    """The metadata of every figure and table."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        expected = "expected lower case letters, digits and hyphens"
        raise ValueError(f"invalid name {name!r} of a figure or table: {expected}")
    return {"name": name, "caption": " ".join(caption.split()), "source": source or _CHAPTER["source"]}


def _drawn(figure: Figure) -> dict[str, str]:
    """Encode line art as PNG and SVG; pictures as JPEG, on white, and as WebP, without a background.

    Notebooks show the former of each, because not all programs show the latter, which the book takes.
    """

    def encoded(save: Callable[..., object], **options: Any) -> str:
        save(file := io.BytesIO(), **options)
        return base64.b64encode(file.getvalue()).decode("ascii")

    if isinstance(figure, LineArt):
        return {"image/png": encoded(figure.png), "image/svg+xml": figure.svg()}
    bare = rendered(figure)
    white = Image.new("RGB", bare.size, "white")
    white.paste(bare, mask=bare)
    jpeg = encoded(white.save, format="JPEG", quality=92, subsampling=0)
    webp = encoded(bare.save, format="WEBP", quality=90, method=2)  # twice as fast, 2 % larger
    return {"image/jpeg": jpeg, "image/webp": webp}


def _caption(about: Mapping[str, str]) -> None:
    origin = f"<br><small>{escaped(about['source'])}</small>" * bool(about["source"])
    _show(f"{about['caption']}{origin}", "caption")


def _show(shown: str | Mapping[str, str], kind: str, **about: Any) -> None:
    """Display Markdown, or the representations of a figure by MIME type."""
    bundle = {"text/markdown": shown, "text/plain": shown} if isinstance(shown, str) else dict(shown)
    # nbconvert's template "classic" looks for the alt text here; its template "lab" does not look for one.
    alts = {mime: {"alt": about["alt"]} for mime in ("image/png", "image/jpeg") if "alt" in about}
    display(bundle, raw=True, metadata={"corrlib": {"kind": kind, **about}} | alts)
