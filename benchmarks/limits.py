"""What this machine can do at most, on one thread: operations a second.

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
from corrlib.mrf.vectors import LANES, full, least, lower, plus, vector

#: Vectors that are worked on in turn, so that none waits for its own last result.
CHAINS = 6
TURNS = 1_000_000
#: Of the matrices; of those of bfloat16, whose products are slow where the processor has none.
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
    a = b = c = d = e = f = full(term)
    by, more = full(factor), full(term)
    for _ in range(turns):
        a, b, c = multiply_add(a, by, more), multiply_add(b, by, more), multiply_add(c, by, more)
        d, e, f = multiply_add(d, by, more), multiply_add(e, by, more), multiply_add(f, by, more)
    return least(plus(plus(a, b), plus(plus(c, d), plus(e, f))))


@njit(nogil=True)
def _min_plus(turns, term, ceiling):
    a = b = c = d = e = f = full(term)
    more, top = full(term), full(ceiling)
    for _ in range(turns):
        a, b, c = lower(plus(a, more), top), lower(plus(b, more), top), lower(plus(c, more), top)
        d, e, f = lower(plus(d, more), top), lower(plus(e, more), top), lower(plus(f, more), top)
    return least(plus(plus(a, b), plus(plus(c, d), plus(e, f))))


def measure(rounds: int) -> dict[str, float]:
    """The best of some rounds of each."""
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
