"""Nearest neighbours side by side: corrlib.retrieval, NumPy and scikit-learn; a million features on disk.

    python benchmarks/retrieval.py [--threads 1] [--million]

Prints processor seconds (of all threads, so that a busy machine matters less) and ratios to corrlib's. With
``--million`` it writes a database of 1e6 x 384 float32 (1.5 GB, the paper's size for conv3) to a temporary
folder, searches it mapped from there, and prints the peak of the process's own memory.
"""

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from corrlib.retrieval import nearest

QUERIES, DATABASE, WIDTH, K = 1352, 100_000, 384, 5  # eight images of 13 x 13 units


def features(rng: np.random.Generator, count: int) -> np.ndarray:
    """Rectified noise: as sparse as a convolutional layer after its ReLU."""
    return np.maximum(rng.standard_normal((count, WIDTH), dtype=np.float32), 0)


def by_numpy(query: np.ndarray, database: np.ndarray, chunk: int = 4096) -> np.ndarray:
    """The same algorithm in NumPy."""
    query = query / np.linalg.norm(query, axis=1, keepdims=True)
    best = np.full((len(query), K), -2, np.float32)
    index = np.zeros((len(query), K), np.int64)
    for start in range(0, len(database), chunk):
        rows = database[start : start + chunk]
        similarity = query @ (rows / np.linalg.norm(rows, axis=1, keepdims=True)).T
        found = np.argpartition(similarity, -K, axis=1)[:, -K:]
        value = np.concatenate([best, np.take_along_axis(similarity, found, 1)], axis=1)
        found = np.concatenate([index, found + start], axis=1)
        order = np.argsort(-value, axis=1)[:, :K]
        best, index = np.take_along_axis(value, order, 1), np.take_along_axis(found, order, 1)
    return index


def by_sklearn(query: np.ndarray, database: np.ndarray) -> np.ndarray:
    """scikit-learn's exhaustive search by cosine distance."""
    index = NearestNeighbors(n_neighbors=K, algorithm="brute", metric="cosine").fit(database)
    return index.kneighbors(query, return_distance=False)


def by_sklearn_unit(query: np.ndarray, database: np.ndarray) -> np.ndarray:
    """... and by Euclidean distance of unit vectors, for which it has a faster path."""
    query, database = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (query, database))
    return (
        NearestNeighbors(n_neighbors=K, algorithm="brute")
        .fit(database)
        .kneighbors(query, return_distance=False)
    )


def compare(rng: np.random.Generator, repeats: int = 3) -> None:
    """Print the best of some runs of each, in turn, and that they agree."""
    query, database = features(rng, QUERIES), features(rng, DATABASE)
    methods = {"corrlib": lambda q, d: nearest(q, d, K)[0], "numpy": by_numpy}
    methods |= {"scikit-learn, cosine": by_sklearn, "scikit-learn, unit vectors": by_sklearn_unit}
    seconds = {name: [] for name in methods}
    found = {}
    for _ in range(repeats):
        for name, method in methods.items():
            started = time.process_time()
            found[name] = method(query, database)
            seconds[name].append(time.process_time() - started)
    for name in methods:
        best, agree = min(seconds[name]), (found[name] == found["corrlib"]).mean()
        print(f"{name:28} {best:6.2f} s  x {best / min(seconds['corrlib']):.2f}   {agree:.2%} the same")


def million(rng: np.random.Generator, count: int = 1_000_000) -> None:
    """Search a database that is mapped from disk; print time and memory."""
    with tempfile.TemporaryDirectory() as folder:
        database = np.memmap(Path(folder) / "database", np.float32, "w+", shape=(count, WIDTH))
        for start in range(0, count, 50_000):
            database[start : start + 50_000] = features(rng, 50_000)
        database.flush()
        query = np.array(database[:: count // 169][:169])
        mapped = np.memmap(Path(folder) / "database", np.float32, "r", shape=(count, WIDTH))
        own, done = [_own_memory()], threading.Event()
        watch = threading.Thread(
            target=lambda: [own.append(_own_memory()) for _ in iter(lambda: done.wait(0.01), True)]
        )
        watch.start()
        started = time.perf_counter()
        index, _ = nearest(query, mapped, K)
        took = time.perf_counter() - started
        done.set()
        watch.join()
        assert (index[:, 0] == np.arange(0, count, count // 169)[:169]).all()
        print(
            f"{count} x {WIDTH} mapped from disk, {database.nbytes / 2**20:.0f} MiB: "
            f"{len(query)} queries in {took:.1f} s, {max(own) - own[0]:.0f} MiB of memory at the peak"
        )


def _own_memory() -> float:
    """The process's anonymous memory in MiB: no pages of mapped files, which come and go."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["RssAnon"].split()[0]) / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--million", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with threadpool_limits(arguments.threads):
        if arguments.million:  # first, before there is memory of old arrays to use again
            million(np.random.default_rng(0))
        compare(np.random.default_rng(0))
