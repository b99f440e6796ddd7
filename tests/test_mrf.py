"""The flow energy, its messages and its solvers, against definitions and exhaustive search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

import oracles
from corrlib import mrf
from corrlib.mrf import kernels, solvers, vectors


def padded(values, cost):
    """Rows filled up to whole vectors, float32."""
    return np.pad(values, ((0, 0), (0, -values.shape[1] % vectors.LANES)), constant_values=cost).astype(
        np.float32
    )


def a_problem(seed, height, width, rows, cols):
    return np.random.default_rng(seed).random((height, width, rows, cols), dtype=np.float32)


def grid(height, width):
    return np.moveaxis(np.indices((height, width)), 0, -1)


@st.composite
def problems(draw):
    sides = [draw(st.integers(1, 6)) for _ in range(4)]
    beta = draw(st.sampled_from([0.0, 1e-3, 0.1, 1.0, 300.0]))
    return a_problem(draw(st.integers(0, 2**32)), *sides), beta


# Messages


@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(1, 9),
    cols=st.integers(1, 35),
    edge=st.sampled_from([(0, 1), (0, -1), (1, 0), (-1, 0)]),
    beta=st.sampled_from([0.0, 0.01, 0.77, 20.0]),
    share=st.sampled_from([1.0, 0.5]),
    depth=st.floats(0, 20),
)
def test_a_message_is_the_distance_transform_of_its_source(seed, rows, cols, edge, beta, share, depth):
    """Of rough sources, and of flat ones with a few pits, as deep as a parabola is high after some cells."""
    rng = np.random.default_rng(seed)
    belief, reverse = rng.uniform(-2, 3, (2, rows, cols))
    if depth > 1:
        belief = -depth * max(beta, 0.01) / share * (rng.random((rows, cols)) < 0.1)
        reverse = 0.01 * beta * reverse
    expected = oracles.message(share * belief - reverse, beta, *edge)
    flat, columns = padded(belief, vectors.FAR).ravel(), padded(belief, 0).shape[1]
    out = np.full(3 * len(flat), 7, np.float32)
    _, source, half = kernels.workspace(rows, columns)
    taken = kernels.send(
        flat, np.float32(share), padded(reverse, 5).ravel(), 0, *edge, rows, cols,
        solvers._bowl(rows, cols, beta), source, half, out, len(flat),
    )  # fmt: skip
    before, sent, after = out.reshape(3, rows, columns)
    scale = 1 + beta * (rows + cols) ** 2 + np.abs(belief).max()
    assert_allclose(sent[:, :cols] + taken, expected, rtol=0, atol=1e-6 * scale)
    assert_array_equal(before, 7, err_msg="the message before was written to")
    assert_array_equal(after, 7, err_msg="the message after was written to")
    assert taken == pytest.approx((share * belief - reverse).min(), abs=1e-6 * scale)


@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(1, 9),
    cols=st.integers(1, 20),
    beta=st.sampled_from([0.01, 0.77, 20.0]),
    shift=st.integers(-1, 1),
)
def test_the_lower_envelope_agrees(seed, rows, cols, beta, shift):
    """The transform that the paper cites, twin of ours in the benchmark."""
    source = np.random.default_rng(seed).uniform(-2, 3, (rows, cols))
    half, out = np.empty_like(source), np.empty_like(source)
    spaces = np.zeros(20, int), np.zeros(21)
    for x in range(cols):
        oracles.lower_envelope(source[:, x], beta, 0, half[:, x], *spaces)
    for y in range(rows):
        oracles.lower_envelope(half[y], beta, shift, out[y], *spaces)
    assert_allclose(out, oracles.message(source, beta, 0, shift), atol=1e-9 * (1 + beta * cols**2))


# Energies


@given(problems())
def test_energy_is_the_sum_over_nodes_and_edges(problem):
    costs, beta = problem
    height, width, rows, cols = costs.shape
    labels = np.random.default_rng(1).integers(0, (rows, cols), (height, width, 2))
    assert_allclose(mrf.energy(costs, labels, beta), oracles.flow_energy(costs, labels, beta), rtol=1e-9)


@pytest.mark.parametrize("solver", ["trws", "bp"])
@given(problem=problems())
def test_a_solution_tells_the_energy_of_its_labels_and_is_no_worse_than_no_flow(solver, problem):
    costs, beta = problem
    found = mrf.solve(costs, beta, solver=solver, iterations=20)
    assert found.labels_rc.shape == (*costs.shape[:2], 2)
    assert_allclose(
        (found.data, found.smoothness), oracles.flow_energy(costs, found.labels_rc, beta), rtol=1e-9
    )
    assert found.energy == found.data + found.smoothness
    assert found.bound <= found.energy
    still = grid(*costs.shape[:2]).clip(max=np.array(costs.shape[2:]) - 1)
    assert found.energy <= sum(oracles.flow_energy(costs, still, beta)) * (1 + 1e-6)


@pytest.mark.parametrize("solver", ["trws", "bp"])
def test_a_solver_cut_short_does_not_lose_to_no_flow(solver):
    """The labels of a first iteration are far above it here."""
    costs = 0.1 * a_problem(0, 8, 9, 9, 8)
    still = grid(8, 9).clip(max=(8, 7))
    for beta in (0.1, 0.5):
        assert mrf.solve(costs, beta, solver=solver, iterations=1).energy <= sum(
            mrf.energy(costs, still, beta)
        )


# Optima

CHAINS = [(1, 5, 2, 3), (5, 1, 3, 2), (1, 1, 4, 5), (4, 1, 1, 7)]
LOOPS = [(2, 3, 2, 2), (3, 2, 1, 4), (2, 2, 3, 3), (2, 3, 3, 2)]


@pytest.mark.parametrize("solver", ["trws", "bp"])
@pytest.mark.parametrize("shape", CHAINS)
def test_chains_are_solved_exactly(solver, shape):
    for seed in range(5):
        for beta in (0.02, 0.2):
            costs = a_problem(seed, *shape)
            found = mrf.solve(costs, beta, solver=solver, tolerance=0)
            assert found.energy == pytest.approx(oracles.least_flow_energy(costs, beta), rel=1e-6)
            if solver == "trws":
                assert found.bound == pytest.approx(found.energy, rel=1e-5)


@pytest.mark.parametrize("shape", LOOPS)
def test_loops_are_bounded_and_never_below_the_optimum(shape):
    hits = {"trws": 0, "bp": 0}
    for seed in range(10):
        for beta in (0.02, 0.2):
            costs = a_problem(seed, *shape)
            optimum = oracles.least_flow_energy(costs, beta)
            for solver in hits:
                found = mrf.solve(costs, beta, solver=solver)
                assert found.energy >= optimum * (1 - 1e-6)
                assert found.bound <= optimum * (1 + 1e-6)
                hits[solver] += found.energy <= optimum * (1 + 1e-6)
    print(f"{shape}: optimum met in {hits} of 20")
    assert hits["trws"] >= 17 and hits["bp"] >= 15


def test_the_bound_meets_the_energy_on_a_whole_grid(rng):
    """Random costs without any structure at 13 x 13, as hard as they come."""
    for beta, share in ((0.01, 0.01), (0.3, 0.01)):
        found = mrf.solve(rng.random((13, 13, 13, 13), dtype=np.float32), beta, tolerance=1e-3)
        assert 0 <= found.energy - found.bound <= share * found.energy


@pytest.mark.parametrize("solver", ["trws", "bp"])
def test_without_smoothness_every_node_takes_its_cheapest(rng, solver):
    costs = rng.random((5, 7, 3, 19), dtype=np.float32)
    found = mrf.solve(costs, 0, solver=solver)
    cheapest = np.unravel_index(costs.reshape(5, 7, -1).argmin(axis=-1), (3, 19))
    assert_array_equal(found.labels_rc, np.stack(cheapest, axis=-1))
    assert found.smoothness == 0


@pytest.mark.parametrize("solver", ["trws", "bp"])
@pytest.mark.parametrize("shift", [(0, 0), (2, 5), (4, 0)])
def test_a_shift_is_recovered(rng, solver, shift):
    """H != W, and a moving grid of another shape."""
    moving = rng.standard_normal((11, 18, 6)).astype(np.float32)
    reference = moving[shift[0] : shift[0] + 7, shift[1] : shift[1] + 13]
    found = mrf.solve(mrf.unary(reference, moving), 0.5, solver=solver)
    assert_array_equal(found.labels_rc, grid(7, 13) + shift)
    assert found.smoothness == 0
    assert found.data < 7 * 13 * 2e-3


@pytest.mark.parametrize("solver", ["trws", "bp"])
def test_a_smooth_warp_is_recovered(rng, solver):
    waves, phases = rng.normal(0, 0.7, (2, 24)), rng.uniform(0, 6.3, 24)
    reference_rc = grid(13, 17).astype(float)
    bend = np.stack([np.sin(reference_rc[..., 1] / 3), np.cos(reference_rc[..., 0] / 4)], axis=-1)
    moving_rc = grid(16, 20) - 1.5
    reference = np.cos((reference_rc + 1.3 * bend) @ waves + phases)
    costs = mrf.unary(reference, np.cos(moving_rc @ waves + phases))
    found = mrf.solve(costs, 0.1, solver=solver)
    off = found.labels_rc - 1.5 - (reference_rc + 1.3 * bend)
    # Half a cell of rounding, and a border that is pulled along.
    assert np.abs(off).max() < 1.3
    assert np.sqrt((off**2).mean()) < 0.45


# Stopping


def test_trws_stops_at_the_tolerance_or_the_cap():
    costs = a_problem(0, 9, 8, 9, 8)
    loose, tight = (mrf.solve(costs, 0.1, tolerance=t) for t in (0.05, 0.01))
    for found, tolerance in ((loose, 0.05), (tight, 0.01)):
        assert found.energy - found.bound <= tolerance * found.energy
    assert loose.iterations < tight.iterations < 100
    assert loose.bound <= tight.bound
    assert mrf.solve(costs, 0.1, tolerance=0, iterations=3).iterations == 3


def test_bp_stops_when_its_labels_do():
    costs = a_problem(0, 6, 6, 5, 5)
    found = mrf.solve(costs, 0.02, solver="bp")
    assert 6 <= found.iterations < 100
    assert found.bound == -np.inf
    again = mrf.solve(costs, 0.02, solver="bp", iterations=found.iterations + 50)
    assert_array_equal(found.labels_rc, again.labels_rc)
    assert mrf.solve(costs, 0.02, solver="bp", iterations=2).iterations == 2


def test_bp_keeps_to_the_checkerboard():
    """Step by step the energies of a slow twin; other orders of the nodes give others."""
    costs = a_problem(3, 5, 4, 5, 4)
    steps = [mrf.solve(costs, 0.05, solver="bp", iterations=n).energy for n in (1, 2, 3, 4)]
    assert_allclose(steps, [oracles.belief_propagation(costs, 0.05, n) for n in (1, 2, 3, 4)], rtol=1e-6)
    assert len(set(steps)) > 2


def test_trws_is_not_above_bp():
    for seed in range(5):
        costs = a_problem(seed, 9, 7, 6, 9)
        for beta in (0.01, 0.1, 1):
            paper, ours = (mrf.solve(costs, beta, solver=solver).energy for solver in ("bp", "trws"))
            assert ours <= paper * (1 + 1e-4)


# Batches and features


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_a_batch_is_solved_as_its_members_are(threads):
    costs = [a_problem(seed, 4, 5, 3 + seed, 6) for seed in range(5)]
    for solver in ("trws", "bp"):
        batch = mrf.solve_batch(iter(costs), 0.1, threads=threads, solver=solver)
        for member, one in zip(batch, costs, strict=True):
            alone = mrf.solve(one, 0.1, solver=solver)
            assert_array_equal(member.labels_rc, alone.labels_rc)
            assert (member.energy, member.bound) == (alone.energy, alone.bound)


def test_unary_is_the_distance_of_features(rng):
    reference, moving = rng.standard_normal((3, 5, 11)), rng.standard_normal((2, 4, 7, 11)).astype(np.float32)
    costs = mrf.unary(reference, moving)
    assert costs.shape == (2, 3, 5, 4, 7) and costs.dtype == np.float32
    for one, features in zip(costs, moving, strict=True):
        distances = cdist(reference.reshape(15, 11), features.reshape(28, 11))
        assert_allclose(one.reshape(15, 28), distances, rtol=1e-5)
        assert_allclose(mrf.unary(reference, features), one, rtol=1e-6)
    assert np.abs(np.diagonal(mrf.unary(moving[0], moving[0]).reshape(28, 28))).max() < 3e-3


# Bad input


@pytest.mark.parametrize(
    ("reference", "moving", "message"),
    [
        (np.zeros((3, 3, 5)), np.zeros((3, 3, 4)), "depth 5 .* and 4"),
        (np.zeros((0, 3, 5)), np.zeros((3, 3, 5)), "empty"),
        (np.zeros((3, 3, 5)), np.zeros((2, 3, 0, 5)), "empty"),
        (np.full((3, 3, 5), np.nan), np.zeros((3, 3, 5)), "not finite"),
        (np.zeros((3, 3, 5)), np.full((3, 3, 5), np.inf), "not finite"),
        (np.zeros((3, 5)), np.zeros((3, 3, 5)), r"\(3, 5\)"),
    ],
)
def test_features_that_do_not_compare_are_refused(reference, moving, message):
    with pytest.raises(ValueError, match=message):
        mrf.unary(reference, moving)


@pytest.mark.parametrize(
    ("costs", "beta", "how", "message"),
    [
        (np.zeros((2, 2, 2)), 1, {}, r"\(2, 2, 2\)"),
        (np.zeros((2, 2, 0, 2)), 1, {}, "empty"),
        (np.full((2, 2, 2, 2), np.nan), 1, {}, "NaN"),
        (np.full((2, 2, 2, 2), -np.inf), 1, {}, "NaN, or"),
        (np.full((2, 2, 2, 2), 1e20), 1, {}, "1e20"),
        (np.zeros((2, 2, 2, 2)), -0.1, {}, "beta is -0.1"),
        (np.zeros((2, 2, 2, 2)), np.nan, {}, "beta is nan"),
        (np.zeros((2, 2, 2, 2)), 1, {"solver": "icm"}, "trws, bp"),
        (np.zeros((2, 2, 2, 2)), 1, {"iterations": 0}, "iterations"),
        (np.zeros((2, 2, 2, 2)), 1, {"tolerance": -1}, "tolerance"),
    ],
)
def test_problems_out_of_range_are_refused(costs, beta, how, message):
    with pytest.raises(ValueError, match=message):
        mrf.solve(costs, beta, **how)
