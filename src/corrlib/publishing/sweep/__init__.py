"""Parameter sweeps: the points of a grid executed by papermill on dask workers, and one table of them."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from corrlib.publishing import results


def command(chapter: str, **grid: object) -> list[dict[str, Any]]:
    """Run ``corrlib sweep`` from a chapter: print the command, and return the rows of its table.

    ``grid`` has values of parameters as on the command line; empty ones are left out. RuntimeError with the
    output of the command, if it fails.
    """
    pairs = [f"{name}={value}" for name, value in grid.items() if value != ""]
    out = f"_build/sweeps/{chapter}"
    arguments = ["sweep", chapter, *(part for pair in pairs for part in ("-p", pair)), "--out", out]
    print(shlex.join(["corrlib", *arguments]).replace(" -", " \\\n    -"))
    root = results.project()
    program = [str(Path(sys.executable).with_name("corrlib")), *arguments]
    done = subprocess.run(program, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads((root / Path(out) / "results.json").read_text(encoding="utf-8"))
