"""Dense truth: which point of which part each pixel shows, and so where it is on another instance."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from corrlib.figurines.models import parts

#: Unit coordinates reach 2 at most (a frustum's wide end); 16 bits over -2..2 resolve 6e-5 of a part.
_REACH = 2.0
_STEPS = 65535


@dataclass(frozen=True)
class Truth:
    """What every pixel of an image shows.

    Attributes
    ----------
    owner : (H, W) uint8, 0 for the background, else the number ``n`` of the thing, from 1, and of its
        annotation ``<image>_<n>.xml``.
    part : (H, W) uint8, number of the part within `parts` of the owner's category.
    unit : (H, W, 3) float32, the point of the part in its unit frame.
    categories : category of each owner, ``n - 1`` its place.
    frames : for each owner ``{part number: (3, 4) affine map from unit frame to x, y and depth in pixels}``.
    """

    owner: np.ndarray
    part: np.ndarray
    unit: np.ndarray
    categories: tuple[str, ...]
    frames: tuple[dict[int, np.ndarray], ...]


def write_truth(folder: Path, name: str, truth: Truth) -> None:
    """Write the truth of an image: the parts' frames to ``<name>.json``, the pixels to ``<name>.png``.

    It has 16 bits a channel: owner and part, then the unit frame's x, y, z.
    """
    packed = np.zeros((*truth.owner.shape, 4), np.uint16)
    packed[..., 0] = truth.owner.astype(np.uint16) << 8 | truth.part
    packed[..., 1:] = np.rint((truth.unit + _REACH) * (_STEPS / (2 * _REACH))) * (truth.owner > 0)[..., None]
    path = folder / f"{name}.png"
    # OpenCV writes BGRA; the first channel of the file is then the third here
    if not cv2.imwrite(str(path), packed[..., [2, 1, 0, 3]], [cv2.IMWRITE_PNG_COMPRESSION, 1]):
        raise OSError(f"{path}: could not be written; is the disk full?")
    things = []
    for category, places in zip(truth.categories, truth.frames, strict=True):
        frames = {parts(category)[part]: np.round(frame, 3).tolist() for part, frame in places.items()}
        things.append({"category": category, "frames": frames})
    (folder / f"{name}.json").write_text(json.dumps({"things": things}))


def read_truth(root: str | os.PathLike, image_id: str) -> Truth:
    """Read the dense truth of an image of a figurine world.

    ValueError if there is no such truth, or the files are broken.
    """
    path = Path(root) / "truth" / f"{image_id}.png"
    packed = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.exists() else None
    if packed is None or packed.ndim != 3 or packed.shape[2] != 4 or packed.dtype != np.uint16:
        raise ValueError(
            f"{path}: no dense truth for image {image_id!r}; only figurine worlds have it, "
            "write the world anew if this is one"
        )
    packed = packed[..., [2, 1, 0, 3]]
    owner = (packed[..., 0] >> 8).astype(np.uint8)
    unit = packed[..., 1:].astype(np.float32) * np.float32(2 * _REACH / _STEPS) - np.float32(_REACH)
    unit[owner == 0] = 0
    things = json.loads(path.with_suffix(".json").read_text())["things"]
    categories = tuple(thing["category"] for thing in things)
    frames = tuple(
        {parts(thing["category"]).index(part): np.array(frame) for part, frame in thing["frames"].items()}
        for thing in things
    )
    return Truth(owner, (packed[..., 0] & 255).astype(np.uint8), unit, categories, frames)


def correspond(
    a: Truth, b: Truth, *, owner_a: int = 1, owner_b: int = 1, tolerance: float = 2.5
) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of a thing in image `a` is on a thing of the same category in image `b`.

    Parameters
    ----------
    owner_a, owner_b : the things' numbers.
    tolerance : px within which a surface seen in `b` counts as the one asked for (pixels are not points).

    Returns
    -------
    points : (H, W, 2) float64, the place (x, y) in `b`; NaN off the thing and where `b`'s has no such part.
    visible : (H, W) bool, whether `b` shows that place: not hidden, not outside.

    Raises
    ------
    ValueError : the things are of different categories.
    """
    if a.categories[owner_a - 1] != b.categories[owner_b - 1]:
        raise ValueError(
            "only things of one category correspond, "
            f"not {a.categories[owner_a - 1]} and {b.categories[owner_b - 1]}"
        )
    height, width = b.owner.shape
    places = np.full((*a.owner.shape, 3), np.nan)
    # what b shows; one row or column more on each side shows nothing
    shown = np.full((height + 2, width + 2, 3), np.inf)
    for number, frame in b.frames[owner_b - 1].items():
        here = (a.owner == owner_a) & (a.part == number)
        places[here] = a.unit[here] @ frame[:, :3].T + frame[:, 3]
        there = (b.owner == owner_b) & (b.part == number)
        shown[1:-1, 1:-1][there] = b.unit[there] @ frame[:, :3].T + frame[:, 3]
    known, visible = np.isfinite(places[..., 0]), np.zeros(a.owner.shape, bool)
    corner = np.floor(places[known][:, :2]).astype(int)
    # the four pixels around the place: any that shows the same surface close by
    for shift in np.ndindex(2, 2):
        column, row = np.clip(corner + shift, -1, [width, height]).T + 1
        visible[known] |= ((shown[row, column] - places[known]) ** 2).sum(-1) < tolerance**2
    return places[..., :2], visible
