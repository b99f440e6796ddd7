"""Create the project's virtual environment, or update it; do nothing if it is up to date.

    python3 ci/venv.py [torch requirement]

The CPU build of torch is installed in a first step by itself, so that no later step installs CUDA. The rest
is installed with the pins of constraints.txt. A stamp in the environment holds a digest of the requirements.
"""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "corrlib-requirements"


def main(torch: str) -> None:
    """Install missing packages. ``torch`` is a requirement such as ``torch==2.13.0``."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        found = f"{sys.executable} is {sys.version.split()[0]}"
        sys.exit(f"Python 3.11 to 3.13 is needed, and {found}: try make PYTHON=python3.12")
    with open(__file__) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # if two run at once, the second waits and has nothing to do
        wanted = hashlib.sha256(f"{torch} {sys.version_info[:2]} {ROOT}".encode())
        for name in ("pyproject.toml", "constraints.txt"):
            wanted.update((ROOT / name).read_bytes())
        if STAMP.is_file() and STAMP.read_text() == wanted.hexdigest():
            return
        STAMP.unlink(missing_ok=True)
        python = VENV / "bin" / "python"
        version = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
        # The scripts of a copied or moved environment refer to its old location.
        copied = python.exists() and str(VENV) not in (VENV / "bin" / "activate").read_text()
        if copied or not python.exists() or subprocess.run([python, "-c", version]).returncode:
            run(sys.executable, "-m", "venv", "--clear", VENV)
        pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-user")
        pins = ("-c", ROOT / "constraints.txt")
        run(*pip, *pins, torch, "setuptools")
        run(*pip, *pins, "--no-build-isolation", "-e", f"{ROOT}[book,test]")
        STAMP.write_text(wanted.hexdigest())


def run(*command: object) -> None:
    """Show a command and run it, or stop with its exit status."""
    print(*(str(c).replace(f"{ROOT}/", "").replace(str(ROOT), ".") for c in command), flush=True)
    done = subprocess.run([str(c) for c in command])
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main(*sys.argv[1:] or ["torch"])
