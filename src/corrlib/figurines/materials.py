"""Materials: what surfaces are made of, in colours as photographs have them."""

import colorsys

import numpy as np

from corrlib.figurines.shading import MATERIAL

#: Shares of hue in all chroma, in twelve bins of 30 degrees; quantiles (5 %, 15 % ... 95 %) of saturation
#: (HSV) and lightness (HSL). Measured on 500 photographs, one of each of 500 ImageNet classes.
HUES = (0.281, 0.284, 0.103, 0.05, 0.014, 0.016, 0.076, 0.086, 0.012, 0.004, 0.011, 0.062)
SATURATION = (0.072, 0.125, 0.168, 0.211, 0.256, 0.307, 0.362, 0.426, 0.504, 0.626)
LIGHTNESS = (0.138, 0.226, 0.294, 0.357, 0.421, 0.482, 0.544, 0.614, 0.695, 0.8)

# fmt: off
#: Materials of the same look in all categories: ranges of hue, saturation and value, then the finish.
SLOTS = {
    "dark": ((0, 1), (0, 0.15), (0.07, 0.2), "rubber"), "glass": ((0.5, 0.6), (0, 0.3), (0.1, 0.25), "glass"),
    "light": ((0.1, 0.15), (0, 0.1), (0.75, 1), "plastic"), "metal": ((0, 1), (0, 0.06), (0.5, 0.7), "metal"),
    "skin": ((0, 0.07), (0.3, 0.5), (0.4, 0.9), "skin"), "leaf": ((0.2, 0.3), (0.3, 0.6), (0.2, 0.5), "leaf"),
    "wood": ((0.05, 0.1), (0.3, 0.5), (0.3, 0.6), "wood"), "red": ((0.97, 1), (0.6, 0.8), (0.5, 0.7), "gem"),
    "eye": ((0.05, 0.13), (0.5, 0.8), (0.15, 0.45), "gem"), "pupil": ((0, 1), (0, 0.3), (0.02, 0.06), "gem"),
    "brown": ((0, 0.08), (0, 0.5), (0.1, 0.4), "skin"), "stone": ((0.1, 0.15), (0, 0.2), (0.3, 0.7), "stone"),
}
#: Finish: cells of its grain per figure diameter along x, y and z, then gloss, mirror, grain, bump, soft.
FINISHES = {
    "fur": ((40, 110, 110), 0.03, 0.0, 0.4, 0.3, 1), "wool": ((80, 80, 80), 0.0, 0.0, 0.3, 2.4, 1),
    "tabby": ((40, 110, 110), 0.03, 0.0, 0.4, 0.3, 1), "glass": ((8, 8, 8), 0.9, 0.22, 0.05, 0.0, 0),
    "feather": ((50, 120, 120), 0.06, 0.0, 0.3, 0.15, 1), "cloth": ((70, 70, 70), 0.0, 0.0, 0.15, 0.35, 1),
    "skin": ((60, 60, 60), 0.08, 0.0, 0.1, 0.08, 1), "paint": ((12, 12, 12), 0.5, 0.1, 0.06, 0.0, 0),
    "plastic": ((30, 30, 30), 0.35, 0.05, 0.05, 0.0, 0),
    "metal": ((30, 30, 30), 0.7, 0.5, 0.12, 0.06, 0), "rubber": ((60, 60, 60), 0.1, 0.0, 0.2, 0.1, 0),
    "leaf": ((60, 60, 60), 0.05, 0.0, 1.3, 3.5, 0), "wood": ((12, 12, 90), 0.1, 0.0, 0.3, 0.1, 0),
    "stone": ((30, 30, 30), 0.0, 0.0, 0.4, 0.5, 0), "gem": ((10, 10, 10), 1.0, 0.12, 0.0, 0.0, 0),
}
#: Shares of stripes and of patches; the others are plain.
PATTERNS = {"fur": (0, 0.35), "tabby": (0.35, 0.25), "feather": (0.15, 0.15), "cloth": (0.2, 0.1)}
#: Paint of vehicles, as in `SLOTS`: white, grey or black, red, yellow, green, blue.
PAINTS = (
    ((0, 1), (0, 0.06), (0.8, 1)), ((0, 1), (0, 0.1), (0.12, 0.6)), ((0.97, 1.01), (0.6, 0.85), (0.45, 0.8)),
    ((0.08, 0.14), (0.6, 0.85), (0.65, 0.95)), ((0.3, 0.45), (0.4, 0.7), (0.25, 0.55)),
    ((0.56, 0.64), (0.45, 0.8), (0.3, 0.75)),
)
# fmt: on


def hsv(rng: np.random.Generator, hue, saturation, value) -> np.ndarray:
    """A colour of three ranges, hue in turns."""
    rgb = colorsys.hsv_to_rgb(rng.uniform(*hue) % 1.0, rng.uniform(*saturation), rng.uniform(*value))
    return np.array(rgb, np.float32)


def natural(rng: np.random.Generator, vivid: float = 1.0) -> np.ndarray:
    """A colour with hue, saturation and lightness as photographs have; `vivid` multiplies the second."""
    hue = (rng.choice(12, p=np.array(HUES) / sum(HUES)) + rng.random()) / 12
    saturation, lightness = (np.interp(9 * rng.random(), range(10), each) for each in (SATURATION, LIGHTNESS))
    # reds and yellows are mostly browns, and bright things pale; few but plants, sky and paint are vividly
    # green, blue or purple
    if hue < 1 / 6:
        hue = 0.03 + 0.55 * hue
    else:
        saturation *= 1 if vivid > 1 else 0.08
    saturation = min(vivid * saturation * (1.2 - lightness), 0.8)
    # of HSV, whose lightness is the mean of the largest and the smallest channel
    rgb = colorsys.hsv_to_rgb(hue, saturation, min(lightness / (1 - saturation / 2), 1.0))
    return np.array(rgb, np.float32)


def materials(rng: np.random.Generator, slots: list[str], finish: str = "paint") -> np.ndarray:
    """Draw the materials of one figure: a row of `MATERIAL` for each slot, in the order given.

    ``"glass"`` and its like say which colours. The others take natural ones, and the figure's own `finish`:
    ``"body2"`` and ``"trim"`` are mostly lighter and darker than ``"body"``, ``"trim2"`` has a colour of its
    own. Fur is never vivid, paint mostly, all else at times.
    """
    coat = natural(rng, 2.0 if finish not in ("fur", "tabby") and rng.random() < 0.3 else 1.0)
    if finish == "paint":
        coat = hsv(rng, *PAINTS[rng.integers(len(PAINTS))])
    shades = {
        "body": coat,
        "body2": coat + (1 - coat) * rng.uniform(0.2, 0.9) if rng.random() < 0.6 else natural(rng),
        "trim": coat * rng.uniform(0.25, 0.7) if rng.random() < 0.7 else natural(rng),
        "trim2": natural(rng, 2.0),
    }
    stripes, patches = (0, 0) if "wool" in slots else PATTERNS.get(finish, (0, 0))
    pattern = rng.choice(3, p=(1 - stripes - patches, stripes, patches))
    second = natural(rng) if rng.random() < 0.4 else rng.choice([0.12, 0.3, 0.9]) * np.array([1, 0.95, 0.88])
    if pattern == 1 and finish != "cloth":
        second = 0.78 * coat  # a tabby
    freq = rng.uniform(4, 9) * (1 if pattern == 2 else 1.8)
    axis, seed = rng.normal([1, 0, 0], 0.3), rng.integers(1 << 30)
    table = np.zeros(len(slots), MATERIAL)
    for row, slot in zip(table, slots, strict=True):
        *colour, own = SLOTS.get(slot, (shades.get(slot, coat), "wool" if slot == "wool" else finish))
        row["a"] = (hsv(rng, *colour) if slot in SLOTS else colour[0]) ** 2
        if slot == "body":
            row["b"], row["pattern"] = second**2, pattern
        row["freq"], row["axis"], row["seed"] = freq, axis / np.linalg.norm(axis), seed
        row["fine"], row["gloss"], row["mirror"], row["grain"], row["bump"], row["soft"] = FINISHES[own]
    return table
