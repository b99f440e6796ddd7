"""Object crops: boxes warped to squares, as the experiments see them (paper, sections 3 to 5)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from joblib import cpu_count

from corrlib import metrics
from corrlib.data.annotations import DataError
from corrlib.data.voc import VOC, Instance
from corrlib.geometry import Crop, into_crops, out_of_crops


@lru_cache(maxsize=128)
def objects(data: VOC, category: str, split: str) -> tuple[Instance, ...]:
    """Objects of a category with a visible keypoint, which can be scored or transfer a keypoint."""
    return tuple(i for i in data.instances(category, split) if np.isfinite(i.keypoints).any())


def categories(data: VOC, category: str = "") -> tuple[str, ...]:
    """Categories that can be learned and tested; only `category`, if it is given.

    Such a category shows a keypoint in at least one validation image and two training images (the neighbours
    of an object are from other images). DataError if there is none, or if both splits have an image.
    """
    usable = []
    for name in [category] if category else data.categories:
        train, val = ({i.image_id for i in objects(data, name, split)} for split in ("train", "val"))
        if both := train & val:
            raise DataError(
                f"{data.root}: train and val share images, such as {min(both)}: remove them from one"
            )
        usable += [name] * (len(train) > 1 and len(val) > 0)
    if not usable:
        raise DataError(
            f"{data.root}: {category or 'every category'} shows keypoints in too few images; two of train and"
            " one of val are needed"
        )
    return tuple(usable)


def evenly_spaced(total: int, limit: int | None = None) -> np.ndarray:
    """Indices of an evenly spaced subset of at most `limit` of `total` objects; all if `limit` is None.

    The subsets are nested: a larger one begins with the smaller.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1 object, got {limit}")
    return np.argsort(np.arange(total) * ((5**0.5 - 1) / 2) % 1)[:limit]  # the golden ratio


def subset(objects: Sequence[Any], limit: int | None) -> list[Any]:
    """An `evenly_spaced` subset of at most `limit` objects; all objects, in order, if `limit` is None."""
    return list(objects) if limit is None else [objects[row] for row in evenly_spaced(len(objects), limit)]


def crop(instance: Instance, size: int) -> Crop:
    """The object's box warped to a square of `size` pixels."""
    return Crop(tuple(instance.box), (size, size))


def keypoints(instances: Sequence[Instance], size: int) -> np.ndarray:
    """Keypoints in the crops, ``(N, K, 2)``; NaN where invisible."""
    points, boxes = (np.stack([getattr(i, name) for i in instances]) for name in ("keypoints", "box"))
    return into_crops(points, boxes, (size, size))


def images(data: VOC, instances: Sequence[Instance], size: int) -> np.ndarray:
    """The crops, ``(N, size, size, 3)`` uint8."""
    result = np.empty((len(instances), size, size, 3), np.uint8)

    def fill(row: int) -> None:
        one, image = instances[row], data.image(instances[row].image_id)
        height, width = image.shape[:2]
        if (one.box[:2] >= (width - 0.5, height - 0.5)).any() or (one.box[2:] <= -0.5).any():
            name = f"{one.category}/{one.image_id}_{one.number}.xml"
            raise DataError(f"{data.root}: {name} has its box outside the image: correct or remove it")
        result[row] = crop(one, size).image(image)

    with ThreadPoolExecutor(cpu_count()) as pool:
        list(pool.map(fill, range(len(instances))))
    return result


@lru_cache(maxsize=2)
def category_images(data: VOC, category: str, split: str, size: int) -> np.ndarray:
    """`images` of all `objects` of a category, kept in memory for the next feature that needs them."""
    return images(data, objects(data, category, split), size)


def by_image(values: np.ndarray, instances: Sequence[Instance], missing: float = np.nan) -> np.ndarray:
    """Arrange values ``(..., N, K)`` of N objects by image: ``(..., I, M, K)``.

    An image has up to M objects; where it has fewer, the value is `missing`, which must be set for integers.
    `corrlib.metrics` resamples images.
    """
    ids = [instance.image_id for instance in instances]
    _, image, count = np.unique(ids, return_inverse=True, return_counts=True)
    order = np.argsort(image, kind="stable")
    place = np.empty(len(ids), int)
    place[order] = np.arange(len(ids)) - np.repeat(np.cumsum(count) - count, count)
    result = np.full((*values.shape[:-2], len(count), count.max(), values.shape[-1]), missing, values.dtype)
    result[..., image, place, :] = values
    return result


def errors(predicted: np.ndarray, instances: Sequence[Instance], size: int) -> np.ndarray:
    """Errors ``(N, ..., K)`` of keypoints ``(N, ..., K, 2)`` predicted in the crops, as `metrics.errors`.

    Distances are measured in the image: the paper compares them with the longer side of the bounding box, so
    both are taken before the box is warped.
    """
    truth, boxes = (np.stack([getattr(i, name) for i in instances]) for name in ("keypoints", "box"))
    in_image = out_of_crops(predicted, boxes, (size, size))
    truth = np.broadcast_to(truth.reshape(len(truth), *[1] * (in_image.ndim - 3), -1, 2), in_image.shape)
    flat = (each.reshape(len(each), -1, 2) for each in (in_image, truth))
    return metrics.errors(*flat, boxes).reshape(in_image.shape[:-1])
