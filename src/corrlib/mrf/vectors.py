"""Vectors of `LANES` float32 as values of compiled code: what numba has no word for and LLVM has.

Left to itself LLVM vectorises the loops of `corrlib.mrf.kernels` or not, a factor of ten, by the whim of
its unroller, which has to know the number of labels: a compilation for each shape of grid. Spelled in
vectors they are compiled once. (numba's cache looks for changes no further than the file of a function:
touch kernels.py after editing this one.)
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, register_model

#: Floats to a vector: two AVX2 registers or one of AVX-512.
LANES = 16

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


def _pointer(context, builder, kind, array, row, column):
    """Pointer to the vector that begins at (row, column) of a 2-D float32 array whose rows are contiguous."""
    array = context.make_array(kind)(context, builder, array)
    stride = cgutils.unpack_tuple(builder, array.strides, 2)[0]
    line = builder.gep(builder.bitcast(array.data, ir.IntType(8).as_pointer()), [builder.mul(row, stride)])
    first = builder.gep(builder.bitcast(line, ir.FloatType().as_pointer()), [column])
    return builder.bitcast(first, _FLOATS.as_pointer())


def _lower(builder, a, b):
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


@intrinsic
def load(typing, array, row, column):
    """array[row, column : column + LANES]."""

    def code(context, builder, signature, arguments):
        return builder.load(_pointer(context, builder, signature.args[0], *arguments), align=4)

    return vector(array, types.intp, types.intp), code


@intrinsic
def store(typing, value, array, row, column):
    """array[row, column : column + LANES] = value."""

    def code(context, builder, signature, arguments):
        value, *place = arguments
        builder.store(value, _pointer(context, builder, signature.args[1], *place), align=4)
        return context.get_dummy_value()

    return types.void(vector, array, types.intp, types.intp), code


@intrinsic
def full(typing, scalar):
    """The float32 in every lane."""

    def code(context, builder, signature, arguments):
        one = builder.insert_element(ir.Constant(_FLOATS, ir.Undefined), arguments[0], ir.Constant(_INT32, 0))
        return builder.shuffle_vector(one, one, ir.Constant(_INDICES, [0] * LANES))

    return vector(types.float32), code


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


@intrinsic
def least(typing, value):
    """The lowest lane."""

    def code(context, builder, signature, arguments):
        (value,) = arguments
        half = LANES // 2
        while half:
            swap = ir.Constant(_INDICES, [(lane + half) % LANES for lane in range(LANES)])
            value = _lower(builder, builder.shuffle_vector(value, value, swap), value)
            half //= 2
        return builder.extract_element(value, ir.Constant(_INT32, 0))

    return types.float32(vector), code


INFINITY = np.float32(np.inf)
