"""Readers of pairs of images with corresponding keypoints, PF-PASCAL and SPair-71k, and their PCK.

Below, PF-PASCAL (Ham et al., 2017) with the lists of NCNet and others, then SPair-71k (Min et al., 2019)::

    root/<split>_pairs.csv                   or <split>_pairs_pf_pascal.csv, or in root/image_pairs
    root/PF-dataset-PASCAL/JPEGImages/<image>.jpg      or root/JPEGImages/<image>.jpg

    root/Layout/large/<split>.txt            trn, val, test
    root/PairAnnotation/<split>/<number>-<source>-<target>:<category>.json
    root/JPEGImages/<category>/<image>.jpg
"""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from PIL import Image

from corrlib.data.annotations import LARGEST, DataError
from corrlib.data.voc import PASCAL
from corrlib.metrics import errors


@dataclass(frozen=True, eq=False)
class Pair:
    """Two images of objects of one category, and the keypoints that are annotated in both.

    Attributes
    ----------
    name : ``<source>-<target>:<category>``; in SPair-71k, the pair's number comes first.
    images : Files of the source and of the target.
    points : ``(2, K, 2)`` float64 ``(x, y)`` in pixels, integers at pixel centres: source, then target.
    box : ``(4,)`` float64 xyxy edges of the target object in the same frame.
    """

    name: str
    category: str
    images: tuple[Path, Path]
    points: np.ndarray
    box: np.ndarray

    def pictures(self) -> list[np.ndarray]:
        """Read both images: ``(H, W, 3)`` uint8 RGB; DataError if one is missing or corrupt."""
        pictures = []
        for path in self.images:
            with _reading(path), Image.open(path, formats=("JPEG", "PNG")) as image:
                pictures.append(np.asarray(image.convert("RGB")))
        return pictures


def pf_pascal(root: str | Path, split: str = "test") -> list[Pair]:
    """Read a split of PF-PASCAL in the order of its list; DataError if that is missing or malformed.

    NCNet's lists give keypoints for ``test`` only. No list has boxes: a box is the tight box around the
    target's keypoints, as in much of the literature, and empty if there is only one keypoint.
    Coordinates are Berkeley's, counted from 1, times the scale of the resized photograph, mostly 0.6. One is
    subtracted, which at that scale leaves them 0.2 pixels too far to the left and to the top.
    """
    root, pairs = Path(root), []
    path, lines = _list(root, split, "image_pairs/*_pairs.csv", "*_pairs.csv", "*_pairs_pf_pascal.csv")
    # Lists name the dataset's folder; in some distributions root is that folder.
    prefix = "" if (root / "PF-dataset-PASCAL").is_dir() else "PF-dataset-PASCAL/"
    with _reading(path):
        rows = list(csv.DictReader(lines, restval=""))
    if not rows or "XA" not in rows[0]:
        raise DataError(f"{path} lists no keypoints (columns XA, YA, XB, YB): use another split or list")
    for number, row in enumerate(rows, 2):
        with _reading(f"{path}, line {number}"):
            names = [row[key].removeprefix(prefix) for key in ("source_image", "target_image")]
            if not all(re.fullmatch(r"([\w-]+/)*[\w-]+\.\w+", name) for name in names):  # no .. nor /...
                raise ValueError(f"{names} are not names of images below {root}")
            category = PASCAL[range(1, 21).index(int(row["class"]))]
            xa, ya, xb, yb = (map(float, row[key].split(";")) for key in ("XA", "YA", "XB", "YB"))
            points = _points([[*zip_longest(xa, ya)], [*zip_longest(xb, yb)]]) - 1
        source, target = (root / name for name in names)
        box = np.concatenate([points[1].min(axis=0), points[1].max(axis=0)])
        pairs.append(Pair(f"{source.stem}-{target.stem}:{category}", category, (source, target), points, box))
    return pairs


def spair(root: str | Path, split: str = "test", category: str | None = None) -> list[Pair]:
    """Read a split of SPair-71k, trn, val or test: the pairs of a category, or all, in the order of its list.

    DataError if there are none or a file is missing or malformed. Boxes are VOC's, 1-based and inclusive.
    Keypoints are SPair's own and are taken as 0-based, as in published code; the release does not say.
    """
    root, pairs = Path(root), []
    path, lines = _list(root, split, "Layout/large/*.txt")
    for line in filter(None, map(str.strip, lines)):
        parts = re.fullmatch(r"\d+-(\w+)-(\w+):(\w+)", line)  # leads to files below root only
        if not parts:
            raise DataError(f"{path}: {line!r:.60} is no <number>-<source>-<target>:<category>; unpack again")
        if category not in (None, parts[3]):
            continue
        file = root / "PairAnnotation" / split / f"{line}.json"
        with _reading(file):
            annotation = json.loads(file.read_text(encoding="utf-8"))
            names = [f"{parts[1]}.jpg", f"{parts[2]}.jpg"]
            if [annotation[key] for key in ("src_imname", "trg_imname", "category")] != [*names, parts[3]]:
                raise ValueError("it describes another pair than its name says")
            points = _points([annotation["src_kps"], annotation["trg_kps"]])
            box = np.array(annotation["trg_bndbox"], dtype=np.float64)
            if box.shape != (4,) or not (np.abs(box) < LARGEST).all() or (box[2:] < box[:2]).any():
                raise ValueError(f"trg_bndbox is {box.tolist()}, expected x0, y0, x1, y1")
        source, target = (root / "JPEGImages" / parts[3] / name for name in names)
        pairs.append(Pair(line, parts[3], (source, target), points, box - [1.5, 1.5, 0.5, 0.5]))
    if not pairs:
        categories = sorted({line.rpartition(":")[2] for line in lines})
        raise DataError(f"{path} has no pair of {category or 'any category'}, but of {categories}")
    return pairs


def pck(
    predicted: Sequence[np.ndarray],
    pairs: Sequence[Pair],
    alpha: float = 0.1,
    *,
    threshold: str = "box",
    average: str = "image",
) -> float:
    """Fraction, 0 to 1, of the targets' keypoints that are predicted correctly.

    ValueError if arguments or shapes do not fit; DataError if a box is empty or an image is not readable.

    Parameters
    ----------
    predicted, pairs : For each pair ``(K, 2)`` ``(x, y)`` in the target's frame; NaN counts as wrong.
    alpha : Errors must be less than alpha times the longer side; published code also accepts equality.
    threshold : ``box`` or ``image`` of the target; for SPair-71k, published code has boxes one pixel smaller.
    average : ``image``: the mean of the pairs' fractions; ``point``: the fraction of all keypoints.
    """
    if threshold not in ("box", "image") or average not in ("image", "point") or not alpha > 0:
        raise ValueError(f"expected box or image, image or point, alpha > 0: {threshold}, {average}, {alpha}")
    if not 0 < len(pairs) == len(predicted):
        raise ValueError(f"expected a prediction for each of some pairs, got {len(predicted)}, {len(pairs)}")
    boxes, correct = {}, []
    for path in {pair.images[1] for pair in pairs if threshold == "image"}:
        with _reading(path), Image.open(path, formats=("JPEG", "PNG")) as image:
            boxes[path] = np.array([0, 0, *image.size]) - 0.5
    for points, pair in zip(predicted, pairs, strict=True):
        box = boxes.get(pair.images[1], pair.box)
        if np.shape(points) != pair.points[1].shape:
            raise ValueError(f"{pair.name}: predicted {np.shape(points)}, expected {pair.points[1].shape}")
        if not (box[2:] > box[:2]).any():
            raise DataError(f"{pair.name}: the target's box is empty: use threshold='image'")
        correct.append(errors(np.asarray(points)[None], pair.points[1:], box[None])[0] < alpha)
    return float(np.mean(np.concatenate(correct) if average == "point" else [c.mean() for c in correct]))


def _list(root: Path, split: str, *patterns: str) -> tuple[Path, list[str]]:
    """The list of a split, of several that of the last pattern, and its lines."""
    lists = {p.stem.partition("_pairs")[0]: p for pattern in patterns for p in sorted(root.glob(pattern))}
    if split not in lists:
        have = ", ".join(lists) or f"no {' or '.join(patterns)}: unpack the dataset there"
        raise DataError(f"no split {split!r}: {root} has {have}")
    with _reading(lists[split]):
        return lists[split], lists[split].read_text(encoding="utf-8-sig").splitlines()


@contextmanager
def _reading(where: str | Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # of many kinds: csv.Error, RecursionError, DecompressionBombError, ...
        raise DataError(f"{where} is missing or malformed, unpack or get it again: {error!r:.200}") from None


def _points(values: list) -> np.ndarray:
    points = np.array(values if len(values[0]) == len(values[1]) else [], dtype=np.float64)
    if points.ndim != 3 or points.shape[2] != 2 or not (np.abs(points) < LARGEST).all():
        raise ValueError(f"expected keypoints (x, y), equally many in both images, all below {LARGEST:,.0f}")
    return points
