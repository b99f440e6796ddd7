"""Vectors of `LANES` float32 as values of compiled code: what numba has no word for and LLVM has.

Left to itself LLVM vectorises the loops of `corrlib.mrf.kernels` or not, a factor of ten, by the whim of
its unroller, which has to know the number of labels: a compilation for each shape of grid. Spelled in
vectors they are compiled once. (numba's cache looks for changes no further than the file of a function:
touch kernels.py after editing this one.)
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, models, register_model

#: Floats to a vector: two AVX2 registers or one of AVX-512.
LANES = 16

#: What a label costs that there is not. Messages do not exceed `CEILING`, so that such a label stays beyond
#: `NEAR` whatever is sent to it, and so does a message to it; costs have to be far below.
FAR, CEILING, NEAR = np.float32(1e30), np.float32(1e28), 1e27
INFINITY = np.float32(np.inf)

_INT32 = ir.IntType(32)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INDICES = ir.VectorType(_INT32, LANES)


class Vector(types.Type):
    """The type of a vector."""

    def __init__(self):
        super().__init__("Vector")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _FLOATS)


vector = Vector()


def _pointer(context, builder, kind, array, place):
    """Pointer to the number at a place of a contiguous float32 array."""
    array = context.make_array(kind)(context, builder, array)
    return builder.gep(array.data, [place])


def _everywhere(number):
    return ir.Constant(_FLOATS, [number] * LANES)


def _lower(builder, a, b):
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


def _higher(builder, a, b):
    near = builder.fcmp_ordered("<", a, _everywhere(NEAR))
    there = builder.select(near, a, _everywhere(-np.inf))
    return builder.select(builder.fcmp_ordered(">", there, b), there, b)


@intrinsic
def load(typing, array, place):
    """array[place : place + LANES]."""

    def code(context, builder, signature, arguments):
        first = _pointer(context, builder, signature.args[0], *arguments)
        return builder.load(builder.bitcast(first, _FLOATS.as_pointer()), align=4)

    return vector(array, types.intp), code


@intrinsic
def store(typing, value, array, place):
    """array[place : place + LANES] = value."""

    def code(context, builder, signature, arguments):
        value, *to = arguments
        first = _pointer(context, builder, signature.args[1], *to)
        builder.store(value, builder.bitcast(first, _FLOATS.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(vector, array, types.intp), code


def _spread(builder, scalar):
    one = builder.insert_element(ir.Constant(_FLOATS, ir.Undefined), scalar, ir.Constant(_INT32, 0))
    return builder.shuffle_vector(one, one, ir.Constant(_INDICES, [0] * LANES))


@intrinsic
def full(typing, scalar):
    """The float32 in every lane."""

    def code(context, builder, signature, arguments):
        return _spread(builder, arguments[0])

    return vector(types.float32), code


@intrinsic
def spread(typing, array, place):
    """array[place] in every lane."""

    def code(context, builder, signature, arguments):
        return _spread(builder, builder.load(_pointer(context, builder, signature.args[0], *arguments)))

    return vector(array, types.intp), code


def _lanewise(operation, doc):
    def function(typing, a, b):
        def code(context, builder, signature, arguments):
            return operation(builder, *arguments)

        return vector(vector, vector), code

    function.__doc__ = doc
    return intrinsic(function)


plus = _lanewise(lambda builder, a, b: builder.fadd(a, b), "a + b, lane by lane.")
minus = _lanewise(lambda builder, a, b: builder.fsub(a, b), "a - b, lane by lane.")
times = _lanewise(lambda builder, a, b: builder.fmul(a, b), "a * b, lane by lane.")
lower = _lanewise(_lower, "The lower of a and b, lane by lane.")
higher = _lanewise(_higher, "The higher of a and b, lane by lane; b where a is of a label that there is not.")


def _over_lanes(operation, doc):
    def function(typing, value):
        def code(context, builder, signature, arguments):
            (value,) = arguments
            half = LANES // 2
            while half:
                swap = ir.Constant(_INDICES, [(lane + half) % LANES for lane in range(LANES)])
                value = operation(builder, builder.shuffle_vector(value, value, swap), value)
                half //= 2
            return builder.extract_element(value, ir.Constant(_INT32, 0))

        return types.float32(vector), code

    function.__doc__ = doc
    return intrinsic(function)


least = _over_lanes(_lower, "The lowest lane.")
most = _over_lanes(_higher, "The highest lane.")
