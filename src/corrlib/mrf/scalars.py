"""The operations of `corrlib.mrf.intrinsics` on single floats, in plain numba: slower, with equal results."""

from numba import njit

#: Floats per vector.
LANES = 1

_inlined = njit(nogil=True, forceinline=True)


@_inlined
def store(value, array, index):
    """array[index] = value."""
    array[index] = value


load = broadcast = _inlined(lambda array, index: array[index])
fill = smallest = largest = _inlined(lambda value: value)
add = _inlined(lambda a, b: a + b)
subtract = _inlined(lambda a, b: a - b)
multiply = _inlined(lambda a, b: a * b)
minimum = _inlined(lambda a, b: a if a < b else b)
maximum = _inlined(lambda a, b: a if a > b else b)
