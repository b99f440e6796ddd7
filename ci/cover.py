"""Draw book/images/figurines.jpg, the picture of the README and the introduction: python ci/cover.py

One instance of each of the twenty categories of the embedded world, with its visible keypoints.
"""

from pathlib import Path

import cv2
import numpy as np

from corrlib.figurines import CATEGORIES, Scene, Thing, instance

OUT = Path(__file__).resolve().parents[1] / "book" / "images" / "figurines.jpg"
COLUMNS, SIDE, GAP = 5, 200, 6
# Instances of a category from which the best view is chosen.
CANDIDATES = 24


def half_side(thing: Thing) -> float:
    """Return half the side of a square that shows all of a thing with some space around it."""
    x0, y0, x1, y1 = thing.box
    return 0.56 * max(x1 - x0, y1 - y0)


def view(scene: Scene) -> tuple[bool, bool, int]:
    """Return how well a scene shows its thing: whole, in a square of the image, with many keypoints."""
    thing = scene.things[0]
    fits = 2 * half_side(thing) <= min(scene.image.shape[:2])
    return thing.shown > 0.97, fits, sum(thing.visible.values())


def portrait(category: str) -> np.ndarray:
    """Return a square (SIDE, SIDE, 3) BGR picture of an instance in full view, keypoints marked."""
    scenes = [instance(0, category, index) for index in range(CANDIDATES)]
    scene = max(scenes, key=view)
    thing = scene.things[0]
    height, width = scene.image.shape[:2]
    x0, y0, x1, y1 = thing.box
    half = half_side(thing)
    # A square around the box, moved so that it stays inside the image where it fits.
    x = np.clip((x0 + x1) / 2, half - 0.5, max(half, width - half) - 0.5)
    y = np.clip((y0 + y1) / 2, half - 0.5, max(half, height - half) - 0.5)
    scale = SIDE / (2 * half)
    # Integers are pixel centres: the left edge of the crop, at -0.5, is where the square begins.
    into = np.array([[scale, 0, (half - x) * scale - 0.5], [0, scale, (half - y) * scale - 0.5]])
    bgr = np.ascontiguousarray(scene.image[..., ::-1])
    picture = cv2.warpAffine(bgr, into, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    hues = np.linspace(0, 179, len(thing.keypoints), endpoint=False)
    for hue, (name, point) in zip(hues, thing.keypoints.items(), strict=True):
        if thing.visible[name]:
            colour = cv2.cvtColor(np.uint8([[[hue, 200, 255]]]), cv2.COLOR_HSV2BGR)[0, 0].tolist()
            centre = np.round((into @ [*point, 1]) * 16).astype(int).tolist()
            cv2.circle(picture, centre, 4 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
            cv2.circle(picture, centre, 3 * 16, colour, -1, cv2.LINE_AA, 4)
    return picture


def main() -> None:
    """Write the picture."""
    framed = [
        cv2.copyMakeBorder(portrait(c), 0, GAP, 0, GAP, cv2.BORDER_CONSTANT, value=(255,) * 3)
        for c in CATEGORIES
    ]
    rows = [cv2.hconcat(framed[k : k + COLUMNS]) for k in range(0, len(framed), COLUMNS)]
    OUT.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(OUT), cv2.vconcat(rows)[:-GAP, :-GAP], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
