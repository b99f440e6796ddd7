"""Digests of the code that computes a value, so that values computed by other code are not reused."""

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import platform
import threading
from collections.abc import Iterable
from pathlib import Path

#: Libraries that compute values, whose versions are part of the key.
LIBRARIES = ("numba", "numpy", "opencv-python-headless", "scikit-learn", "scipy", "torch")
#: Python 3.11 counts the nesting of all threads' parses together and raises when they are too many.
_PARSING = threading.Lock()


@functools.cache
def code_digest(module: str) -> str:
    """Digest of the code of a module and of all code of its package and of corrlib that it imports.

    All indirect imports are followed, including those inside functions. The sources are parsed, never run.
    Comments, docstrings and formatting do not count. The ``__init__`` of a package counts only if a name is
    imported from it: ``from corrlib.data.crops import visible`` does not follow ``corrlib/data/__init__.py``.
    `corrlib.cache` never counts, because it stores values and does not compute them.

    ValueError if the module has no source file, or a source is not valid Python.

    Returns
    -------
    str
        16 hexadecimal digits, which may differ between versions of Python.
    """
    if _source(module) is None:
        raise ValueError(f"no source file of module {module!r}: check its name and the module search path")
    return _digest([module])


def imports_digest(path: str | Path) -> str:
    """Digest of the code that a file imports from corrlib, as in `code_digest`.

    The file is not a module, for example a chapter of the book. Its own code is not part of the digest.
    """
    return _digest(_imports(ast.walk(_parse(Path(path))), package=""))


def version_digest(module: str) -> str:
    """Digest of the code of a module (`code_digest`) and of `library_versions`: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps([code_digest(module), library_versions()]).encode()).hexdigest()[:16]


@functools.cache
def library_versions() -> dict[str, str]:
    """Versions of `LIBRARIES` and of Python (major and minor). None of them is imported."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python} | {name: importlib.metadata.version(name) for name in LIBRARIES}


def defining_module(name: str) -> str | None:
    """The module that defines ``package.module.function``; None if there is no such package here.

    If the module no longer exists, the part of its package that does.
    """
    parts = name.split(".")
    prefixes = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if _file(prefix)), None)


def _digest(modules: Iterable[str]) -> str:
    reached: dict[str, str] = {}
    todo = list(modules)
    while todo:
        name = todo.pop()
        if name in reached or f"{name}.".startswith("corrlib.cache.") or (source := _source(name)) is None:
            continue
        reached[name], imported = source
        todo += imported
    return hashlib.sha256(json.dumps(sorted(reached.items())).encode()).hexdigest()[:16]


@functools.cache
def _source(name: str) -> tuple[str, list[str]] | None:
    """Digest of a module's own code, and the modules that it imports; None if it has no source here."""
    if (path := _file(name)) is None:
        return None
    tree = _parse(path)
    nodes = list(ast.walk(tree))
    imported = _imports(nodes, package=name if path.name == "__init__.py" else name.rpartition(".")[0])
    for node in nodes:
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [line for line in body if not _is_text(line)]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imported


def _is_text(line: ast.stmt) -> bool:
    """Whether a line is a docstring, or another string that does nothing."""
    return isinstance(line, ast.Expr) and isinstance(getattr(line.value, "value", None), str)


def _file(name: str) -> Path | None:
    """Source file of a module or of a package's ``__init__``."""
    top, *rest = name.split(".")
    try:
        origin = getattr(importlib.util.find_spec(top), "origin", None)
    except ValueError:  # __main__ and what was made by hand
        return None
    if origin is None or not origin.endswith(".py"):
        return None
    if not rest:
        return Path(origin)
    base = Path(origin).parent.joinpath(*rest)
    return next((p for p in (base / "__init__.py", base.with_name(f"{base.name}.py")) if p.is_file()), None)


def _parse(path: Path) -> ast.Module:
    try:
        with _PARSING:
            return ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise ValueError(
            f"{path}, line {error.lineno}: not valid Python ({error.msg}); correct it"
        ) from error


def _imports(nodes: Iterable[ast.AST], *, package: str) -> list[str]:
    """Modules of the package and of corrlib that code imports, or that it imports names from."""
    found: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):  # `import a.b` gives access to names of both
            names = [alias.name for alias in node.names]
            found += [name.rsplit(".", n)[0] for name in names for n in range(name.count(".") + 1)]
        elif isinstance(node, ast.ImportFrom):
            around = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            base = ".".join([*around, *filter(None, [node.module])])
            found += [f"{base}.{alias.name}" for alias in node.names]
    tops = {package.partition(".")[0], "corrlib"}
    found = [name for name in found if name.partition(".")[0] in tops]
    return [name if _file(name) else name.rpartition(".")[0] for name in found]
