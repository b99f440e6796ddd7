"""An encoder of Caffe's wire format, for .caffemodel files in tests."""

import numpy as np


def varint(value):
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def field(number, payload):
    """A field with bytes."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def number_field(number, value):
    return varint(number << 3) + varint(value)


def blob(array, *, legacy=False):
    if legacy:
        shape = (1,) * (4 - array.ndim) + array.shape
        encoded = b"".join(number_field(number, side) for number, side in enumerate(shape, 1))
    else:
        encoded = field(7, field(1, b"".join(varint(side) for side in array.shape)))
    return encoded + field(5, np.ascontiguousarray(array, "<f4").tobytes())


def layer(name, *blobs, old=False):
    """A layer with a type and a field that the reader skips, in the current or in the V1 form."""
    if old:
        encoded = number_field(5, 4) + field(2, b"data") + field(4, name.encode())
        return field(2, encoded + b"".join(field(6, encoded_blob) for encoded_blob in blobs))
    encoded = field(1, name.encode()) + field(2, b"Convolution") + field(106, number_field(1, 300))
    return field(100, encoded + b"".join(field(7, encoded_blob) for encoded_blob in blobs))


def network(parameters, *, order=("conv1", "pool1", "norm1"), legacy=False):
    """A .caffemodel of weights and biases; its first layers are in the given order."""
    names = dict.fromkeys([*order, *(key.partition(".")[0] for key in parameters)])
    blobs = {n: [f"{n}.{kind}" for kind in ("weight", "bias") if f"{n}.{kind}" in parameters] for n in names}
    layers = (
        layer(name, *(blob(parameters[key], legacy=legacy) for key in keys), old=legacy)
        for name, keys in blobs.items()
    )
    return field(1, b"CaffeNet") + b"".join(layers)
