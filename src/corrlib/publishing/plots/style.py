"""Elements shared by all figures: colours, pictures, curves and intervals.

No figure has a background, so that a page may be white or dark. Around pictures, whose colours are results,
labels are of a grey that is legible on both. Line art is an SVG, which a dark page inverts; its colours are
visible on both and distinguishable for the colour-blind.
"""

import io
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from corrlib import metrics

#: Colours that the colour-blind can distinguish (Okabe and Ito), and grey for baselines.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
GREY = "#6b6b6b"
#: Grey of labels around pictures: its contrast is above 4 on white and on a dark page.
LABELS = "#777777"
DPI = 110
#: Inches around what is drawn.
PAD = 0.1
#: Colours and shapes of keypoints on pictures, which have a white edge; all combinations are used.
KEYPOINTS = ("#d55e00", "#0072b2", "#f0e442", "#cc79a7", "#56b4e9", "#009e73", "#e69f00")
SHAPES = ("o", "s", "^", "D")


class LineArt(Figure):
    """A figure of lines and text, shown as an SVG, and as a PNG where SVG is not supported."""

    def svg(self) -> str:
        """The figure as the text of an SVG file; equal figures give equal files."""
        file = io.StringIO()
        # Without a date and with identifiers that are not random.
        with plt.rc_context({"svg.hashsalt": "corrlib"}):
            self.savefig(
                file, format="svg", transparent=True, bbox_inches=laid_out(self), metadata={"Date": None}
            )
        return file.getvalue()

    def png(self, file: BinaryIO) -> None:
        """Write the figure as PNG, on white."""
        self.savefig(file, format="png", bbox_inches=laid_out(self))


def rendered(figure: Figure) -> Image.Image:
    """Draw a figure with pictures as an RGBA image without a background; its black labels become grey."""
    for label in figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_color() == "black"):
        label.set_color(LABELS)
    for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
        patch.set_visible(False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.get_tightbbox().padded(PAD)
    left, below, right, above = np.rint(box.extents * figure.dpi).astype(int)
    image = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    return image.crop((left, image.height - above, right, image.height - below))


def laid_out(figure: Figure) -> Bbox:
    """The part of a figure, in inches, that its artists need; it is laid out the first time only."""
    if figure.get_layout_engine():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return figure.get_tightbbox().padded(PAD)


def ordered(count: int) -> np.ndarray:
    """Colours ``(count, 4)`` from dark to light, for ordered things such as layers."""
    return plt.get_cmap("inferno")(np.linspace(0, 0.68, count))


def keypoint_style(number: int) -> tuple[str, str]:
    """Colour and shape of a numbered keypoint; those of the first 28 differ."""
    return KEYPOINTS[number % len(KEYPOINTS)], SHAPES[number // len(KEYPOINTS) % len(SHAPES)]


def show(axes: Axes, image: np.ndarray) -> Axes:
    """Show `image` without ticks or frame, on axes in pixels."""
    axes.imshow(image, interpolation="nearest")
    axes.set(xticks=[], yticks=[], xlim=(-0.5, image.shape[1] - 0.5), ylim=(image.shape[0] - 0.5, -0.5))
    axes.spines[:].set_visible(False)
    return axes


def mark(axes: Axes, point: Sequence[float], colour: str, marker: str, label: str = "") -> None:
    """Mark a point ``(x, y)`` with a white edge, which is visible on any background."""
    edge = [withStroke(linewidth=4, foreground="white")]
    style = dict(ms=7, mfc="none", mec=colour, mew=2, ls="", clip_on=False, path_effects=edge)
    axes.plot(*point, marker=marker, label=label, **style)


def lead(axes: Axes, points: np.ndarray, others: np.ndarray, colours: Sequence[str], width: float) -> None:
    """Draw a line with a white edge from each of `points` ``(K, 2)`` to one of `others`, if both exist."""
    ends = np.stack([points, others], axis=1)
    both = np.flatnonzero(np.isfinite(ends).all(axis=(1, 2)))
    for wide, inks in ((2 * width, "white"), (width, [colours[k] for k in both])):
        lines = LineCollection(ends[both], colors=inks, linewidths=wide, capstyle="projecting", zorder=1)
        axes.add_collection(lines, autolim=False)


def panels(
    rows: int, columns: int, size: tuple[float, float], *, lines: bool = False, sharey: bool = False,
    widths: Sequence[float] | None = None, heights: Sequence[float] | None = None,
) -> tuple[Figure, np.ndarray]:  # fmt: skip
    """A figure of `size` inches, with `lines` as `LineArt`, and its axes ``(rows, columns)``."""
    style = dict(figsize=size, dpi=DPI, layout="constrained", FigureClass=LineArt if lines else Figure)
    return plt.subplots(
        rows, columns, squeeze=False, sharey=sharey, width_ratios=widths, height_ratios=heights, **style
    )


def intervals(
    groups: Sequence[str], series: Mapping[str, np.ndarray], *, baseline: Mapping[str, np.ndarray], label: str
) -> Figure:
    """Draw values with their intervals for some groups, beside baselines in grey.

    `series` (at most 4) and `baseline` (at most 3) are name -> ``(len(groups), 3)``: value and interval.
    """
    figure, ((axes,),) = panels(1, 1, (6.4, 3.4), lines=True)
    styles = [{"marker": "o", "color": colour} for colour in COLOURS[: len(series)]]
    fills = ("white", "#d0d0d0", GREY)[: len(baseline)]
    styles += [{"marker": "s", "color": GREY, "mfc": fill} for fill in fills]
    shifts = np.linspace(-0.24, 0.24, len(styles))
    rows = [*series.items(), *baseline.items()]
    for shift, style, (name, values) in zip(shifts, styles, rows, strict=True):
        error = np.abs(values[:, 1:] - values[:, :1]).T
        places = np.arange(len(groups)) + shift
        axes.errorbar(places, values[:, 0], error, ls="none", label=name, capsize=3, lw=1.4, ms=6, **style)
    axes.axhline(0, color=GREY, lw=0.8)
    axes.set_xticks(range(len(groups)), groups)
    axes.set_ylabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(rows))
    return figure


def curves(
    x: Sequence[float],
    series: Mapping[str, np.ndarray],
    *,
    xlabel: str,
    ylabel: str,
    marks: Mapping[str, float] | None = None,
    paired: bool = False,
) -> Figure:
    """Draw curves with their intervals; if `paired`, the first half dashed, in the colours of the second.

    `series` is name -> ``(len(x), 3)``: the number and the ends of its interval; `marks` is name -> a value
    on the horizontal axis, drawn as a line.
    """
    figure, ((axes,),) = panels(1, 1, (6.4, 3.6), lines=True)
    half = len(series) // 2
    for number, (name, values) in enumerate(series.items()):
        colour, dash = COLOURS[number % half if paired else number], "--" if paired and number < half else "-"
        marker = SHAPES[number] if len(x) < 12 else ""
        axes.plot(x, values[:, 0], color=colour, ls=dash, marker=marker, label=name, lw=1.6, ms=4)
        axes.fill_between(x, values[:, 1], values[:, 2], color=colour, alpha=0.15, lw=0)
    for (name, place), style in zip((marks or {}).items(), ("--", ":", "-."), strict=False):
        axes.axvline(place, color=GREY, ls=style, lw=1.2, label=name)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, frameon=False)
    return figure


def curves_by_alpha(
    errors: Mapping[str, Sequence[np.ndarray]],
    alphas: np.ndarray,
    marks: Mapping[str, float],
    *,
    paired: bool = False,
) -> Figure:
    """`curves` of mean PCK against alpha, from errors in units of the box, as `metrics.errors` has them."""
    series = {method: 100 * metrics.estimate(each, alphas) for method, each in errors.items()}
    labels = dict(xlabel="alpha", ylabel="mean PCK in percent")
    return curves(alphas, series, **labels, marks=marks, paired=paired)
