"""Time before the first computation: the import, and the compilation, which is cached on disk."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import numpy as np

IMPORT = """\
import time
began = time.process_time()
import corrlib, corrlib.publishing.cli
print(time.process_time() - began)
"""
COMPILE = """\
import time
import numpy as np
from corrlib import mrf
costs = np.random.default_rng(0).random((5, 5, 5, 5), np.float32)
for _ in range(2):
    began = time.process_time()
    mrf.solve(costs, 0.1)
    print(time.process_time() - began)
"""


def seconds(program: str, **environment: str) -> list[float]:
    """The processor seconds that a program prints, run in a new process."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


def measure(quick: bool) -> dict[str, float]:
    """Processor seconds of the import and of the solver's first and later calls."""
    imports = [seconds(IMPORT)[0] for _ in range(2 if quick else 5)]
    with tempfile.TemporaryDirectory() as folder:
        compiled, called = seconds(COMPILE, NUMBA_CACHE_DIR=folder)
        loaded, _ = seconds(COMPILE, NUMBA_CACHE_DIR=folder)
    return {
        "import": float(np.median(imports)),
        "first call, compiled": compiled,
        "first call, from the disk": loaded,
        "later calls": called,
    }
