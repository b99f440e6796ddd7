"""From features to costs, and from costs to labels; the compiled loops are in `corrlib.mrf.kernels`."""

from dataclasses import dataclass

import numpy as np

from corrlib.mrf import kernels, vectors

#: Changes of messages below this share of the range of the costs are no news in belief propagation.
PRECISION = 1e-5


@dataclass(frozen=True, eq=False)
class Solution:
    """A labelling and its energy.

    Attributes
    ----------
    labels_rc : array (H, W, 2) int64
        The node ``(row, col)`` of the moving grid that each node of the reference grid is matched with.
    energy : float
        ``data + smoothness``.
    data, smoothness : float
        The sum of the unary costs; beta times the sum of squared differences of displacements (the paper's
        deformation energy).
    bound : float
        A lower bound on the energy of any labelling, up to float32 rounding of the messages (about 1e-6 of
        the energy). ``-inf`` for belief propagation, which has none.
    iterations : int
        Iterations run; in each, every node sends a message to every neighbour, or, in belief propagation,
        every node that has received news.
    """

    labels_rc: np.ndarray
    energy: float
    data: float
    smoothness: float
    bound: float
    iterations: int


def unary(reference: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """L2 distance between every feature of `reference` and every one of `moving`, by one matrix product.

    ValueError if the depths differ, a grid is empty or a feature is not finite.

    Parameters
    ----------
    reference : array (H, W, C)
    moving : array (..., H', W', C)
        One map, or a batch of them.

    Returns
    -------
    array (..., H, W, H', W') float32
        The error is about 1e-3 of the features' norm where two features coincide, and 1e-6 elsewhere.
    """
    reference, moving = np.asarray(reference), np.asarray(moving)
    shaped = reference.ndim == 3 and moving.ndim >= 3 and reference.shape[-1] == moving.shape[-1]
    if not (shaped and reference.size and moving.size):
        raise ValueError(
            "expected reference features (H, W, C) and moving features (..., H', W', C) of the same depth,"
            f" on grids that are not empty; got {reference.shape} and {moving.shape}"
        )
    a = reference.reshape(-1, reference.shape[-1]).astype(np.float32, copy=False)
    b = moving.reshape(-1, moving.shape[-1]).astype(np.float32, copy=False)
    with np.errstate(invalid="ignore", over="ignore"):  # checked below
        squares = (-2 * a) @ b.T
        squares += np.einsum("ij,ij->i", a, a)[:, None]
        squares += np.einsum("ij,ij->i", b, b)
    if not np.isfinite(squares).all():
        raise ValueError("features are not finite (NaN, infinity or overflow): check where they come from")
    np.sqrt(np.maximum(squares, 0, out=squares), out=squares)
    pairs = squares.reshape(*reference.shape[:2], *moving.shape[:-1])
    return np.moveaxis(pairs, (0, 1), (-4, -3))


def energy(unary: np.ndarray, labels_rc: np.ndarray, beta: float) -> tuple[float, float]:
    """Data term and smoothness term of labels ``(H, W, 2)``; their sum is the energy."""
    r, c = np.indices(unary.shape[:2])
    data = unary[r, c, labels_rc[..., 0], labels_rc[..., 1]].sum(dtype=np.float64)
    displacement = labels_rc - np.stack([r, c], axis=-1)
    squares = sum((np.diff(displacement, axis=axis) ** 2).sum() for axis in (0, 1))
    return float(data), float(beta * squares)


def solve(
    unary: np.ndarray,
    beta: float,
    *,
    solver: str = "trws",
    iterations: int = 100,
    tolerance: float = 1e-4,
) -> Solution:
    """Find a labelling of (nearly) minimal energy.

    ValueError if the costs are not four-dimensional, are empty or not finite, or a parameter is out of range.

    Parameters
    ----------
    unary : array (H, W, H', W')
        Cost of matching each node of the reference grid with each node of the moving grid.
    beta : float
        Weight of the squared difference, in cells, between the displacements of two neighbours.
    solver : {"trws", "bp"}
        Sequential tree-reweighted message passing (Kolmogorov 2006), which also bounds the optimum from
        below; or the paper's min-sum belief propagation (Felzenszwalb and Huttenlocher 2006) on a
        checkerboard, which stops when no message changes, when no label has changed for as long as a message
        takes to cross the grid, or, where nothing moves, when TRW-S proves that to be optimal.
    iterations : int
        Maximum number of iterations.
    tolerance : float
        TRW-S stops when energy and bound differ by at most this fraction of the energy.

    Returns
    -------
    Solution
        The best labelling encountered, starting from no flow: node (r, c) is matched with (r, c), or with the
        nearest node of the moving grid.
    """
    unary = np.asarray(unary)
    if unary.ndim != 4 or not unary.size:
        raise ValueError(f"expected costs (H, W, H', W'), none of them empty, got shape {unary.shape}")
    if not -1e20 < unary.min() <= unary.max() < 1e20:
        raise ValueError(
            "the costs hold NaN, or reach 1e20: to forbid a label, give it a large cost, say 1e4"
        )
    if not 0 <= beta < 1e20:
        raise ValueError(f"beta is {beta}: the weight of the smoothness term must be finite and not negative")
    if solver not in ("trws", "bp") or iterations < 1 or not tolerance >= 0:
        raise ValueError(
            "expected solver trws or bp, iterations of at least 1 and a tolerance of at least 0; got"
            f" {solver!r}, {iterations} and {tolerance}"
        )
    problem = _problem(unary, float(beta))
    if solver == "trws":
        bound, done = kernels.trws(*problem, int(iterations), float(tolerance), -np.inf)
    else:
        precision = PRECISION * float(unary.max() - unary.min())
        bound, done = -np.inf, kernels.bp(*problem, int(iterations), precision)
    labels_rc = problem[1].reshape(*unary.shape[:2], 2)
    data, smoothness = energy(unary, labels_rc, beta)
    total = data + smoothness
    return Solution(labels_rc, total, data, smoothness, min(bound, total), done)


def _problem(unary: np.ndarray, beta: float) -> tuple:
    """The arguments of the compiled solvers; the second is the labelling, which starts with no flow."""
    height, width, rows, cols = unary.shape
    columns = _whole_vectors(cols)
    data = vectors.aligned(height * width * rows * columns).reshape(height, width, rows, columns)
    data[..., :cols] = unary
    data[..., cols:] = kernels.PADDING
    labels_rc = np.indices((height, width)).reshape(2, -1).T.clip(max=(rows - 1, cols - 1))
    return data.ravel(), labels_rc, height, width, rows, cols, beta, _parabola(rows, cols, beta)


def _parabola(rows: int, cols: int, beta: float) -> np.ndarray:
    """The pairwise cost along one axis, as the kernels expect it."""
    margin = max(rows, cols) + vectors.TILE
    return (beta * np.arange(-margin, margin + _whole_vectors(cols)) ** 2.0).astype(np.float32)


def _whole_vectors(cols: int) -> int:
    return -(-cols // vectors.LANES) * vectors.LANES
