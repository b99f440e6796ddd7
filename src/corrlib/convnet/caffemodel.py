"""Reader of Caffe's binary ``.caffemodel``: the few fields of the protobuf wire format that hold weights.

A ``.caffemodel`` is a serialised ``NetParameter`` of caffe.proto. The names and blobs of its layers are read,
in the current form (field 100) and in the one before (``V1LayerParameter``, field 2, as in the published
reference model). Everything else is skipped; the oldest form (``V0LayerParameter``) is refused.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

__all__ = ["read_caffemodel"]

# Wire types, and the numbers of the fields.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
NET_LAYER, NET_LAYER_V1 = 100, 2
LAYER_NAME, LAYER_BLOBS = 1, 7
V1_LAYER_V0, V1_LAYER_NAME, V1_LAYER_BLOBS = 1, 4, 6
BLOB_LEGACY_SHAPE, BLOB_DATA, BLOB_SHAPE, BLOB_DOUBLE_DATA = (1, 2, 3, 4), 5, 7, 8
SHAPE_DIM = 1
#: Caffe's limit on the axes of a blob.
MAX_AXES = 32


def read_caffemodel(path: str | os.PathLike) -> dict[str, list[np.ndarray]]:
    """Read the layers of a ``.caffemodel``.

    Returns
    -------
    dict
        Layer name -> float32 blobs (often none), in the file's order. Blobs have the shapes stored in the
        file: the older form pads them with ones to four axes.

    Raises
    ------
    ValueError
        If the file is truncated, is not a ``.caffemodel``, or has the oldest form.
    """
    data = memoryview(Path(path).read_bytes())
    layers: dict[str, list[np.ndarray]] = {}
    try:
        for number, kind, value in _fields(data):
            if number == NET_LAYER and kind == BYTES:
                name, blobs = _layer(value, LAYER_NAME, LAYER_BLOBS)
            elif number == NET_LAYER_V1 and kind == BYTES:
                if any(inner == V1_LAYER_V0 for inner, _, _ in _fields(value)):
                    raise ValueError(
                        "its layers have the oldest form (V0LayerParameter); convert it with Caffe's"
                        " upgrade_net_proto_binary"
                    )
                name, blobs = _layer(value, V1_LAYER_NAME, V1_LAYER_BLOBS)
            else:
                continue
            # The data layers of the training and the test phase may share a name; they have no blobs.
            layers[name] = blobs or layers.get(name, [])
    except ValueError as error:
        raise ValueError(f"{path}: not a readable .caffemodel: {error}") from error
    if not any(layers.values()):
        raise ValueError(
            f"{path}: not a readable .caffemodel: no weights in its {len(layers)} layers (is it a network"
            " definition, a solver state or another kind of file?)"
        )
    return layers


def _layer(data: memoryview, name_field: int, blobs_field: int) -> tuple[str, list[np.ndarray]]:
    name, blobs = "", []
    for number, kind, value in _fields(data):
        if number == name_field and kind == BYTES:
            name = bytes(value).decode("utf-8", errors="replace")
        elif number == blobs_field and kind == BYTES:
            blobs.append(_blob(value, name))
    return name, blobs


def _blob(blob: memoryview, layer: str) -> np.ndarray:
    legacy, shape = [None] * 4, None
    dtype, data = np.dtype("<f4"), bytearray()
    for number, kind, value in _fields(blob):
        if number in BLOB_LEGACY_SHAPE and kind == VARINT:
            legacy[number - 1] = value
        elif number == BLOB_SHAPE and kind == BYTES:
            shape = _dimensions(value)
        elif number in (BLOB_DATA, BLOB_DOUBLE_DATA) and kind in (BYTES, FIXED32, FIXED64):
            # Packed, or one field per number: the bytes are the same.
            previous, dtype = dtype, np.dtype("<f4" if number == BLOB_DATA else "<f8")
            if len(value) % dtype.itemsize or (data and dtype != previous):
                raise ValueError(f"a blob of layer {layer!r} holds a partial number, or two types of numbers")
            data += value
    if shape is None:
        shape = tuple(1 if side is None else side for side in legacy)
    values = np.frombuffer(data, dtype).astype(np.float32, copy=False)
    if math.prod(shape) != values.size or max(shape, default=0) > values.size:
        raise ValueError(f"a blob of layer {layer!r} has shape {shape} and {values.size} numbers")
    return values.reshape(shape)


def _dimensions(data: memoryview) -> tuple[int, ...]:
    sides = []
    for number, kind, value in _fields(data):
        if number == SHAPE_DIM and kind == VARINT:
            sides.append(value)
        elif number == SHAPE_DIM and kind == BYTES:
            at = 0
            while at < len(value):
                side, at = _varint(value, at)
                sides.append(side)
        if len(sides) > MAX_AXES:
            raise ValueError(f"a blob of more than {MAX_AXES} axes")
    return tuple(sides)


def _fields(data: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """The fields of a message: (number, wire type, integer or bytes)."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, kind, value
            continue
        if kind == BYTES:
            size, at = _varint(data, at)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"byte {at} starts no protobuf field (wire type {kind})")
        if number == 0:
            raise ValueError(f"byte {at} starts no protobuf field (number 0)")
        if at + size > len(data):
            raise ValueError(f"truncated: a field of {size} bytes, but only {len(data) - at} are left")
        yield number, kind, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """An integer with seven bits per byte, lowest first, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("truncated: the file ends within a number")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError(f"byte {at} is in no protobuf number (more than 64 bits)")
