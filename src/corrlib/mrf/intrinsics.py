"""Vectors of 16 float32 inside functions compiled by numba, written with LLVM's vector instructions.

numba leaves vectorisation to LLVM's heuristics, and these fail on the loops of `corrlib.mrf.kernels`: written
plainly, they take 6 to 9 times as long; tuned by hand for the heuristics (flat loops without wraparound
indexing, minima of floats taken as integers), 1.4 to 1.5 times (13 x 13 and 32 x 32 labels, AVX-512).

If they cannot be compiled, importing this module fails, and the kernels use `corrlib.mrf.scalars` instead.
numba's cache of compiled functions does not notice changes of this file: touch kernels.py after editing it.
"""

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic, models, register_model

#: Floats per vector: one register of AVX-512, two of AVX2.
LANES = 16

_INT32 = ir.IntType(32)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INDICES = ir.VectorType(_INT32, LANES)


class Vector(types.Type):
    """numba's type of a vector."""

    def __init__(self):
        super().__init__("Vector")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, numba_type):
        super().__init__(manager, numba_type, _FLOATS)


vector = Vector()


def _pointer(context, builder, array_type, array, index):
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


def _in_every_lane(builder, scalar):
    first = builder.insert_element(ir.Constant(_FLOATS, ir.Undefined), scalar, ir.Constant(_INT32, 0))
    return builder.shuffle_vector(first, first, ir.Constant(_INDICES, [0] * LANES))


@intrinsic
def load(typing, array, index):
    """array[index : index + LANES]."""

    def code(context, builder, signature, arguments):
        pointer = _pointer(context, builder, signature.args[0], *arguments)
        return builder.load(builder.bitcast(pointer, _FLOATS.as_pointer()), align=4)

    return vector(array, types.intp), code


@intrinsic
def store(typing, value, array, index):
    """array[index : index + LANES] = value."""

    def code(context, builder, signature, arguments):
        pointer = _pointer(context, builder, signature.args[1], *arguments[1:])
        builder.store(arguments[0], builder.bitcast(pointer, _FLOATS.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(vector, array, types.intp), code


@intrinsic
def fill(typing, scalar):
    """A float32 in every lane."""

    def code(context, builder, signature, arguments):
        return _in_every_lane(builder, arguments[0])

    return vector(types.float32), code


@intrinsic
def broadcast(typing, array, index):
    """array[index] in every lane."""

    def code(context, builder, signature, arguments):
        pointer = _pointer(context, builder, signature.args[0], *arguments)
        return _in_every_lane(builder, builder.load(pointer))

    return vector(array, types.intp), code


def _lanewise(operation, doc):
    def function(typing, a, b):
        def code(context, builder, signature, arguments):
            return operation(builder, *arguments)

        return vector(vector, vector), code

    function.__doc__ = doc
    return intrinsic(function)


def _smaller(builder, a, b):
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


def _larger(builder, a, b):
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


add = _lanewise(lambda builder, a, b: builder.fadd(a, b), "a + b in each lane.")
subtract = _lanewise(lambda builder, a, b: builder.fsub(a, b), "a - b in each lane.")
multiply = _lanewise(lambda builder, a, b: builder.fmul(a, b), "a * b in each lane.")
minimum = _lanewise(_smaller, "The smaller of a and b in each lane.")
maximum = _lanewise(_larger, "The larger of a and b in each lane.")


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


smallest = _over_lanes(_smaller, "The minimum over the lanes.")
largest = _over_lanes(_larger, "The maximum over the lanes.")


@njit("float32(float32[::1])", cache=True)  # compiled now
def _check_that_they_compile(array):
    value = add(multiply(load(array, 0), broadcast(array, 1)), fill(np.float32(1)))
    store(subtract(maximum(value, load(array, 0)), minimum(value, value)), array, 0)
    return smallest(value) + largest(value)
