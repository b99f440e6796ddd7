"""Figures of benchmarks and of parameter sweeps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from corrlib.publishing.plots.style import COLOURS, GREY, ordered, panels

#: Labels closer to the previous one than this share of the axis are left out.
NARROW = 0.2
MARKERS = "os^Dv"
#: Label of the values that the paper reports.
PAPER = "paper's value"
#: With more lines than this there is no legend, because the lines could not be distinguished in it.
LEGEND = 12
#: Suffixes of the names of a number and the ends of its interval in the rows of a sweep.
ENDS = ("", "-low", "-high")


def grown(series: Sequence[dict[str, Any]]) -> Figure:
    """Draw seconds against size on logarithmic axes, one panel per series, with the best fitting power.

    A series has a ``title``, the name of its ``size``, at least two ``sizes`` and ``seconds``, and the
    ``exponent`` of the power.
    """
    figure, (row_of_axes,) = panels(1, len(series), (2.5 * len(series), 2.7), lines=True)
    for axes, row in zip(row_of_axes, series, strict=True):
        sizes, seconds = np.array(row["sizes"], float), np.array(row["seconds"])
        middle = np.exp(np.mean(np.log(seconds)) - row["exponent"] * np.mean(np.log(sizes)))
        fit = middle * sizes ** row["exponent"]
        axes.plot(sizes, fit, color=GREY, ls="--", lw=1.2, label=f"size to the power {row['exponent']:.2f}")
        axes.plot(sizes, seconds, color=COLOURS[0], marker="o", ls="none", ms=5)
        axes.set(xscale="log", yscale="log", xlabel=row["size"], title=row["title"])
        apart = np.diff(np.log(sizes), prepend=-np.inf) > NARROW * np.log(sizes[-1] / sizes[0])
        axes.set_xticks(sizes, [f"{s:,.0f}" if shown else "" for s, shown in zip(sizes, apart, strict=True)])
        axes.minorticks_off()
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=6))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.title.set_fontsize(10)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
        axes.legend(fontsize=8, frameon=False, loc="upper left")
    row_of_axes[0].set_ylabel("processor seconds")
    return figure


def swept(
    series: Mapping[str, np.ndarray],
    *,
    xlabel: str,
    ylabel: str,
    legend: str = "",
    among: Sequence[str] = (),
    ticks: Sequence[str] | None = None,
    marks: Sequence[float] = (),
) -> Figure:
    """Draw a number of a sweep against one of its parameters, with a line for each setting of the others.

    `series` is setting -> ``(n, 4)``: the value of the parameter, the number, and the ends of its interval or
    NaN. `among` lists all settings in a group of figures, so that each looks the same in all of them. `ticks`
    names the values 0, 1, ... of a parameter that is not a number; its points are not joined. `marks` are
    values of the parameter that the paper reports, drawn as vertical lines. The points of several settings
    are drawn beside each other, so that their intervals do not overlap.
    """
    figure, ((axes,),) = panels(1, 1, (6.4, 3.6), lines=True)
    every, named = list(dict.fromkeys([*among, *series])), 1 < len(series) <= LEGEND
    colours = COLOURS if len(every) <= len(COLOURS) else ordered(len(every))
    places = np.concatenate([values[:, 0] for values in series.values()])
    width = 0.4 if ticks else 0.012 * len(series) * np.ptp(places)
    shifts = np.linspace(-width / 2, width / 2, len(series)) if len(series) > 1 else [0.0]
    for (name, values), shift in zip(series.items(), shifts, strict=True):
        number = every.index(name)
        x, y, low, high = values[np.argsort(values[:, 0], kind="stable")].T
        error = np.nan_to_num(np.abs([y - low, high - y]))
        style = dict(color=colours[number], label=name if named else None, lw=1.6, ms=5)
        if len(x) < 25:
            style |= dict(marker=MARKERS[number % len(MARKERS)], capsize=2.5, elinewidth=1.1)
            axes.errorbar(x + shift, y, error, ls="none" if ticks else "-", **style)
        else:
            axes.plot(x, y, **style)
            axes.fill_between(x, low, high, color=colours[number], alpha=0.12, lw=0)
    for place in marks:
        axes.axvline(place, color=GREY, ls="--", lw=1.2, label=PAPER if place == marks[0] else None)
    if ticks:
        axes.set_xticks(range(len(ticks)), ticks, rotation=30 if max(map(len, ticks)) > 8 else 0)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if min(np.nanmin(values[:, 1:]) for values in series.values()) >= 0:
        axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    if names := axes.get_legend_handles_labels()[1]:
        where = dict(loc="center left", bbox_to_anchor=(1, 0.5)) if len(names) > 4 else {}
        axes.legend(fontsize=8, frameon=False, title=legend or None, title_fontsize=8, **where)
    return figure


def swept_by_alpha(
    rows: Sequence[Mapping[str, Any]], alphas: Sequence[float], *, among: Sequence[str]
) -> Figure:
    """Draw mean PCK against alpha, a line per row of a sweep over ``layer``; `among` is as in `swept`."""
    series = {
        r["layer"]: np.array([[a, *(r[f"score-{a:g}{end}"] for end in ENDS)] for a in alphas]) for r in rows
    }
    labels = dict(xlabel="alpha", ylabel="mean PCK in percent", legend="layer")
    return swept(series, **labels, among=among, marks=alphas)


def swept_scores(rows: Sequence[Mapping[str, Any]], ticks: Sequence[str]) -> Figure:
    """Draw the score of each row of a sweep over ``layer`` with its interval; `ticks` names the rows."""
    points = np.array([[i, *(row[f"score{end}"] for end in ENDS)] for i, row in enumerate(rows)])
    return swept({"": points}, xlabel="layer", ylabel="mean accuracy in percent", ticks=ticks)


def by_depth(
    panels_of: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]],
    layers: Sequence[str],
    sift: Mapping[str, Sequence[float]],
    hollow: Mapping[str, Mapping[str, Sequence[str]]],
) -> Figure:
    """Draw a number of each layer against its depth: a panel per number, a line per network, SIFT as a band.

    `panels_of` is title -> network -> layer -> value and ends of its interval; `sift` is title -> the same;
    `hollow` is title -> network -> layers with an open marker.
    """
    figure, grid = panels(2, 2, (6.8, 5.4), lines=True)
    figure.get_layout_engine().set(hspace=0.12)
    for axes, (title, networks) in zip(grid.flat, panels_of.items(), strict=True):
        if title in sift:
            value, low, high = sift[title]
            axes.axhline(value, color=GREY, ls="--", lw=1.2, label="SIFT")
            axes.axhspan(low, high, color=GREY, alpha=0.15, lw=0)
        for number, (network, values) in enumerate(networks.items()):
            known = [layer for layer in layers if layer in values]
            middle, low, high = np.transpose([values[layer] for layer in known])
            places = np.array([layers.index(layer) for layer in known]) + 0.06 * (number - 0.5)
            style = dict(
                color=COLOURS[number], marker=MARKERS[number], ms=5, lw=1.4, capsize=2, label=network
            )
            axes.errorbar(places, middle, [middle - low, high - middle], **style)
            empty = [known.index(layer) for layer in hollow.get(title, {}).get(network, ())]
            marked = dict(color=style["color"], marker=style["marker"], ms=5, mfc="white", ls="", zorder=3)
            axes.plot(places[empty], middle[empty], **marked)
        axes.set_xticks(range(len(layers)), layers)
        axes.set_xlim(-0.4, len(layers) - 0.6)
        axes.set_title(title, fontsize=10)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = grid[0, 1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=9)
    return figure
