"""The figure of a parameter sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from corrlib.publishing.plots.style import COLOURS, DPI, GREY, LineArt, ordered

MARKERS = "os^Dv"
#: More lines than this have no legend: nobody could tell them apart by it.
LEGEND = 12


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
    """Draw one number of a sweep against one of its parameters, a line for each setting of the others.

    Parameters
    ----------
    series
        Setting -> ``(n, 4)``: the parameter's value, the number and the ends of its interval, which may be
        NaN. Beyond four lines colours go from dark to light in the order of the settings.
    legend
        Title of the legend.
    among
        All settings that figures beside this one show: each has one colour and marker in all of them.
    ticks
        Names of the places 0, 1, ... on the horizontal axis, of a parameter that is not a number: points are
        not joined then.
    marks, marked
        Places on the horizontal axis, drawn as lines, and what they are.
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
