"""The entries of the cache, and the removal of stale ones."""

import contextlib
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corrlib.cache.code import defining_module, version_digest
from corrlib.cache.entries import cache_dir

#: A file or folder of an entry: digest of code and libraries, then of the inputs (see `entries`).
NAME = re.compile(r"\.?((?P<version>[0-9a-f]{16})-?[0-9a-z-]+)(\..*)?")


@dataclass(frozen=True)
class Entry:
    """The result of a function or a module for some inputs.

    Attributes
    ----------
    name : Full name of the function or module.
    paths : Files and folders, including leftovers of a killed process.
    lock : The file that a process locks while it makes them.
    size, seconds : Size in bytes; and the time of the computation, 0 if unknown.
    inputs : As JSON; empty if unknown.
    stale : Whether this installation will not read it again; False if the code is not installed here.
    """

    name: str
    paths: Sequence[Path]
    lock: Path
    size: int
    seconds: float
    inputs: str
    stale: bool


def list_entries() -> list[Entry]:
    """All entries of the cache, ordered by function."""
    entries = []
    for folder in sorted(path for path in cache_dir().glob("*.*") if path.is_dir()):
        module = defining_module(folder.name)
        version = module and version_digest(module)
        groups = defaultdict(list)
        # The lock comes last, so that it is removed last: a process that waits for it makes a new one.
        for path in sorted(folder.iterdir(), key=lambda path: (path.suffix == ".lock", path)):
            if match := NAME.fullmatch(path.name):
                groups[match[1], match["version"]].append(path)
        for (stem, made_by), paths in groups.items():
            left = all(path.suffix in (".lock", ".tmp") for path in paths)
            stale = left or version not in (None, made_by)
            entries.append(_entry(folder.name, paths, folder / f"{stem}.lock", stale=stale))
    return entries


def prune_entries() -> tuple[list[Entry], list[Entry]]:
    """Remove stale entries and the leftovers of killed processes.

    Returns
    -------
    removed, kept : list of Entry
        `kept` could not be removed: a process computes or holds them (`corrlib.cache.hold`), or the system
        does not permit it. Arrays that a process has read stay valid when their entry is removed.
    """
    removed, kept = [], []
    for entry in list_entries():
        if entry.stale:
            (removed if _remove(entry) else kept).append(entry)
    return removed, kept


def main(*, prune: bool = False) -> None:
    """Print the entries of the cache; with `prune`, call `prune_entries` and print what was removed."""
    if not prune:
        print(_table(list_entries()))
        return
    removed, kept = prune_entries()
    print(f"removed:\n{_table(removed)}")
    if kept:
        print(f"in use, or not permitted to be removed:\n{_table(kept)}")


def _entry(name: str, paths: Sequence[Path], lock: Path, *, stale: bool) -> Entry:
    from safetensors import SafetensorError, safe_open

    size, about = 0, {}
    for path in paths:
        with contextlib.suppress(OSError, SafetensorError):  # removed in the meantime; corrupt
            size += sum(p.stat().st_size for p in [path, *path.rglob("*")] if p.is_file())
            if path.suffix == ".safetensors":
                with safe_open(path, "numpy") as file:
                    about = file.metadata() or {}
    return Entry(name, paths, lock, size, float(about.get("seconds", 0)), about.get("inputs", ""), stale)


def _remove(entry: Entry) -> bool:
    """Remove an entry unless it is in use; return whether it was removed."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(entry.lock, timeout=0):
            for path in entry.paths:
                _remove_folder(path) if path.is_dir() else path.unlink(missing_ok=True)
            entry.lock.unlink(missing_ok=True)
    except (Timeout, OSError, ImportError):  # the last where folders cannot be locked
        return False
    return True


def _remove_folder(path: Path) -> None:
    """Remove a folder in one step, so that no incomplete folder is left; OSError if it is held."""
    import fcntl

    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        temporary = path if path.suffix == ".tmp" else path.with_name(f".{path.name}.tmp")
        os.replace(path, temporary)
        shutil.rmtree(temporary)
    finally:
        os.close(descriptor)


def _table(entries: Sequence[Entry]) -> str:
    """One line for the entries of each function, and a last line for all entries."""
    groups = defaultdict(list)
    for entry in entries:
        groups[entry.name].append(entry)
    groups[f"all in {cache_dir()}"] = list(entries)
    width = max(map(len, groups))
    lines = [f"{'function':<{width}}   entries          size   computed in   stale"]
    for name, group in groups.items():
        size, stale = (sum(e.size for e in group if e.stale or every) for every in (True, False))
        line = f"{name:<{width}} {len(group):>9,} {size / 1e6:>10,.1f} MB"
        lines.append(f"{line} {sum(e.seconds for e in group):>11,.0f} s {stale / size if size else 0:>7.0%}")
    return "\n".join(lines)
