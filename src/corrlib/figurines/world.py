"""The world on disk: instances by number, in the layout of PASCAL VOC 2011 with Berkeley keypoints."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import cv2
import joblib
import numpy as np
from filelock import FileLock, Timeout
from tqdm import tqdm

from corrlib.figurines.models import CATEGORIES, parts
from corrlib.figurines.scene import Scene, Thing, compose
from corrlib.figurines.truth import write_truth

#: Worlds that a network learns from, and that its accuracy is measured on (`pretraining`).
PRETRAINING_SEEDS = (1001, 1002)
#: Instances of val are numbered from here, so that a larger train split never moves them.
VAL_START = 5000


def instance(seed: int, category: str, index: int, *, size: int = 300, companions: bool = True) -> Scene:
    """The scene of one instance: a function of `seed`, `category` and `index` (from 0) alone.

    Worlds of different seeds share no instance. `size` is the longer side of the image in pixels; with
    `companions` some images show further figures beside the one asked for. ValueError for an unknown category
    or a negative number.
    """
    number = _number(category)
    if seed < 0 or index < 0:
        raise ValueError(f"seed and index must not be negative, got seed={seed}, index={index}")
    return compose(np.random.default_rng([seed, number, index]), category, size=size, companions=companions)


def image_id(category: str, index: int) -> str:
    """Name of an instance's image, in VOC's manner: the category's number and the instance's."""
    return f"2011_{_number(category):02d}{index:04d}"


def _number(category: str) -> int:
    if category not in CATEGORIES:
        raise ValueError(f"unknown category {category!r}; the figurines have {', '.join(CATEGORIES)}")
    return list(CATEGORIES).index(category)


def write_world(
    out: str | os.PathLike,
    *,
    train: int = 80,
    val: int = 40,
    seed: int = 0,
    size: int = 300,
    jobs: int | None = None,
    progress: bool = True,
) -> Path:
    """Write `train` and `val` images of each category to the new folder `out`, and return it.

    The folder takes its name when it is whole. A killed call leaves ``<out>.partial`` behind, which the same
    call continues and a call with other settings starts over.

    Parameters
    ----------
    train, val : images a category; an image may show further figures, which count towards their own
        categories.
    seed, size : see `instance`.
    jobs : worker processes; by default one a core.

    Raises
    ------
    ValueError : `out` holds something already, or a number makes no sense.
    OSError : `out` cannot be written, or another process is writing it.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} exists and is not empty: choose a new folder, or remove it first")
    if not (1 <= train <= VAL_START and 0 <= val < 10_000 - VAL_START):
        raise ValueError(
            f"train must be 1..{VAL_START} and val 0..{10_000 - VAL_START - 1} images a category, "
            f"got {train} and {val}"
        )
    if size < 64 or seed < 0:
        raise ValueError(f"size must be at least 64 px and seed not negative, got {size} and {seed}")
    if seed in PRETRAINING_SEEDS:
        raise ValueError(f"seed {seed} is that of images which the network learned from: choose another")
    settings = dict(seed=seed, train=train, val=val, size=size, parts={c: parts(c) for c in CATEGORIES})
    partial = out.with_name(out.name + ".partial")
    lock = FileLock(f"{partial}.lock", timeout=0)
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        with lock:
            _write(partial, settings, jobs, disable=None if progress else True)
            if out.exists():
                out.rmdir()
            partial.rename(out)
            Path(lock.lock_file).unlink()
    except Timeout:
        raise OSError(f"another process is writing {out}: wait for it, or choose another folder") from None
    except OSError as error:
        raise OSError(
            f"{out} cannot be written: {error}. Free some space, or choose another folder; what has been "
            "drawn is kept, and the same call continues"
        ) from error
    return out


def _write(partial: Path, settings: dict, jobs: int | None, disable: bool | None) -> None:
    """Draw what `partial` lacks; begin anew if it was begun with other settings."""
    stamp, about = partial / "figurines.json", json.dumps(settings, indent=1)
    if partial.exists() and not (stamp.exists() and stamp.read_text() == about):
        shutil.rmtree(partial)
    voc = partial / "VOCdevkit" / "VOC2011"
    folders = [voc / name for name in ("JPEGImages", "Annotations", "ImageSets/Main")]
    for folder in (*folders, partial / "truth", *(partial / "annotations" / c for c in CATEGORIES)):
        folder.mkdir(parents=True, exist_ok=True)
    stamp.write_text(about)

    train = [(category, k) for category in CATEGORIES for k in range(settings["train"])]
    val = [(category, VAL_START + k) for category in CATEGORIES for k in range(settings["val"])]
    left = [job for job in train + val if not (folders[1] / f"{image_id(*job)}.xml").exists()]
    todo = [(partial, settings["seed"], *job, settings["size"]) for job in left]
    draw_all(_write_image, todo, jobs, desc="figurines", disable=disable)
    _write_lists(voc, "train", [image_id(*job) for job in train])
    _write_lists(voc, "val", [image_id(*job) for job in val])


def draw_all(draw: Callable, todo: list[tuple], jobs: int | None, **bar) -> None:
    """Call ``draw(*each)`` for each of `todo` in `jobs` processes (None: one a core), with a progress bar."""
    pool = joblib.Parallel(jobs or joblib.cpu_count(), return_as="generator_unordered", batch_size=8)
    for _ in tqdm(pool(joblib.delayed(draw)(*each) for each in todo), total=len(todo), unit="image", **bar):
        pass


def _write_image(root: Path, seed: int, category: str, index: int, size: int) -> None:
    """Write one image with all that belongs to it; its VOC annotation last, as the sign that it is whole."""
    cv2.setNumThreads(1)
    scene = instance(seed, category, index, size=size)
    name = image_id(category, index)
    voc = root / "VOCdevkit" / "VOC2011"
    picture = voc / "JPEGImages" / f"{name}.jpg"
    if not cv2.imwrite(str(picture), scene.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92]):
        raise OSError(f"{picture}: could not be written; is the disk full?")
    write_truth(root / "truth", name, scene.truth)
    seen = [(number, thing) for number, thing in enumerate(scene.things, 1) if np.isfinite(thing.box).all()]
    for number, thing in seen:
        _dump(root / "annotations" / thing.category / f"{name}_{number}.xml", _berkeley(name, number, thing))
    _dump(voc / "Annotations" / f"{name}.xml", _voc(name, scene.image.shape, [thing for _, thing in seen]))


def _dump(path: Path, content: list[tuple]) -> None:
    """Write an annotation in one step."""
    ET.indent(tree := _element("annotation", content), "\t")
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(ET.tostring(tree) + b"\n")
    temporary.replace(path)


def _element(tag: str, content: object) -> ET.Element:
    """An element of (tag, content) pairs, of attributes, or of text."""
    node = ET.Element(tag, content if isinstance(content, dict) else {})
    if isinstance(content, list):
        node.extend(_element(*pair) for pair in content)
    elif not isinstance(content, dict):
        node.text = str(content)
    return node


def _bounds(thing: Thing) -> tuple[int, int, int, int]:
    """VOC's box: 1-based and inclusive, xmin ymin xmax ymax."""
    x0, y0, x1, y1 = thing.box
    return round(x0 + 1.5), round(y0 + 1.5), round(x1 + 0.5), round(y1 + 0.5)


def _voc(name: str, shape: tuple[int, ...], things: list[Thing]) -> list[tuple]:
    content = [("folder", "VOC2011"), ("filename", f"{name}.jpg"), ("source", [("database", "figurines")])]
    content += [("size", [("width", shape[1]), ("height", shape[0]), ("depth", 3)]), ("segmented", 0)]
    for thing in things:
        xmin, ymin, xmax, ymax = _bounds(thing)
        occluded = thing.covered > 0.05
        difficult = thing.shown < 0.25 or max(xmax - xmin, ymax - ymin) < 24
        about = [("name", thing.category), ("pose", thing.view), ("truncated", int(thing.truncated))]
        about += [("occluded", int(occluded)), ("difficult", int(difficult))]
        box = [("xmin", xmin), ("ymin", ymin), ("xmax", xmax), ("ymax", ymax)]
        content.append(("object", [*about, ("bndbox", box)]))
    return content


def _berkeley(name: str, number: int, thing: Thing) -> list[tuple]:
    content = [
        ("image", name),
        ("voc_id", number),
        ("category", thing.category),
        ("subcategory", thing.subtype),
    ]
    xmin, ymin, xmax, ymax = _bounds(thing)
    bounds = dict(height=ymax - ymin, width=xmax - xmin, xmin=xmin, ymin=ymin)
    points = []
    for keypoint, (x, y) in thing.keypoints.items():
        about = dict(name=keypoint, visible=str(int(thing.visible[keypoint])))
        points.append(("keypoint", about | dict(x=f"{x + 1:.2f}", y=f"{y + 1:.2f}", z="0.00")))
    visible = {side: f"{value:.2f}" for side, value in bounds.items()}
    return [*content, ("visible_bounds", visible), ("keypoints", points)]


def _write_lists(voc: Path, split: str, names: list[str]) -> None:
    """VOC's image lists: a split, and for each category 1 (there), -1 (absent) or 0 (only difficult)."""
    marks = {}
    for name in names:
        nodes = ET.parse(voc / "Annotations" / f"{name}.xml").iter("object")
        # of several objects of a category the last counts: one that is not difficult, if there is any
        objects = sorted((node.findtext("name"), int(node.findtext("difficult") == "0")) for node in nodes)
        marks[name] = dict(objects)
    lists = voc / "ImageSets" / "Main"
    (lists / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
    for category in CATEGORIES:
        rows = (f"{name} {marks[name].get(category, -1):2d}\n" for name in names)
        (lists / f"{category}_{split}.txt").write_text("".join(rows))
