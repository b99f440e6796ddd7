"""The flow energy, its messages and its solvers, against definitions and exhaustive search."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

import oracles
from conftest import refused
from corrlib import mrf
from corrlib.mrf import kernels, solvers

both_solvers = pytest.mark.parametrize("solver", ["trws", "bp"])


def random_costs(seed, *shape):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def grid(height, width):
    return np.moveaxis(np.indices((height, width)), 0, -1)


@st.composite
def problems(draw):
    sides = [draw(st.integers(1, 6)) for _ in range(4)]
    beta = draw(st.sampled_from([0.0, 1e-3, 0.1, 1.0, 300.0]))
    return random_costs(draw(st.integers(0, 2**32)), *sides), beta


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

    def padded(values, cost):
        pad = -cols % kernels.LANES
        return np.pad(values, ((0, 0), (0, pad)), constant_values=cost).astype(np.float32).ravel()

    flat = padded(belief, kernels.PADDING)
    out = np.full(3 * len(flat), 7, np.float32)
    workspace = kernels.prepare(rows, cols, len(flat) // rows, solvers._parabola(rows, cols, beta))
    message = (flat, np.float32(share), padded(reverse, 5), 0, *edge, workspace, out, len(flat))
    taken, change = kernels.send(*message)
    before, sent, after = out.reshape(3, rows, -1)
    assert change == np.abs(sent - 7)[:, :cols].max() and kernels.send(*message) == (taken, 0)
    atol = 1e-6 * (1 + beta * (rows + cols) ** 2 + np.abs(belief).max())
    assert_allclose(sent[:, :cols] + taken, oracles.message(share * belief - reverse, beta, *edge), 0, atol)
    assert taken == pytest.approx((share * belief - reverse).min(), abs=atol)
    assert (before == 7).all() and (after == 7).all()  # nothing else was written


def small_solutions():
    found = []
    for shape, beta in itertools.product(((5, 4, 6, 19), (3, 3, 1, 2)), (0.003, 0.15, 5.0)):
        for solver in ("trws", "bp"):
            one = mrf.solve(random_costs(0, *shape), beta, solver=solver, iterations=5)
            found.append((one.labels_rc.tolist(), one.energy, one.bound, one.iterations))
    return found


def test_without_vector_instructions_the_solutions_are_the_same():
    program = (
        "import sys; sys.modules['corrlib.mrf.intrinsics'] = None  # cannot be imported\n"
        "import test_mrf; print(test_mrf.kernels.LANES, test_mrf.small_solutions())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent,
        env={**os.environ, "NUMBA_OPT": "0"},  # compiles in seconds
        capture_output=True,
        text=True,
        check=True,
    )
    assert kernels.LANES == 16
    assert done.stdout == f"1 {small_solutions()}\n"
    assert "RuntimeWarning: flows will be slow" in done.stderr


# Energies


@given(problems())
def test_energy_is_the_sum_over_nodes_and_edges(problem):
    costs, beta = problem
    labels = np.random.default_rng(1).integers(0, costs.shape[2:], (*costs.shape[:2], 2))
    assert_allclose(mrf.energy(costs, labels, beta), oracles.flow_energy(costs, labels, beta), rtol=1e-9)


@both_solvers
@given(problem=problems(), iterations=st.sampled_from([1, 20]))
def test_a_solution_reports_the_energy_of_its_labels_and_is_no_worse_than_no_flow(
    solver, problem, iterations
):
    costs, beta = problem
    found = mrf.solve(costs, beta, solver=solver, iterations=iterations)
    assert found.labels_rc.shape == (*costs.shape[:2], 2)
    expected = oracles.flow_energy(costs, found.labels_rc, beta)
    assert_allclose((found.data, found.smoothness), expected, rtol=1e-9)
    assert found.energy == found.data + found.smoothness
    assert found.bound <= found.energy
    no_flow = grid(*costs.shape[:2]).clip(max=np.array(costs.shape[2:]) - 1)
    assert found.energy <= sum(oracles.flow_energy(costs, no_flow, beta)) * (1 + 1e-6)


# Optima


@both_solvers
@pytest.mark.parametrize("shape", [(1, 5, 2, 3), (5, 1, 3, 2), (1, 1, 4, 5), (4, 1, 1, 7)])
def test_chains_are_solved_exactly(solver, shape):
    for seed in range(5):
        for beta in (0.02, 0.2):
            costs = random_costs(seed, *shape)
            found = mrf.solve(costs, beta, solver=solver, tolerance=0)
            assert found.energy == pytest.approx(oracles.least_flow_energy(costs, beta), rel=1e-6)
            if solver == "trws":
                assert found.bound == pytest.approx(found.energy, rel=1e-5)


@pytest.mark.parametrize("shape", [(2, 3, 2, 2), (3, 2, 1, 4), (2, 2, 3, 3), (2, 3, 3, 2)])
def test_on_loops_the_bound_holds_and_the_optimum_is_mostly_found(shape):
    optimal = {"trws": 0, "bp": 0}
    for seed in range(10):
        for beta in (0.02, 0.2):
            costs = random_costs(seed, *shape)
            optimum = oracles.least_flow_energy(costs, beta)
            for solver in optimal:
                found = mrf.solve(costs, beta, solver=solver)
                assert found.energy >= optimum * (1 - 1e-6)
                assert found.bound <= optimum * (1 + 1e-6)
                optimal[solver] += found.energy <= optimum * (1 + 1e-6)
    assert optimal["trws"] >= 17 and optimal["bp"] >= 15, f"of 20: {optimal}"


@pytest.mark.parametrize("beta", [0.01, 0.3])
def test_the_bound_is_close_to_the_energy_on_a_whole_grid(rng, beta):
    """Random costs without any structure, the hardest kind."""
    found = mrf.solve(rng.random((13, 13, 13, 13), dtype=np.float32), beta, tolerance=1e-3)
    assert 0 <= found.energy - found.bound <= 0.01 * found.energy


@both_solvers
def test_without_smoothness_each_node_takes_its_cheapest_label(rng, solver):
    costs = rng.random((5, 7, 3, 19), dtype=np.float32)
    found = mrf.solve(costs, 0, solver=solver)
    cheapest = np.unravel_index(costs.reshape(5, 7, -1).argmin(axis=-1), (3, 19))
    assert_array_equal(found.labels_rc, np.stack(cheapest, axis=-1))
    assert found.smoothness == 0


@both_solvers
@pytest.mark.parametrize("shift", [(0, 0), (2, 5), (4, 0)])
def test_a_shift_is_recovered(rng, solver, shift):
    """H != W, and a moving grid of another shape."""
    moving = rng.standard_normal((11, 18, 6)).astype(np.float32)
    reference = moving[shift[0] : shift[0] + 7, shift[1] : shift[1] + 13]
    found = mrf.solve(mrf.unary(reference, moving), 0.5, solver=solver)
    assert_array_equal(found.labels_rc, grid(7, 13) + shift)
    assert found.smoothness == 0
    assert found.data < 7 * 13 * 2e-3


@both_solvers
def test_a_smooth_warp_is_recovered(rng, solver):
    waves, phases = rng.normal(0, 0.7, (2, 24)), rng.uniform(0, 6.3, 24)
    reference_rc = grid(13, 17).astype(float)
    warp = 1.3 * np.stack([np.sin(reference_rc[..., 1] / 3), np.cos(reference_rc[..., 0] / 4)], axis=-1)
    moving_rc = grid(16, 20) - 1.5
    reference = np.cos((reference_rc + warp) @ waves + phases)
    costs = mrf.unary(reference, np.cos(moving_rc @ waves + phases))
    found = mrf.solve(costs, 0.1, solver=solver)
    error = found.labels_rc - 1.5 - (reference_rc + warp)
    # Half a cell of rounding, and the border is smoothed.
    assert np.abs(error).max() < 1.3
    assert np.sqrt((error**2).mean()) < 0.45


def test_trws_is_not_above_bp():
    for seed in range(5):
        costs = random_costs(seed, 9, 7, 6, 9)
        for beta in (0.01, 0.1, 1):
            bp, trws = (mrf.solve(costs, beta, solver=solver).energy for solver in ("bp", "trws"))
            assert trws <= bp * (1 + 1e-4)


# Stopping


def test_trws_stops_at_the_tolerance_or_the_maximum_and_bp_when_its_labels_no_longer_change():
    costs = random_costs(0, 9, 8, 9, 8)
    loose, tight = (mrf.solve(costs, 0.1, tolerance=t) for t in (0.05, 0.01))
    for found, tolerance in ((loose, 0.05), (tight, 0.01)):
        assert found.energy - found.bound <= tolerance * found.energy
    assert loose.iterations < tight.iterations < 100
    assert loose.bound <= tight.bound
    assert mrf.solve(costs, 0.1, tolerance=0, iterations=3).iterations == 3
    costs = random_costs(0, 6, 6, 5, 5)
    found = mrf.solve(costs, 0.02, solver="bp")
    assert 6 <= found.iterations < 100 and found.bound == -np.inf
    again = mrf.solve(costs, 0.02, solver="bp", iterations=found.iterations + 50)
    assert_array_equal(found.labels_rc, again.labels_rc)


def test_bp_updates_the_checkerboard_in_turns():
    """Step by step the energies of a slow twin; other orders of the nodes give others."""
    costs = random_costs(3, 5, 4, 5, 4)
    steps = [mrf.solve(costs, 0.05, solver="bp", iterations=n) for n in (1, 2, 3, 4)]
    assert [step.iterations for step in steps] == [1, 2, 3, 4]
    energies = [step.energy for step in steps]
    assert_allclose(energies, [oracles.belief_propagation(costs, 0.05, n) for n in (1, 2, 3, 4)], rtol=1e-6)
    assert len(set(energies)) > 2


@pytest.mark.parametrize("beta", [0.003, 0.02, 0.1])
def test_nodes_without_news_need_not_send(beta):
    """The slow twin sends every message in each of as many iterations as it takes to settle."""
    costs = random_costs(4, 5, 6, 5, 6)
    found = mrf.solve(costs, beta, solver="bp")
    assert found.energy == pytest.approx(oracles.belief_propagation(costs, beta, 60), rel=1e-6)


def test_bp_stops_early_only_where_no_flow_is_optimal():
    """The slow twin never stops, and finds nothing better; nor does exhaustive search, on a tiny grid."""
    stopped = 0
    for seed, beta in itertools.product(range(4), (0.02, 0.1, 0.3)):
        for shape in ((5, 6, 5, 6), (2, 3, 2, 3)):
            costs = random_costs(seed, *shape)
            costs[(*grid(*shape[:2]).T, *grid(*shape[:2]).T)] *= 0.5
            found = mrf.solve(costs, beta, solver="bp")
            lowest = oracles.belief_propagation(costs, beta, 40)
            assert found.energy == pytest.approx(lowest, rel=1e-6)
            if found.iterations == kernels.TRIED and (found.labels_rc == grid(*shape[:2])).all():
                stopped += 1
                if shape[0] == 2:
                    assert found.energy == pytest.approx(oracles.least_flow_energy(costs, beta), rel=1e-6)
    assert 5 <= stopped < 24


# Features


def test_unary_is_the_distance_of_features(rng):
    reference, moving = rng.standard_normal((3, 5, 11)), rng.standard_normal((2, 4, 7, 11)).astype(np.float32)
    costs = mrf.unary(reference, moving)
    assert costs.shape == (2, 3, 5, 4, 7) and costs.dtype == np.float32
    for found, features in zip(costs, moving, strict=True):
        distances = cdist(reference.reshape(15, 11), features.reshape(28, 11))
        assert_allclose(found.reshape(15, 28), distances, rtol=1e-5)
        assert_allclose(mrf.unary(reference, features), found, rtol=1e-6)
    assert np.abs(np.diagonal(mrf.unary(moving[0], moving[0]).reshape(28, 28))).max() < 3e-3


# Bad input

FEATURES, COSTS = np.zeros((3, 3, 5)), np.zeros((2, 2, 2, 2))


test_bad_input_is_refused = refused(
    (lambda: mrf.unary(FEATURES, np.zeros((3, 3, 4))), r"same depth.*\(3, 3, 5\) and \(3, 3, 4\)"),
    (lambda: mrf.unary(np.zeros((0, 3, 5)), FEATURES), "empty"),
    (lambda: mrf.unary(FEATURES, np.zeros((2, 3, 0, 5))), "empty"),
    (lambda: mrf.unary(np.full((3, 3, 5), np.nan), FEATURES), "not finite"),
    (lambda: mrf.unary(FEATURES, np.full((3, 3, 5), np.inf)), "not finite"),
    (lambda: mrf.unary(np.zeros((3, 5)), FEATURES), r"\(3, 5\)"),
    (lambda: mrf.solve(np.zeros((2, 2, 2)), 1), r"\(2, 2, 2\)"),
    (lambda: mrf.solve(np.zeros((2, 2, 0, 2)), 1), "empty"),
    (lambda: mrf.solve(np.full((2, 2, 2, 2), np.nan), 1), "NaN"),
    (lambda: mrf.solve(np.full((2, 2, 2, 2), -np.inf), 1), "NaN, or"),
    (lambda: mrf.solve(np.full((2, 2, 2, 2), 1e20), 1), "1e20"),
    (lambda: mrf.solve(COSTS, -0.1), "beta is -0.1"),
    (lambda: mrf.solve(COSTS, np.nan), "beta is nan"),
    (lambda: mrf.solve(COSTS, 1, solver="icm"), "trws or bp.*'icm'"),
    (lambda: mrf.solve(COSTS, 1, iterations=0), "iterations"),
    (lambda: mrf.solve(COSTS, 1, tolerance=-1), "tolerance"),
)
