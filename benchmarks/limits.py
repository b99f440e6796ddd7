"""Limits of this machine: the maximum number of operations per second of one thread.

``multiply-add`` and ``min-plus`` keep their numbers in registers; ``matrix product`` is NumPy's and
``bfloat16`` torch's. A multiply-add counts as two operations, as do an addition and the minimum after it.
"""

from __future__ import annotations

import numpy as np
import torch
from llvmlite import ir
from numba import njit
from numba.core import cgutils
from numba.extending import intrinsic

from benchmarks.harness import in_turns
from corrlib.mrf.intrinsics import LANES, add, fill, minimum, smallest, vector

#: Independent vectors, so that no operation waits for the previous result.
CHAINS = 6
TURNS = 1_000_000
#: Sides of the matrices; smaller for bfloat16, which is slow on processors without support.
SIDE, HALF = 1024, 256


@intrinsic
def multiply_add(typing, a, b, c):
    """a * b + c, lane by lane, in one instruction where there is one."""

    def code(context, builder, signature, arguments):
        kind = arguments[0].type
        function = ir.FunctionType(kind, [kind] * 3)
        function = cgutils.get_or_insert_function(builder.module, function, f"llvm.fma.v{LANES}f32")
        return builder.call(function, arguments)

    return vector(vector, vector, vector), code


@njit(nogil=True)
def _multiply_adds(turns, factor, term):
    a = b = c = d = e = f = fill(term)
    by, more = fill(factor), fill(term)
    for _ in range(turns):
        a, b, c = multiply_add(a, by, more), multiply_add(b, by, more), multiply_add(c, by, more)
        d, e, f = multiply_add(d, by, more), multiply_add(e, by, more), multiply_add(f, by, more)
    return smallest(add(add(a, b), add(add(c, d), add(e, f))))


@njit(nogil=True)
def _min_plus(turns, term, ceiling):
    a = b = c = d = e = f = fill(term)
    more, top = fill(term), fill(ceiling)
    for _ in range(turns):
        a, b, c = minimum(add(a, more), top), minimum(add(b, more), top), minimum(add(c, more), top)
        d, e, f = minimum(add(d, more), top), minimum(add(e, more), top), minimum(add(f, more), top)
    return smallest(add(add(a, b), add(add(c, d), add(e, f))))


def measure(rounds: int) -> dict[str, float]:
    """Kind of operation -> operations per second in the best of some rounds."""
    one = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    half = torch.from_numpy(one[:HALF, :HALF].copy()).to(torch.bfloat16)
    calls = {
        "multiply-add": lambda: _multiply_adds(TURNS, np.float32(0.999), np.float32(1)),
        "min-plus": lambda: _min_plus(TURNS, np.float32(0.001), np.float32(9)),
        "matrix product": lambda: one @ one,
        "bfloat16": lambda: half @ half,
    }
    work = dict.fromkeys(calls, 2.0 * TURNS * CHAINS * LANES)
    work |= {"matrix product": 2.0 * SIDE**3, "bfloat16": 2.0 * HALF**3}
    for call in calls.values():
        call()
    return {name: work[name] / float(taken.min()) for name, taken in in_turns(calls, rounds).items()}
