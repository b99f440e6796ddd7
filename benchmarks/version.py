"""A version of this package in a fresh clone, with a cache of its own and the installed libraries."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.report import ROOT

#: The command line of whatever version is on the path.
COMMAND = "import sys; from corrlib.publishing.cli import main; sys.exit(main())"


class Version:
    """A clone of a commit below ``folder``, the interpreter of this process, and an empty cache."""

    def __init__(self, commit: str, folder: Path):
        self.root, self.cache = folder / "project", folder / "cache"
        known = ["git", "rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}"]
        if subprocess.run(known, cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
            sys.exit(f"no commit {commit!r} in {ROOT}: see git log")
        subprocess.run(["git", "clone", "--quiet", ROOT, self.root], check=True)
        subprocess.run(["git", "checkout", "--quiet", commit], cwd=self.root, check=True)
        named = subprocess.check_output(["git", "rev-parse", "--short=8", "HEAD"], cwd=self.root, text=True)
        self.commit = named.strip()

    def run(self, program: str, *arguments: str) -> float:
        """Run a Python program with this version of the package; return the seconds."""
        # The limits of threads are for the other benchmarks.
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
        environment |= {"CORRLIB_CACHE": str(self.cache), "PYTHONPATH": str(self.root / "src")}
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=self.root, env=environment, check=True
        )
        return time.perf_counter() - began
