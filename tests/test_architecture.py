"""Who imports whom, how long files are, and what no file holds."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src" / "corrlib"

# What each part of the core may import of the others. Parts are modules or packages of src/corrlib.
CORE = {
    "geometry": set(),
    "device": set(),
    "convnet": {"device", "geometry"},
    "training": {"convnet", "device"},
    "sift": set(),
    "retrieval": {"device"},
    "patches": set(),
    "mrf": set(),
    "flow": {"geometry", "mrf"},
    "svm": set(),
    "mining": set(),
    "dense_sift": {"geometry", "sift"},
    "detection": {"geometry"},
    "metrics": set(),
    "sources": set(),
    "store": {"sources"},
    "datasets": {"geometry", "sources", "store"},
    "squares": {"convnet", "datasets", "geometry", "metrics", "store"},
    "plots": set(),
    "tables": {"store"},
    "performance": {"tables"},
    "scoreboard": {"metrics", "store", "tables"},
}
# Above it: experiments see the core, chapters (which runs them in a kernel) and usage (text) nothing; the
# pages' explorers, book and cli see all.
ABOVE = {
    "experiments": set(CORE),
    "memory": set(),
    "chapters": {"memory", "store"},
    "explorer": {"chapters", "experiments", *CORE},
    "notebook": set(),
    "usage": set(),
    "book": {"chapters", "experiments", *CORE},
    "sweep": {"book", "chapters", *CORE},
    "reproduce": {"book", "chapters", "experiments", *CORE},
    "cli": {"book", "chapters", "experiments", "reproduce", "sweep", "usage", *CORE},
}
ALLOWED = CORE | ABOVE
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
def test_imports_keep_to_the_table(path):
    if path == SOURCES / "__init__.py":
        assert not imports(path), "importing corrlib loads nothing"
        return
    used = {name.split(".")[0] for name in imports(path)} - {part(path)}
    assert part(path) in ALLOWED, f"{part(path)} is not in the table of this test"
    assert used <= ALLOWED[part(path)], f"{part(path)} may not import {used - ALLOWED[part(path)]}"


@pytest.mark.parametrize("path", sorted(SOURCES.glob("experiments/**/*.py")), ids=lambda p: p.stem)
def test_experiments_do_not_import_each_other(path):
    own = path.relative_to(SOURCES / "experiments").parts[0].removesuffix(".py")
    used = {name.split(".")[1] for name in imports(path) if name.startswith("experiments.")}
    assert used <= {own}


def test_the_table_has_no_cycle():
    done = set()
    while done != set(ALLOWED):
        free = {name for name, uses in ALLOWED.items() if name not in done and uses <= done}
        assert free, f"a cycle among {set(ALLOWED) - done}"
        done |= free


def test_importing_corrlib_and_asking_for_help_load_nothing_heavy():
    heavy = {"torch", "numba", "cv2", "scipy", "sklearn", "matplotlib", "papermill", "numpy"}
    program = (
        "import sys, contextlib, corrlib, corrlib.cli\n"
        "with contextlib.suppress(SystemExit): corrlib.cli.main(['--help'])\n"
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
