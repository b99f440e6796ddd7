"""Retrieval against sorting the whole database, for various chunks, blocks and groups."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles
from conftest import refused
from corrlib import retrieval
from corrlib.retrieval import nearest
from hostile import limited


@pytest.mark.parametrize("chunk", [1, 7, 53, 1000])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("device", ["cpu", "cpu:0"])  # multiplied by NumPy, and by torch as on a GPU
def test_equals_sorting_the_whole_database(rng, monkeypatch, chunk, grouped, device):
    monkeypatch.setattr(retrieval, "QUERIES", 5)
    query, database = (rng.standard_normal((count, 11), np.float32) for count in (17, 53))
    query.flags.writeable = database.flags.writeable = device != "cpu"  # of which torch warns
    groups = {}
    if grouped:
        groups = {f"{of}_group": rng.choice(list("abcd"), n) for of, n in (("query", 17), ("database", 53))}
    for k in (1, 5):
        indices, similarity = nearest(query, database, k, chunk=chunk, device=device, **groups)
        expected, cosines = oracles.neighbours(query, database, k, **groups)
        np.testing.assert_array_equal(indices, expected)
        np.testing.assert_allclose(similarity, cosines, atol=1e-6)
        assert indices.dtype == np.int64 and similarity.dtype == np.float32


@given(data=st.data())
def test_blocks_are_searched_as_if_stacked(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    database = rng.standard_normal((31, 3)).astype(data.draw(st.sampled_from([np.float16, np.float32])))
    cuts = sorted(data.draw(st.lists(st.integers(0, 31), max_size=4)))
    query = rng.standard_normal((4, 3))
    k = data.draw(st.integers(1, 31))
    indices, similarity = nearest(query, np.split(database, cuts), k, chunk=data.draw(st.integers(1, 40)))
    expected, cosines = oracles.neighbours(query, database, k)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(similarity, cosines, atol=1e-6)


@pytest.mark.parametrize("factor", [2.0**-140, 2.0**-70, 2.0**60])
def test_the_cosine_of_features_of_any_norm(rng, factor):
    """Down to the smallest numbers of float32, whose squares are zero."""
    database = np.array([[3, 4], [-4, 3], [0, 0], [1, 0]], np.float32) * np.float32(factor)
    index, similarity = nearest(np.array([[6.0, 8.0]]) * min(factor, 1), database, 4)
    np.testing.assert_array_equal(index, [[0, 3, 1, 2]])
    np.testing.assert_allclose(similarity, [[1, 0.6, 0, 0]], atol=1e-5)


def test_the_norm_of_a_feature_does_not_matter(rng):
    database = rng.standard_normal((40, 5))
    scales = 10.0 ** rng.integers(-15, 15, (40, 1))
    query = database[[3, 30]] * 1e-10
    indices, similarity = nearest(query, database * scales, 1)
    np.testing.assert_array_equal(indices, [[3], [30]])
    np.testing.assert_allclose(similarity, 1, atol=1e-6)
    features = rng.standard_normal((300, 384))
    assert nearest(features, features, 1)[1].max() == 1  # not the 1.0000002 of rounded products


def test_the_cosine_of_zeros_is_zero_and_ties_are_in_order():
    database = np.array([[0, 0], [1, 0], [-1, 0], [2, 0], [1, 0.0]])
    indices, similarity = nearest(np.array([[3.0, 0], [0, 0]]), database, 5)
    np.testing.assert_array_equal(indices, [[1, 3, 4, 0, 2], [0, 1, 2, 3, 4]])
    np.testing.assert_array_equal(similarity, [[1, 1, 1, 0, -1], [0] * 5])


def test_no_queries():
    for groups in ({}, {"query_group": np.zeros(0, int), "database_group": np.zeros(4, int)}):
        indices, similarity = nearest(np.zeros((0, 3)), np.ones((4, 3)), 2, **groups)
        assert indices.shape == similarity.shape == (0, 2)


QUERY, DATABASE = np.ones((2, 3)), np.ones((4, 3))


test_bad_input_is_refused = refused(
    (lambda: nearest(QUERY, np.ones((4, 2)), 1), r"\(2, 3\) and \(4, 2\)"),
    (lambda: nearest(np.ones(3), DATABASE, 1), r"\(Q, D\)"),
    (lambda: nearest(QUERY, [], 1), "none"),
    (lambda: nearest(QUERY, DATABASE, 0), "k is 0.*4 features"),
    (lambda: nearest(QUERY, DATABASE, 5), "k is 5.*4 features"),
    (lambda: nearest(QUERY, DATABASE, 1, query_group=[0, 1]), r"\(2,\) and database_group \(4,\)"),
    (lambda: nearest(QUERY, DATABASE, 2, query_group=[0, 1], database_group=[1, 1, 0, 1]), "only 1"),
    (lambda: nearest(np.full((2, 3), np.nan), DATABASE, 1), "query.*not finite"),
    (lambda: nearest(QUERY, np.full((4, 3), np.inf), 1), "database.*not finite"),
)


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="reads the process's memory from /proc")
def test_a_mapped_database_is_read_in_bounded_memory(tmp_path):
    """100 MB on disk, while the process may allocate 40 MB."""
    rows, width = 100_000, 256
    database = np.memmap(tmp_path / "database", np.float32, "w+", shape=(rows, width))
    database[:, 0] = 1
    database[:, 1] = np.linspace(-1, 1, rows)
    query = np.zeros((2, width), np.float32)
    query[:, :2] = [1, -0.5], [1, 0.25]
    nearest(query, database[:10], 1)  # load and compile everything
    with limited(seconds=60, memory=40 * 2**20):
        indices, _ = nearest(query, database, 1)
    np.testing.assert_allclose(np.asarray(database[indices[:, 0], 1]), [-0.5, 0.25], atol=2e-3)
