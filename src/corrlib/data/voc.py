"""Reader of PASCAL VOC 2011 with the Berkeley keypoint annotations: the layout of all datasets here.

::

    root/VOCdevkit/VOC2011/JPEGImages/<image>.jpg
    root/VOCdevkit/VOC2011/Annotations/<image>.xml            truncated, difficult
    root/VOCdevkit/VOC2011/ImageSets/Main/<split>.txt         train, val
    root/annotations/<category>/<image>_<n>.xml               boxes and keypoints

Photographs may be PNG, too; suffixes may be in capitals.
"""

import contextlib
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from itertools import pairwise, repeat
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from corrlib.cache import cached
from corrlib.data.annotations import DataError, named, read_category

#: The twenty categories of PASCAL VOC.
PASCAL = ["aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"]
PASCAL += ["diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"]
PASCAL += ["train", "tvmonitor"]
#: Suffixes of photographs, in small letters.
IMAGES = (".jpg", ".jpeg", ".png")
#: Maximum number of pixels of an image: a few corrupt bytes can claim billions, which take minutes to decode.
PIXELS = 1 << 25


@dataclass(frozen=True, eq=False)
class Instance:
    """One annotated object.

    Attributes
    ----------
    image_id, number : Its annotation is ``annotations/<category>/<image_id>_<number>.xml``.
    box : ``(4,)`` float64, xyxy edges: a whole image is ``(-0.5, -0.5, W - 0.5, H - 0.5)``.
    keypoints
        ``(K, 2)`` float64 ``(x, y)`` in the order of `VOC.keypoint_names`; NaN where invisible or not
        annotated. A visible one may lie outside its box and even slightly outside the image, as annotated.
    truncated, difficult : VOC's flags; False where VOC has no matching object.
    """

    image_id: str
    number: int
    category: str
    box: np.ndarray
    keypoints: np.ndarray
    truncated: bool = False
    difficult: bool = False


def census(objects: Sequence[Instance]) -> dict[str, int]:
    """Count objects.

    ``images`` that show them; ``objects``; those ``used``, which have a visible keypoint; visible
    ``keypoints``; those ``outside`` the box; objects that VOC marks ``truncated`` and ``difficult``.
    """
    seen = [np.isfinite(one.keypoints).all(axis=1) for one in objects]
    outside = [(one.keypoints < one.box[:2]) | (one.keypoints > one.box[2:]) for one in objects]
    return {
        "images": len({one.image_id for one in objects}),
        "objects": len(objects),
        "used": sum(bool(visible.any()) for visible in seen),
        "keypoints": sum(int(visible.sum()) for visible in seen),
        "outside": sum(int(either.any(axis=1).sum()) for either in outside),
        "truncated": sum(one.truncated for one in objects),
        "difficult": sum(one.difficult for one in objects),
    }


@dataclass(frozen=True)
class VOC:
    """A dataset on disk; its files are read when they are needed. The cache keeps what annotations say.

    Parameters
    ----------
    root
        The folder that holds ``VOCdevkit`` and ``annotations``. Categories are the folders of the latter that
        hold annotations. Hidden files and folders, such as macOS leaves behind, are ignored.
    difficult, truncated
        Whether to use objects that VOC marks as such. The paper does not say; by default all are used.

    Raises
    ------
    DataError
        If one of the folders is missing.
    """

    root: Path
    difficult: bool = True
    truncated: bool = True
    _objects: dict[str, tuple] = field(default_factory=dict, repr=False, compare=False)
    _instances: dict[tuple[str, str], list] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))
        for folder in (self._voc / "JPEGImages", self._sets, self.root / "annotations"):
            if not folder.is_dir():
                raise DataError(
                    f"{self.root} is no dataset: it lacks the folder {folder.relative_to(self.root)}. "
                    "Expected VOC 2011 as it unpacks (VOCdevkit/VOC2011) and, beside it, the Berkeley "
                    "keypoint annotations (annotations/<category>/<image>_<number>.xml)"
                )
        if not self.categories:
            raise DataError(f"{self.root / 'annotations'} is empty: expected a folder for each category")

    @property
    def _voc(self) -> Path:
        return self.root / "VOCdevkit" / "VOC2011"

    @property
    def _sets(self) -> Path:
        return self._voc / "ImageSets" / "Main"

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Names of the categories, sorted."""
        return tuple(self._annotation_files)

    @cached_property
    def name(self) -> str:
        """``figurines`` (rendered by this package), ``voc2011`` (the paper's), or ``photos`` (any others).

        VOC's are images of its years, such as ``2008_000123``, of some or all of its categories.
        """
        if (self.root / "figurines.json").is_file():
            return "figurines"
        names = (path.stem for files in self._annotation_files.values() for path in files)
        years = all(re.fullmatch(r"20(07|08|09|10|11)_\d{6}_\d+", name) for name in names)
        return "voc2011" if years and set(self.categories) <= set(PASCAL) else "photos"

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of names and contents of all files that this class reads, and flags.

        They do not depend on the location of the dataset. They are computed once, in about 1.5 seconds for
        ten thousand photographs (1 GB).
        """
        digest = hashlib.sha256()
        for path in self._all_files():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(self.root).as_posix()} {content}\n".encode())
        for flag in ("difficult", "truncated"):
            digest.update(b"" if getattr(self, flag) else f"without {flag}\n".encode())
        return digest.hexdigest()[:16]

    def keypoint_names(self, category: str) -> tuple[str, ...]:
        """Names of a category's keypoints, sorted: all that occur in its annotations, visible or not."""
        return self._category(category)[0]

    def image_ids(self, split: str) -> list[str]:
        """Images of a split (``train``, ``val``, ...), each once, in the order of its list."""
        splits = sorted(p.stem for p in self._sets.glob("*.txt") if "_" not in p.stem)
        if split not in splits:
            raise DataError(f"unknown split {split!r}: {self._sets} has {', '.join(splits) or 'none'}")
        path = self._sets / f"{split}.txt"
        try:
            lines = unicodedata.normalize("NFC", path.read_text(encoding="utf-8-sig")).splitlines()
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is corrupt or no text ({error}): unpack or download it again") from None
        suffix = re.compile(rf"({'|'.join(IMAGES)})$", re.I)
        ids = list(dict.fromkeys(suffix.sub("", line.strip()) for line in lines if line.strip()))
        if ids and self._annotated.isdisjoint(ids):
            raise DataError(
                f"{path} lists no image that is annotated: it begins with {ids[0]!r}, and the annotations are"
                f" named as {min(self._annotated)!r}; a line holds the name of one image"
            )
        return ids

    def instances(self, category: str, split: str) -> list[Instance]:
        """Annotated objects of a category, in the order of the split's images and of their numbers."""
        if (category, split) not in self._instances:
            wanted = {image_id: order for order, image_id in enumerate(self.image_ids(split))}
            _, objects = self._category(category)
            found = sorted(
                (i for i in objects if i.image_id in wanted), key=lambda i: (wanted[i.image_id], i.number)
            )
            used = (i for i in found if self.difficult or not i.difficult)
            self._instances[category, split] = [i for i in used if self.truncated or not i.truncated]
        return list(self._instances[category, split])

    def image(self, image_id: str) -> np.ndarray:
        """Read an image: ``(H, W, 3)`` uint8 RGB, pixels as stored (EXIF orientation is ignored)."""
        path = self.images.get(image_id)
        if not path:
            folder = self._voc / "JPEGImages"
            raise DataError(f"no image {image_id} in {folder}: check its name, or unpack the images again")
        data = path.read_bytes()
        image = None
        if size := _size(data):
            if size[0] * size[1] > PIXELS:
                raise DataError(
                    f"{path} says that it has {size[0]} x {size[1]} pixels, more than {PIXELS:,}: if that is "
                    "true, make it smaller, else unpack or download it again"
                )
            flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if image is None:
            raise DataError(
                f"{path} is corrupt, or no JPEG or PNG ({len(data)} bytes): unpack or download it again"
            )
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)

    @cached_property
    def images(self) -> dict[str, Path]:
        """Image -> its file, of all that are there."""
        return {named(path): path for path in _files(self._voc / "JPEGImages", *IMAGES)}

    @cached_property
    def _flags(self) -> dict[str, Path]:
        """Image -> VOC's annotation of it."""
        return {named(path): path for path in _files(self._voc / "Annotations", ".xml")}

    @cached_property
    def _annotation_files(self) -> dict[str, list[Path]]:
        """Category -> its annotations; categories are sorted."""
        folders = sorted(p for p in (self.root / "annotations").iterdir() if p.is_dir() and _seen(p))
        return {folder.name: files for folder in folders if (files := _files(folder, ".xml"))}

    @cached_property
    def _annotated(self) -> set[str]:
        """Images that are annotated."""
        files = (path for each in self._annotation_files.values() for path in each)
        return {named(path).rpartition("_")[0] for path in files}

    def _all_files(self) -> Iterator[Path]:
        yield from (*self._flags.values(), *_files(self._sets, ".txt"), *self.images.values())
        for files in self._annotation_files.values():
            yield from files
        if self.name == "figurines":
            yield self.root / "figurines.json"

    def _category(self, category: str) -> tuple[tuple[str, ...], list[Instance]]:
        """Names of a category's keypoints, and all its objects."""
        if category not in self.categories:
            raise DataError(f"unknown category {category!r}: {self.root} has {', '.join(self.categories)}")
        if category not in self._objects:
            arrays = {name: a.copy() for name, a in cached(_parsed, data=self, category=category).items()}
            names, images, numbers = (_texts(arrays[name]) for name in ("names", "images", "numbers"))
            about = (arrays["boxes"], arrays["keypoints"], *arrays["flags"].T.tolist())
            each = zip(images, map(int, numbers), repeat(category), *about, strict=False)
            objects = [Instance(*one) for one in each]
            self._objects[category] = tuple(names), objects
        return self._objects[category]


def _parsed(data: VOC, category: str) -> dict[str, np.ndarray]:
    return read_category(data._annotation_files[category], data._flags, category)


def _texts(array: np.ndarray) -> list[str]:
    return array.tobytes().decode().split("\0") if array.size else []


def _seen(path: Path | os.DirEntry) -> bool:
    return not path.name.startswith(".")


def _files(folder: Path, *suffixes: str) -> list[Path]:
    """Files of a folder with one of some suffixes, in either case, sorted; DataError for equal names."""
    with os.scandir(folder) if folder.is_dir() else contextlib.nullcontext(()) as found:
        seen = (e.name for e in found if e.is_file() and _seen(e) and e.name.lower().endswith(suffixes))
        files = [folder / name for name in sorted(seen)]
    for path, other in pairwise(sorted(files, key=named)):
        if named(path) == named(other):
            raise DataError(f"{path} and {other.name} have the same name: remove one")
    return files


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height according to the header of an image; None if it is corrupt or truncated."""
    try:
        image = Image.open(BytesIO(data), formats=("JPEG", "PNG"))
        jpeg = data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")  # or MPO, several JPEGs in one file
        whole = b"IEND" in data if image.format == "PNG" else jpeg
        # OpenCV decodes a truncated file to a half grey picture. A film may follow the end marker of a file.
        if not whole and image.size[0] * image.size[1] <= PIXELS:
            image.load()
        return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # so Pillow says that it cannot
        return None
