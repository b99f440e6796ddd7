"""The figure of a parameter sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from corrlib.publishing.plots.style import COLOURS, DPI, GREY, LineArt, ordered

MARKERS = "os^Dv"
#: More lines than this get no legend, in which they could not be distinguished.
LEGEND = 12
#: Suffixes of the names of a number and the ends of its interval in the rows of a sweep.
ENDS = ("", "-low", "-high")


def swept(
    series: Mapping[str, np.ndarray],
    *,
    xlabel: str,
    ylabel: str,
    legend: str = "",
    among: Sequence[str] = (),
    ticks: Sequence[str] | None = None,
    marks: Sequence[float] = (),
    marked: str = "",
) -> Figure:
    """Draw a number of a sweep against one of its parameters, with a line for each setting of the others.

    Parameters
    ----------
    series
        Setting -> ``(n, 4)``: the parameter's value, the number and the ends of its interval, which may be
        NaN. More than four lines have colours from dark to light in the order of the settings.
    legend
        Title of the legend.
    among
        All settings of the figures beside this one, so that each has the same colour and marker in all.
    ticks
        Names of the values 0, 1, ... of a parameter that is not a number; points are not joined then.
    marks, marked
        Values on the horizontal axis, drawn as lines, and their label.
    """
    figure, axes = plt.subplots(figsize=(6.4, 3.6), dpi=DPI, layout="constrained", FigureClass=LineArt)
    every = list(dict.fromkeys([*among, *series]))
    colours = COLOURS if len(every) <= len(COLOURS) else ordered(len(every))
    shifts = np.linspace(-0.2, 0.2, len(series)) if ticks and len(series) > 1 else np.zeros(len(series))
    for (name, values), shift in zip(series.items(), shifts, strict=True):
        number = every.index(name)
        values = values[np.argsort(values[:, 0], kind="stable")]
        x, y, low, high = values.T
        marker = MARKERS[number % len(MARKERS)] if len(x) < 25 else ""
        if ticks:
            error = np.nan_to_num(np.abs([y - low, high - y]))
            axes.errorbar(
                x + shift, y, error, ls="none", marker=marker, color=colours[number], label=name, capsize=3
            )
        else:
            axes.plot(x, y, color=colours[number], marker=marker, label=name, lw=1.6, ms=4)
            axes.fill_between(x, low, high, color=colours[number], alpha=0.12, lw=0)
    for place in marks:
        axes.axvline(place, color=GREY, ls="--", lw=1.2, label=marked if place == marks[0] else None)
    if ticks:
        axes.set_xticks(range(len(ticks)), ticks, rotation=30 if max(map(len, ticks)) > 8 else 0)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if min(np.nanmin(values[:, 1:]) for values in series.values()) >= 0:
        axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    handles, names = axes.get_legend_handles_labels()
    shown = [i for i, name in enumerate(names) if name == marked or 1 < len(series) <= LEGEND]
    if shown:
        where = dict(loc="center left", bbox_to_anchor=(1, 0.5)) if len(shown) > 4 else {}
        style = dict(fontsize=8, frameon=False, title=legend or None, title_fontsize=8)
        axes.legend([handles[i] for i in shown], [names[i] for i in shown], **style, **where)
    return figure


def swept_by_alpha(
    rows: Sequence[Mapping[str, Any]], alphas: Sequence[float], *, among: Sequence[str]
) -> Figure:
    """Draw mean PCK against alpha, with a line for each layer.

    Parameters
    ----------
    rows
        Rows of a sweep over ``layer``, with the score at each of `alphas`.
    among
        All layers of the figures beside this one.
    """
    series = {
        row["layer"]: np.array([[a, *(row[f"score-{a:g}{end}"] for end in ENDS)] for a in alphas])
        for row in rows
    }
    labels = dict(xlabel="alpha", ylabel="mean PCK in percent", legend="layer")
    return swept(series, **labels, among=among, marks=alphas, marked="the paper's")


def swept_scores(rows: Sequence[Mapping[str, Any]], ticks: Sequence[str]) -> Figure:
    """Draw the score of each row of a sweep over ``layer`` with its interval; `ticks` names the rows."""
    points = np.array([[i, *(row[f"score{end}"] for end in ENDS)] for i, row in enumerate(rows)])
    return swept({"": points}, xlabel="layer", ylabel="mean accuracy in percent", ticks=ticks)
