"""Who imports whom, how long files are, and what no file holds."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src" / "corrlib"

# The floors of the house, the highest first: a part may import those of lower floors, and on its own floor itself.
FLOORS = [
    {"publishing"},
    {"experiments"},
    {"data"},
    {"figurines"},
    {"cache"},
    {"detection", "flow", "hard_negatives", "patches", "retrieval", "svm"},
    {"convnet", "metrics", "mrf", "sift"},
    {"geometry"},
]
MODULES = sorted(SOURCES.rglob("*.py"))


def part(path):
    """Return the part that a file of the package belongs to, such as 'convnet' for convnet/layers.py."""
    return path.relative_to(SOURCES).parts[0].removesuffix(".py")


def imports(path):
    """Return the dotted names below corrlib that a file imports anywhere, such as 'convnet.layers'."""
    package = ["corrlib", *path.relative_to(SOURCES).parts[:-1]]
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            names.update(f"{base}.{alias.name}" for alias in node.names)
    names = {name.removeprefix("corrlib.") for name in names if name.startswith("corrlib.")}
    return names - {"__version__"}


def tracked(*patterns):
    """Return the text files under version control, and those about to be."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCES)))
def test_imports_lead_downstairs(path):
    if path == SOURCES / "__init__.py":
        assert not imports(path), "importing corrlib loads nothing"
        return
    (floor,) = (number for number, parts in enumerate(FLOORS) if part(path) in parts)
    allowed = {part(path)}.union(*FLOORS[floor + 1 :])
    assert {name.split(".")[0] for name in imports(path)} <= allowed


@pytest.mark.parametrize("path", sorted(SOURCES.glob("experiments/**/*.py")), ids=lambda p: p.stem)
def test_experiments_do_not_import_each_other(path):
    own = path.relative_to(SOURCES / "experiments").parts[0].removesuffix(".py")
    used = {name.split(".")[1] for name in imports(path) if name.startswith("experiments.")}
    assert used <= {own}


def test_importing_corrlib_and_asking_for_help_load_nothing_heavy():
    heavy = {"torch", "numba", "cv2", "scipy", "sklearn", "matplotlib", "papermill", "numpy"}
    program = (
        "import sys, contextlib, corrlib, corrlib.publishing.cli\n"
        "with contextlib.suppress(SystemExit): corrlib.publishing.cli.main(['--help'])\n"
        f"print('LOADED', sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCES)))
def test_files_stay_short(path):
    assert len(path.read_text().splitlines()) < 300


@pytest.mark.parametrize("path", sorted(ROOT.glob("book/*.py")), ids=lambda p: p.name)
def test_chapters_are_prose_and_calls(path):
    code = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert len(code) < 180


def test_nothing_is_pickled():
    picklers = re.compile(r"(pickle|cPickle|dill|cloudpickle|shelve|marshal)\.(?!UnpicklingError)")
    for path in [*MODULES, *sorted(ROOT.glob("book/*.py")), *sorted(ROOT.glob("ci/*.py"))]:
        for node in ast.walk(ast.parse(path.read_text())):
            where = f"{path}: {ast.unparse(node)}"
            if isinstance(node, ast.ImportFrom):
                assert not picklers.match(f"{node.module}."), where
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert not picklers.match(ast.unparse(node)) and ast.unparse(node) != "joblib.dump", where
            if isinstance(node, ast.Call):
                keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert ast.unparse(node.func) != "torch.load" or keywords.get("weights_only") == "True", where
                assert keywords.get("allow_pickle", "False") == "False", where


def test_no_progress_bar_is_a_widget():
    # In a notebook tqdm.auto wants ipywidgets, whose pages load scripts from elsewhere; without, it warns.
    for path in [*MODULES, *sorted(ROOT.glob("book/*.py"))]:
        assert not re.search(r"tqdm\.(auto|notebook|autonotebook)", path.read_text()), path


def test_no_file_names_a_package_registry_or_a_place_on_one_machine():
    # Spelled in pieces, so that this file does not name them itself.
    forbidden = re.compile(
        "|".join(
            [
                r"py" + r"pi\.org",
                r"python" + r"hosted\.org",
                r"download\.py" + r"torch\.org",
                r"registry\.npm" + r"js",
                r"conda\.ana" + r"conda\.org",
                r"(?<![\w.])/(work|home|root|opt)/\w",
            ]
        )
    )
    for path in tracked(":!book/_vendor"):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found = forbidden.search(text)
        assert not found, f"{path.relative_to(ROOT)} holds {found[0]}"
