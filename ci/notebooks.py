"""Write the chapters as notebooks for Binder and Colab: python ci/notebooks.py DIR

The launch buttons of the pages open them from the branch ``notebooks``. This branch has the files of the main
branch and those written here: ``book/*.ipynb``, not executed, and what Binder needs to install the package.
"""

import shutil
import sys
from pathlib import Path

import nbformat
import yaml

from corrlib.publishing import chapters

ROOT = Path(__file__).resolve().parents[1]
# Colab has neither the project nor the package. Binder has both.
SETUP = """\
import importlib.util

if not importlib.util.find_spec("corrlib"):
    !git clone --quiet --depth 1 --branch main {url}
    %cd {folder}
    %pip install --quiet ."""
# conda has installed the packages of environment.yml. The figurines are rendered when the image is built.
POST_BUILD = """\
#!/usr/bin/env bash
set -euo pipefail
pip install --no-deps --no-build-isolation -e .
python -c "from corrlib.data import open_dataset; open_dataset()"
"""


def main(out: Path) -> None:
    """Write everything into the folder ``out``, which is created."""
    for folder in ("book", ".binder"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    url = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    setup = SETUP.format(url=url, folder=url.rsplit("/", 1)[-1])
    for chapter in sorted(ROOT.glob("book/[!_]*.py")):
        notebook = chapters.read(chapter)
        notebook.cells.insert(0, nbformat.v4.new_code_cell(setup, id="setup"))
        nbformat.write(notebook, out / "book" / f"{chapter.stem}.ipynb")
    shutil.copy(ROOT / "environment.yml", out / ".binder")
    (out / ".binder" / "postBuild").write_text(POST_BUILD)
    (out / ".binder" / "postBuild").chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
