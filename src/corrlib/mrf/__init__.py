"""The flow energy and its two solvers (paper, section 3).

Each node of the reference's grid of features chooses a node of the moving image's grid. A choice costs the
distance between the two features, and neighbours pay for choosing differently::

    E(l) = sum over p of unary[p, l_p]  +  beta * sum over edges (p, q) of |(l_p - p) - (l_q - q)|^2

over the four-neighbourhood. Labels l_p are absolute positions ``(row, col)`` in the moving grid, and ``l_p
- p`` is the displacement in cells. The grids may differ in shape: their cells are of one size, and as only
differences of displacements cost, it does not matter where the moving grid begins.
"""

from corrlib.mrf.solvers import Solution, energy, solve, solve_batch, unary

__all__ = ["Solution", "energy", "solve", "solve_batch", "unary"]
