"""Reader of Caffe's binary ``.caffemodel``: the few fields of the protobuf wire format that hold weights.

A ``.caffemodel`` is a serialised ``NetParameter`` of caffe.proto. The names and blobs of its layers are read,
in the current form (field 100) and in the one before (``V1LayerParameter``, field 2, as in the published
reference model), with float32 packed as Caffe packs them. Everything else is skipped.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

# Wire types, and the numbers of the fields.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
#: The field of a layer in the network, and those of its name and blobs: the current form, the one before.
LAYERS = {100: (1, 7), 2: (4, 6)}
BLOB_LEGACY_SHAPE, BLOB_DATA, BLOB_SHAPE, SHAPE_DIM = (1, 2, 3, 4), 5, 7, 1
#: Caffe's limit on the axes of a blob.
MAX_AXES = 32


def read_caffemodel(path: str | os.PathLike) -> dict[str, list[np.ndarray]]:
    """Read the layers of a ``.caffemodel``.

    ValueError if the file is truncated, or is not a ``.caffemodel`` of one of the two forms.

    Returns
    -------
    dict
        Layer name -> float32 blobs (often none), in the file's order. Blobs have the shapes stored in the
        file: the older form pads them with ones to four axes.
    """
    data = memoryview(Path(path).read_bytes())
    layers: dict[str, list[np.ndarray]] = {}
    try:
        for number, kind, value in _fields(data):
            if number in LAYERS and kind == BYTES:
                name, blobs = _layer(value, *LAYERS[number])
                # The data layers of the training and the test phase may share a name; they have no blobs.
                layers[name] = blobs or layers.get(name, [])
    except ValueError as error:
        raise ValueError(f"{path}: not a readable .caffemodel: {error}") from error
    if not any(layers.values()):
        raise ValueError(
            f"{path}: not a readable .caffemodel: no weights in its {len(layers)} layers (is it a network"
            " definition, a solver state or of a form that Caffe's upgrade_net_proto_binary converts?)"
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
    legacy, shape, data = [1] * 4, None, b""
    for number, kind, value in _fields(blob):
        if number in BLOB_LEGACY_SHAPE and kind == VARINT:
            legacy[number - 1] = value
        elif number == BLOB_SHAPE and kind == BYTES:
            shape = _shape(value)
        elif number == BLOB_DATA and kind == BYTES:
            data = value
    shape = tuple(legacy) if shape is None else shape
    if len(data) % 4 or 4 * math.prod(shape) != len(data) or max(shape, default=0) > len(data):
        raise ValueError(f"a blob of layer {layer!r} has shape {shape} and {len(data)} bytes of float32")
    return np.frombuffer(data, "<f4").astype(np.float32).reshape(shape)


def _shape(data: memoryview) -> tuple[int, ...]:
    sides = []
    for number, kind, value in _fields(data):
        at = 0
        while number == SHAPE_DIM and kind == BYTES and at < len(value):
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
