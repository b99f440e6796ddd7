"""The flow energy and two solvers for it (paper, section 3).

Each node of the reference image's feature grid is matched with a node of the moving image's grid. A match
costs the distance between the two features, and neighbours pay for having different displacements::

    E(l) = sum over p of unary[p, l_p]  +  beta * sum over edges (p, q) of |(l_p - p) - (l_q - q)|^2

over the four-neighbourhood. Labels l_p are absolute positions ``(row, col)`` in the moving grid, and ``l_p -
p`` is the displacement in cells. The two grids may differ in shape but not in cell size; as only differences
between displacements cost, the origin of the moving grid does not matter.
"""
# ruff: noqa: F401

from corrlib.mrf.solvers import Solution, energy, solve, unary
