"""What tests share: one hypothesis profile, a random generator, the real photographs where they are."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# The same examples on every run, and no deadline: it would only say that a machine is busy.
settings.register_profile("corrlib", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("corrlib")

ROOT = Path(__file__).resolve().parents[1]


def refused(*cases):
    """A test that each call raises a ValueError, whose message is matched by the text beside the call."""

    @pytest.mark.parametrize(("call", "message"), cases)
    def test(call, message):
        with pytest.raises(ValueError, match=message):
            call()

    return test


@pytest.fixture
def rng():
    """A fresh generator, the same in every test."""
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def no_open_figures():
    """Each test begins without the figures of others, whatever the order in which tests are run."""
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture(scope="session")
def real():
    """The folder of real photographs and weights beside the project; without it a test is skipped."""
    folder = ROOT.parent / "shared" / "real"
    if not folder.is_dir():
        pytest.skip(f"no real photographs at {folder}")
    return folder


@pytest.fixture(scope="session")
def shared_path(tmp_path_factory):
    """A folder that is empty when the tests begin, the same in all processes that run them."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="module")
def own_cache(shared_path):
    """A cache that is empty when the tests begin."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORRLIB_CACHE", str(shared_path / "cache"))
        yield


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A browser; without one a test is skipped."""
    from browser import Browser

    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="session")
def network():
    """A narrow CaffeNet with random weights."""
    import narrow

    return narrow.network()


@pytest.fixture(scope="session")
def world(shared_path):
    """Figurines: four train images and two val images of each category."""
    from filelock import FileLock

    from corrlib import figurines
    from corrlib.data import VOC

    out = shared_path / "figurines"
    with FileLock(f"{out}.lock"):
        if not out.exists():
            figurines.write_world(out, train=4, val=2, seed=3, jobs=1, progress=False)
    return VOC(out)
