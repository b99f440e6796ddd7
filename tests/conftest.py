"""What every test shares: one hypothesis profile, the real photographs where they are, a cache of their own."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# The same examples on every run and no deadline: a test that fails on a busy machine only says that it is busy.
settings.register_profile("corrlib", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("corrlib")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def rng():
    """A fresh generator, the same in every test."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def real():
    """The folder of real photographs and weights beside the project; tests that need it are skipped without."""
    folder = ROOT.parent / "shared" / "real"
    if not folder.is_dir():
        pytest.skip(f"no real photographs at {folder}")
    return folder
