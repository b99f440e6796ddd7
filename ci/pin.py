"""Pin everything but torch in constraints.txt, for Python 3.11 to 3.13: make constraints.

Torch is pinned in the Makefile, since its CPU build is installed first and by itself; what only its CUDA
build needs is left out. No address of a package registry is written.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CUDA = re.compile(r"(torch|triton|nvidia-.*|cuda-.*)==")


def main(torch: str) -> None:
    """Write constraints.txt, given torch's requirement."""
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder, "torch.txt")
        pinned.write_text(torch)
        # fmt: off
        lines = subprocess.run(
            [
                "uv", "pip", "compile", "pyproject.toml", "--all-extras", "--constraints", str(pinned),
                "--universal", "--python-version", "3.11", "--fork-strategy", "fewest", "--no-config",
                "--quiet", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate",
            ],
            cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
        ).stdout.splitlines()
        # fmt: on
    (ROOT / "constraints.txt").write_text("".join(f"{line}\n" for line in lines if not CUDA.match(line)))


if __name__ == "__main__":
    main(*sys.argv[1:] or ["torch"])
