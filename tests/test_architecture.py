"""The rules of the source tree: imports, exports, lengths of files, and what no file may hold."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from conftest import ROOT

SOURCES = ROOT / "src" / "corrlib"

# The highest floor first: a part imports from lower floors and from itself.
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
PROGRAMS = [
    *MODULES,
    *(path for folder in ("book", "ci", "benchmarks") for path in (ROOT / folder).glob("*.py")),
]


def part(path):
    """The part that a file of the package belongs to, such as convnet for convnet/layers.py."""
    return path.relative_to(SOURCES).parts[0].removesuffix(".py")


def module_name(path):
    """Dotted name of a module of the package."""
    return ".".join(path.relative_to(SOURCES.parent).with_suffix("").parts).removesuffix(".__init__")


@cache
def uses(path):
    """Names below corrlib that a file imports or takes from what it imports, such as 'corrlib.flow.warp'."""
    tree, local, used = ast.parse(path.read_text()), defaultdict(set), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert not getattr(node, "level", 0), f"{path}: imports are absolute"
            base = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                used.add(base + alias.name)
                local[alias.asname or alias.name].add(base + alias.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            used.update(f"{name}.{rest}" for name in local.get(first, {first}))
    return {name for name in used if re.match(r"corrlib\.(?!__)", name)}


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_lead_downstairs(path):
    if path == SOURCES / "__init__.py":
        assert not uses(path), "importing corrlib loads nothing"
        return
    (floor,) = (number for number, floor in enumerate(FLOORS) if part(path) in floor)
    used = {name.split(".")[1] for name in uses(path)}
    assert used <= {part(path)}.union(*FLOORS[floor + 1 :])


@pytest.mark.parametrize("path", sorted(SOURCES.glob("experiments/**/*.py")), ids=module_name)
def test_experiments_do_not_import_each_other(path):
    experiment = path.relative_to(SOURCES / "experiments").parts[0].removesuffix(".py")
    used = {name.split(".")[2] for name in uses(path) if name.startswith("corrlib.experiments.")}
    assert used <= {experiment, "neighbors", "shown"}


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_what_is_public_is_used(path):
    name, tree, own = module_name(path), ast.parse(path.read_text()), set()
    if path.name == "__init__.py" and all(isinstance(n, ast.Expr | ast.ImportFrom) for n in tree.body):
        # A package of nothing but a docstring and imports exports what it imports.
        exports = [alias.name for node in tree.body for alias in getattr(node, "names", ())]
    else:  # public functions and classes, which may serve their own module only
        exports = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        own = {f"{name}.{node.id}" for node in ast.walk(tree) if isinstance(node, ast.Name)}
    others = [*PROGRAMS, *(ROOT / "tests").glob("*.py")]
    used = own.union(*(uses(other) for other in others if other != path))
    assert {f"{name}.{export}" for export in exports if not export.startswith("_")} <= used


def test_importing_corrlib_and_showing_help_load_nothing_heavy():
    heavy = {"torch", "numba", "cv2", "scipy", "sklearn", "matplotlib", "papermill", "numpy"}
    program = (
        "import sys, contextlib, corrlib, corrlib.publishing.cli\n"
        "with contextlib.suppress(SystemExit): corrlib.publishing.cli.main(['--help'])\n"
        f"print('LOADED', sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_files_are_short_and_nothing_is_pickled_and_no_progress_bar_is_a_widget():
    pickled = r"\b(import|from) (pickle|cPickle|dill|cloudpickle|shelve|marshal)\b|joblib\.(dump|load)"
    pickled += r"|allow_pickle=(?!False)|torch\.load\((?!.*weights_only=True)"
    # In a notebook tqdm.auto needs ipywidgets, whose pages load scripts from other hosts; without, it warns.
    widget = r"tqdm\.(auto|notebook|autonotebook)"
    for path in PROGRAMS:
        text = path.read_text()
        assert path not in MODULES or len(text.splitlines()) < 300, path
        assert not re.search(f"{pickled}|{widget}", text), path


def test_no_file_names_a_package_registry_or_a_place_on_one_machine():
    # In pieces, so that this file does not name them itself.
    hosts = ("py" r"pi\.org", "python" r"hosted\.org", r"download\.py" r"torch\.org", r"registry\.npm" "js")
    hosts += (r"conda\.ana" r"conda\.org", r"(?<![\w.])/(work|home|root|opt)/\w")
    forbidden = re.compile("|".join(hosts))
    # What is under version control, or about to be.
    if not (ROOT / ".git").exists():
        pytest.skip("what belongs to the project is known to git alone, and this copy has none")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", ":!book/_vendor"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for path in filter(Path.is_file, (ROOT / name for name in names)):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found = forbidden.search(text)
        assert not found, f"{path.relative_to(ROOT)} holds {found[0]}"
