"""A digest of the code that a function can reach: it tells a cached entry or a result from an old one."""

from __future__ import annotations

import ast
import functools
import hashlib
import sys
import threading
from pathlib import Path

#: Python 3.11 counts the depth of a parse for all threads together, and takes another's for an error.
_PARSING = threading.Lock()


@functools.cache
def code_digest(module: str) -> str:
    """Digest of a module's source and of all that it imports from its own package or from corrlib.

    However indirect, and inside of functions too. The sources are parsed, never run.

    Parameters
    ----------
    module
        Its full name, as in ``__name__``. Its top-level package must have been imported.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    tops = {module.partition(".")[0], "corrlib"} & set(sys.modules)
    roots = {top: Path(sys.modules[top].__file__) for top in tops}
    todo, sources = [module], {}
    while todo:
        name = todo.pop()
        path = _file(name, roots)
        if path is None or name in sources:
            continue
        sources[name] = path.read_bytes()
        with _PARSING:
            tree = ast.parse(sources[name])
        todo += _imports(tree, name, is_package=path.name == "__init__.py")
    if module not in sources:
        raise ValueError(f"no source file of module {module!r}: import it before asking for its digest")
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(f"{name} {len(sources[name])}\n".encode() + sources[name])
    return digest.hexdigest()[:16]


def _file(name: str, roots: dict[str, Path]) -> Path | None:
    """Source file of a module of one of the packages in `roots` (top-level name -> its file)."""
    top, *rest = name.split(".")
    if top not in roots or not rest:
        return roots.get(top)
    base = roots[top].parent.joinpath(*rest)
    return next((p for p in (base / "__init__.py", base.with_name(f"{base.name}.py")) if p.is_file()), None)


def _imports(tree: ast.Module, name: str, *, is_package: bool) -> list[str]:
    """Full names of all that might be modules among the imports in `tree`, and of their packages."""
    package = name if is_package else name.rpartition(".")[0]
    found = [name]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            around = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            base = ".".join([*around, *filter(None, [node.module])])
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return [f.rsplit(".", n)[0] for f in found for n in range(f.count(".") + 1)]
