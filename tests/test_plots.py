"""Figures for every reader: line art that dark pages invert, and colours that all eyes can distinguish."""

import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from scipy.spatial.distance import pdist

import legible
from corrlib.experiments.prediction.examples import Example
from corrlib.publishing import plots
from corrlib.publishing.plots import style

# Linear RGB as dichromats see it: Machado, Oliveira and Fernandes (2009), severity 1.
EYES = {
    "all cones": np.eye(3),
    "protanopia": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deuteranopia": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritanopia": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}
#: The background of dark pages, and the linear part of their filter, invert(1) hue-rotate(180deg).
DARK = np.array(to_rgb("#121212"))
ROTATION = np.array([[-0.574, 1.430, 0.144], [0.426, 0.430, 0.144], [0.426, 1.430, -0.856]])


def inverted(rgb):
    return np.clip((1 - np.asarray(rgb)) @ ROTATION.T, 0, 1)


def linear(rgb):
    rgb = np.asarray(rgb)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """WCAG's contrast ratio."""
    light, dark = sorted((float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def least_difference(colours, eye):
    """The smallest distance of two of some colours in CIELAB, as an eye sees them."""
    seen = np.clip(linear(list(colours)) @ np.transpose(EYES[eye]), 0, 1).astype(np.float32)
    return pdist(cv2.cvtColor(seen[None], cv2.COLOR_LRGB2Lab)[0]).min()


def test_the_measures_of_colour_are_right():
    assert contrast((1, 1, 1), to_rgb("#767676")) == pytest.approx(4.54, abs=0.01)
    colours = to_rgb("#c84a2a"), to_rgb("#7a7a20")  # which deuteranopes confuse
    assert least_difference(colours, "all cones") > 55 and least_difference(colours, "deuteranopia") < 20


@pytest.mark.parametrize("page", ["light", "dark"])
def test_lines_are_visible_and_distinguishable_for_every_eye(page):
    background = DARK if page == "dark" else np.ones(3)
    for palette in (style.COLOURS, style.ordered(5)):
        colours = [np.array(to_rgb(colour)) for colour in palette]
        colours = [inverted(colour) if page == "dark" else colour for colour in colours]
        assert min(contrast(colour, background) for colour in colours) >= 2.95  # WCAG asks for 3 in graphics
        assert all(least_difference(colours, eye) > 12 for eye in EYES)
    grey = inverted(to_rgb(style.GREY)) if page == "dark" else to_rgb(style.GREY)
    assert contrast(grey, background) > (3 if page == "dark" else 4.5)
    assert contrast(to_rgb(style.LABELS), background) > 4, "labels around pictures are not inverted"


def test_keypoints_differ_in_colour_or_shape():
    assert len({style.keypoint_style(n) for n in range(28)}) == 28
    assert all(least_difference(map(to_rgb, style.KEYPOINTS), eye) > 9 for eye in EYES)


def test_line_art_is_an_svg_without_background_and_the_same_each_time():
    values = np.array([[0.3, 0.2, 0.5], [0.1, 0.05, 0.2]])
    settings = SimpleNamespace(layers=["conv1"], sift=[20.0], Cs=[1, 2], C=1)

    def drawn():
        yield style.curves([1, 2], {"a": values}, xlabel="x", ylabel="y")
        yield style.intervals(["a", "b"], {"a": values}, baseline={}, label="x")
        yield plots.validation(settings, {"conv1": values[:, 0], 20.0: values[:, 0]})
        yield plots.swept({"a": np.array([[0, 1, 0.5, 2]])}, xlabel="x", ylabel="y")

    for figure, again in zip(drawn(), drawn(), strict=True):
        text = figure.svg()
        assert text == again.svg() and "<dc:date>" not in text
        (background,) = ElementTree.fromstring(text).find(".//{*}g[@id='patch_1']")
        assert "fill: none" in background.get("style") or "opacity: 0" in background.get("style")


@pytest.mark.parametrize(("x", "found"), [(0.5, "'one' and 'another' overlap"), (0.95, "'another' leaves")])
def test_a_text_that_overlaps_another_or_leaves_the_canvas_is_found(x, found):
    figure, ((axes,),) = style.panels(1, 1, (3, 2))
    axes.set(xlim=(0, 1), xticks=[0, 0.5, 1, 2], title="a title")  # the tick at 2 is not drawn
    figure.text(0.5, 0.5, "one")
    legible.check(figure)
    figure.text(x, 0.5, "another")
    with pytest.raises(AssertionError, match=found):
        legible.check(figure)


def test_figure_6_names_the_visible_keypoints(rng):
    image = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    truth = np.array([[2.0, 3], [np.nan, np.nan], [9, 9]])
    correct = np.array([True, False, False])
    names = ("L_Eye", "R_Eye", "Nose")
    figure = plots.predicted([Example(names, image, truth, {"conv5": truth + 1}, {"conv5": correct})])
    first, second, legend = figure.axes
    assert [t.get_text() for t in legend.get_legend().get_texts()] == ["L Eye", "Nose"]
    for axes, shift in ((first, 0), (second, 1)):
        offsets = np.concatenate([c.get_offsets() for c in axes.collections if isinstance(c, PathCollection)])
        np.testing.assert_allclose(offsets, truth[[0, 2]] + shift)
    _, lines, *dots = second.collections
    right, wrong = (c.get_facecolors()[0, :3].tolist() for c in dots)
    assert right == list(to_rgb(style.KEYPOINTS[0])) and wrong == [1, 1, 1]
    np.testing.assert_allclose(lines.get_segments(), [[truth[k] + 1, truth[k]] for k in (0, 2)])
