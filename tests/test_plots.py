"""Figures for every reader: line art that a page can invert, colours that can be seen and told apart."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from conftest import ROOT
from corrlib.publishing import plots
from corrlib.publishing.plots import style

# How dichromats see linear RGB: Machado, Oliveira and Fernandes (2009), severity 1.
EYES = {
    "all cones": np.eye(3),
    "protanopia": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deuteranopia": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritanopia": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}
#: The background of dark pages, and what their filter, invert(1) hue-rotate(180deg), makes of a colour.
DARK = np.array(to_rgb("#121212"))
ROTATION = np.array([[-0.574, 1.430, 0.144], [0.426, 0.430, 0.144], [0.426, 1.430, -0.856]])


def inverted(rgb):
    return np.clip((1 - np.asarray(rgb)) @ ROTATION.T, 0, 1)


def linear(rgb):
    rgb = np.asarray(rgb)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """WCAG's contrast ratio."""
    light, dark = sorted((float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb):
    """CIELAB of linear RGB."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.asarray(to_xyz) @ rgb / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def seen(rgb, eye):
    return lab(np.clip(np.asarray(EYES[eye]) @ linear(rgb), 0, 1))


def test_the_measures_of_colour_are_right():
    assert contrast((1, 1, 1), (0, 0, 0)) == pytest.approx(21)
    assert contrast((1, 1, 1), to_rgb("#767676")) == pytest.approx(4.54, abs=0.01)
    np.testing.assert_allclose(lab(linear((1.0, 0, 0))), [53.2, 80.1, 67.2], atol=0.3)
    red, green = to_rgb("#c84a2a"), to_rgb("#7a7a20")  # which deuteranopes confuse
    apart = {eye: np.linalg.norm(seen(red, eye) - seen(green, eye)) for eye in EYES}
    assert apart["all cones"] > 55 and apart["deuteranopia"] < 20


@pytest.mark.parametrize("palette", ["COLOURS", "ordered 5"])
@pytest.mark.parametrize("page", ["light", "dark"])
def test_lines_stand_out_and_can_be_told_apart_by_every_eye(palette, page):
    colours = {"COLOURS": style.COLOURS, "ordered 5": style.ordered(5)}[palette]
    colours = [np.array(to_rgb(colour)) for colour in colours]
    if page == "dark":
        colours = [inverted(colour) for colour in colours]
    background = DARK if page == "dark" else np.ones(3)
    assert min(contrast(colour, background) for colour in colours) >= 2.95  # WCAG asks 3 of graphics
    for eye in EYES:
        pairs = itertools.combinations([seen(colour, eye) for colour in colours], 2)
        assert min(np.linalg.norm(a - b) for a, b in pairs) > 12, eye
    assert contrast(inverted(to_rgb(style.GREY)), DARK) > 3 and contrast(to_rgb(style.GREY), (1, 1, 1)) > 4.5


def test_keypoints_have_a_colour_and_shape_of_their_own_and_colours_are_seen_apart():
    assert len({style.keypoint_style(n) for n in range(21)}) == 21
    for eye in EYES:
        pairs = itertools.combinations([seen(to_rgb(colour), eye) for colour in style.KEYPOINTS], 2)
        assert min(np.linalg.norm(a - b) for a, b in pairs) > 9, eye


def test_line_art_is_an_svg_without_background_and_the_same_each_time():
    values = np.array([[0.3, 0.2, 0.5], [0.1, 0.05, 0.2]])

    def drawn():
        yield plots.curves([1, 2], {"a": values}, xlabel="x")
        yield plots.intervals(["a", "b"], {"a": values}, baseline={}, label="x")
        yield plots.validation([1, 2], {"a": {"conv1": values[:, 0]}}, mark=1)
        yield plots.swept({"a": np.array([[0, 1, 0.5, 2]])}, xlabel="x", ylabel="y")

    formatter = InteractiveShell.instance().display_formatter
    try:
        for figure, again in zip(drawn(), drawn(), strict=True):
            text = figure._repr_svg_()
            assert text == again._repr_svg_() and "<dc:date>" not in text
            root = ElementTree.fromstring(text)
            (background,) = root.find(".//{*}g[@id='patch_1']")
            assert "fill: none" in background.get("style") or "opacity: 0" in background.get("style")
            assert "image/svg+xml" in formatter.format(figure)[0], "what is glued"
        plain = plots.displacements(
            np.zeros((9, 9, 3), np.uint8),
            *({"a": np.zeros((9, 9, n), np.uint8)} for n in (3, 3)),
            {"a": np.ones((9, 9, 2))},
            np.ones((1, 1, 2)),
        )
        assert "image/svg+xml" not in formatter.format(plain)[0], "a picture is a picture"
    finally:
        InteractiveShell.clear_instance()
        plt.close("all")


def test_dark_pages_invert_line_art_and_nothing_else():
    css = (ROOT / "book" / "_vendor" / "corrlib.css").read_text()
    rules = dict(re.findall(r"(html\[data-theme=\"dark\"\] \.bd-content img\S*) \{([^}]*)\}", css))
    assert len(rules) == 2
    assert "filter: none" in rules['html[data-theme="dark"] .bd-content img']
    assert "invert(1) hue-rotate(180deg)" in rules['html[data-theme="dark"] .bd-content img[src$=".svg"]']


def test_figure_6_numbers_what_is_seen(rng):
    image = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    truth = np.array([[2.0, 3], [np.nan, np.nan], [9, 9]])
    points = {"ground truth": [truth], "conv5": [truth + 1]}
    right = {name: [np.array([True, False, name != "conv5"])] for name in points}
    figure = plots.predicted([image], [["L_Eye", "R_Eye", "Nose"]], points, right)
    first, second, legend = figure.axes
    assert [t.get_text() for t in legend.get_legend().get_texts()] == ["1 L Eye", "2 Nose"]
    for axes, shift in ((first, 0), (second, 1)):
        assert [t.get_text() for t in axes.texts] == ["1", "2"]
        offsets = np.concatenate([c.get_offsets() for c in axes.collections])
        np.testing.assert_allclose(offsets, truth[[0, 2]] + shift)
    shapes = [c.get_paths()[0].vertices.shape for c in second.collections]
    assert shapes[0] != shapes[1], "a disc and a cross"
    plt.close("all")
