"""Read annotation files: Berkeley's keypoints and boxes, and VOC's flags. `VOC` reads whole datasets.

Both count pixels from 1; they are converted to points with integers at pixel centres.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import numpy as np
from defusedxml import DefusedXmlException

#: Minimum intersection over union of the boxes of a VOC object and of its Berkeley annotation.
SAME_BOX = 0.5
#: No coordinate is larger than this many pixels, so that areas are finite.
LARGEST = 1e6
#: What visible, truncated and difficult may say.
YES, NO = ("1", "true", "yes"), ("0", "false", "no")


class DataError(ValueError):
    """A file of the dataset is missing or corrupt; the message names it and the remedy."""


def _parse(path: Path) -> Element:
    try:
        # Entities can expand to gigabytes or read other files; annotations need none.
        return defusedxml.ElementTree.fromstring(path.read_bytes(), forbid_dtd=True)
    except DefusedXmlException as error:
        raise DataError(f"{path} is refused, it declares a document type or entities: {error}") from None
    except (ParseError, UnicodeDecodeError, LookupError, ValueError, OSError) as error:
        raise DataError(f"{path} is corrupt or no XML ({error}): unpack or download it again") from None


def named(path: Path) -> str:
    """The name of a file without suffix, with accents as lists have them: macOS has them apart."""
    return unicodedata.normalize("NFC", path.stem)


def read_category(paths: Sequence[Path], flags: Mapping[str, Path], category: str) -> dict[str, np.ndarray]:
    """Read all Berkeley annotations of a category, and VOC's flags of their objects.

    `flags` has VOC's annotations by image. DataError as for one file, or if two annotate the same object.

    Returns
    -------
    dict
        ``names`` of the K keypoints, sorted: all that occur. ``images`` and ``numbers`` of the N objects; all
        three are UTF-8, separated by null bytes. ``boxes`` ``(N, 4)`` and ``keypoints`` ``(N, K, 2)``, NaN if
        invisible or missing; ``flags`` ``(N, 2)``, truncated and difficult.
    """
    found: dict[tuple[str, int], dict] = {}
    for path in paths:
        image_id, _, number = named(path).rpartition("_")
        if not image_id or not number.isdecimal():
            raise DataError(f"{path}: expected a name like 2007_000033_1.xml (<image>_<number>.xml)")
        read = read_berkeley(path)
        if found.setdefault((image_id, int(number)), read) is not read:
            raise DataError(f"{path}: another file annotates object {int(number)}, too: remove one")
        given = read_flags(flags[image_id], category, read["box"]) if image_id in flags else {}
        read["flags"] = [given.get(flag, False) for flag in ("truncated", "difficult")]
    names = sorted({name for read in found.values() for name in read["keypoints"]})
    points = [read["keypoints"].get(name, (np.nan, np.nan)) for read in found.values() for name in names]
    texts = {"names": names, "images": [i for i, _ in found], "numbers": [str(n) for _, n in found]}
    return {key: np.frombuffer("\0".join(each).encode(), np.uint8) for key, each in texts.items()} | {
        "boxes": np.stack([read["box"] for read in found.values()]),
        "keypoints": np.array(points, dtype=np.float64).reshape(len(found), len(names), 2),
        "flags": np.array([read["flags"] for read in found.values()]),
    }


def read_berkeley(path: Path) -> dict:
    """Read one Berkeley annotation.

    In the original files, invisible keypoints are listed only for persons. ``visible_bounds`` is the VOC box
    of the object, with ``width = xmax - xmin``.

    DataError if the file is not XML, declares entities, or lacks valid bounds, keypoint names or numbers.

    Returns
    -------
    dict
        ``box``, ``(4,)`` xyxy edges; ``keypoints``, name -> ``(x, y)``, NaN if invisible.
    """
    root = _parse(path)
    bounds = root.find("visible_bounds")
    if bounds is None:
        raise DataError(f"{path} has no <visible_bounds>, the box of its object: repair or remove the file")
    x, y, width, height = _numbers(path, bounds, "xmin", "ymin", "width", "height")
    if width < 0 or height < 0:  # 0 is one pixel: VOC's corners are inclusive
        raise DataError(f"{path}: its <visible_bounds> are {width} x {height}: repair or remove the file")
    keypoints = {}
    for element in root.iterfind("keypoints/keypoint"):
        name, visible = element.get("name", "").strip(), element.get("visible", "1").strip().lower()
        if not name:
            raise DataError(f"{path}: a <keypoint> has no name: repair or remove the file")
        # The coordinates of invisible keypoints are guesses, often far outside the image.
        keypoints[name] = (np.nan, np.nan)
        if visible not in NO:
            keypoints[name] = tuple(v - 1 for v in _numbers(path, element, "x", "y"))
    return {"box": _edges(x, y, x + width, y + height), "keypoints": keypoints}


def read_flags(path: Path, category: str, box: np.ndarray) -> dict[str, bool]:
    """Read ``truncated`` and ``difficult`` of the object of `category` at `box` from a VOC annotation.

    The object is the one with the largest overlap, at least `SAME_BOX`; without such an object, there are no
    flags.
    """
    best, flags = SAME_BOX, {}
    for element in _parse(path).iterfind("object"):
        bounds = element.find("bndbox")
        if element.findtext("name", "").strip() != category or bounds is None:
            continue
        corners = {tag: bounds.findtext(tag, "") for tag in ("xmin", "ymin", "xmax", "ymax")}
        # Some tools write the corners in the order in which they were clicked.
        ordered = np.sort(np.reshape(_numbers(path, corners, *corners), (2, 2)), axis=0)
        overlap = _overlap(box, _edges(*ordered.flat))
        if overlap >= best:
            best = overlap
            flags = {t: element.findtext(t, "").strip().lower() in YES for t in ("truncated", "difficult")}
    return flags


def _numbers(path: Path, element: Element | dict[str, str], *names: str) -> list[float]:
    values = []
    for name in names:
        try:
            values.append(float(element.get(name, "")))
        except ValueError:
            values.append(np.nan)
        if not abs(values[-1]) < LARGEST:  # true of NaN, too
            where = getattr(element, "tag", "bndbox")
            found = f"{element.get(name)!r:.60}"
            raise DataError(f"{path}: {name} of <{where}> is {found}, expected a number of pixels")
    return values


def _edges(xmin: float, ymin: float, xmax: float, ymax: float) -> np.ndarray:
    """Convert VOC's 1-based inclusive box to xyxy edges, with integers at pixel centres."""
    return np.array([xmin - 1.5, ymin - 1.5, xmax - 0.5, ymax - 0.5])


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common = np.prod(np.maximum(sides, 0))
    return float(common / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - common))
