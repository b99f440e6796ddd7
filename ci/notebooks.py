"""Write the chapters as notebooks for Binder and Colab: python ci/notebooks.py DIR

The launch buttons of the pages open them in the branch ``notebooks``, which has what this writes on top of
the main branch: ``book/*.ipynb``, not executed, and what Binder needs to install the package.
"""

import shutil
import sys
from pathlib import Path

import jupytext
import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[1]
# Colab has neither the project nor the package. Binder has both: there only the last line does anything.
SETUP = """\
import importlib.util

if not importlib.util.find_spec("corrlib"):
    !git clone --quiet --depth 1 --branch main {url}
    %cd {folder}
    %pip install --quiet . myst-nb
%load_ext corrlib.notebook"""
# conda has installed what environment.yml names. The figurines are drawn once, when the image is built.
POST_BUILD = """\
#!/usr/bin/env bash
set -euo pipefail
pip install --no-deps --no-build-isolation -e .
python -c "from corrlib.data import open_dataset; open_dataset()"
"""


def setup() -> nbformat.NotebookNode:
    """Return the first cell of every notebook; the project's address is that of ``_config.yml``."""
    url = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    return nbformat.v4.new_code_cell(SETUP.format(url=url, folder=url.rsplit("/", 1)[-1]), id="setup")


def main(out: Path) -> None:
    """Write everything below ``out``, a folder that is made."""
    for folder in ("book", ".binder"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for chapter in sorted(ROOT.glob("book/*.py")):
        notebook = jupytext.read(chapter)
        notebook.cells.insert(0, setup())
        nbformat.write(notebook, out / "book" / f"{chapter.stem}.ipynb")
    shutil.copy(ROOT / "environment.yml", out / ".binder")
    (out / ".binder" / "postBuild").write_text(POST_BUILD)
    (out / ".binder" / "postBuild").chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
