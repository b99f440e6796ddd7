"""What the cache holds, and the removal of what is stale or has not been used for long."""

from __future__ import annotations

import contextlib
import math
import os
import re
import shutil
import time
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
    """What a function, or a module, made of some inputs.

    Attributes
    ----------
    name : Full name of the function or module.
    paths : Files and folders, also what a killed process has left.
    lock : The file that a process locks while it makes them.
    size, seconds : Bytes; and the time to compute, 0 if unknown.
    used : When it was last used, in seconds since the epoch.
    inputs : As JSON; empty if unknown.
    stale : Whether this installation will not read it again; False if the code is not installed here.
    """

    name: str
    paths: Sequence[Path]
    lock: Path
    size: int
    used: float
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
        # The lock is last, to be removed last: a process that waits for it makes a new one.
        for path in sorted(folder.iterdir(), key=lambda path: (path.suffix == ".lock", path)):
            if match := NAME.fullmatch(path.name):
                groups[match[1], match["version"]].append(path)
        for (stem, made_by), paths in groups.items():
            left = all(path.suffix in (".lock", ".tmp") for path in paths)
            stale = left or version not in (None, made_by)
            entries.append(_entry(folder.name, paths, folder / f"{stem}.lock", stale=stale))
    return entries


def prune_entries(older_than: float = math.inf, *, dry_run: bool = False) -> tuple[list[Entry], list[Entry]]:
    """Remove stale entries, and what killed processes have left.

    Parameters
    ----------
    older_than
        Days; entries that have not been used for so long are removed too.
    dry_run
        Remove nothing, and do not look for what is in use.

    Returns
    -------
    removed, kept : list of Entry
        `kept` could not be removed: a process computes or holds them (`corrlib.cache.hold`), or the system
        does not permit it. Arrays that a process has read stay valid when their entry is removed.
    """
    limit = time.time() - 86400 * older_than
    removed, kept = [], []
    for entry in list_entries():
        if entry.stale or entry.used < limit:
            (removed if dry_run or _remove(entry) else kept).append(entry)
    return removed, kept


def main(*, prune: bool = False, older_than: float | None = None, dry_run: bool = False) -> None:
    """Print what the cache holds; with `prune`, remove entries as `prune_entries` does and print what went.

    ValueError for `older_than` or `dry_run` without `prune`, or a negative number of days.
    """
    if not prune and (older_than is not None or dry_run):
        raise ValueError("--older-than and --dry-run need --prune")
    days = math.inf if older_than is None else older_than
    if not days >= 0:
        raise ValueError(f"--older-than: expected a number of days of at least 0, got {older_than}")
    if not prune:
        print(_table(list_entries()))
        return
    removed, kept = prune_entries(days, dry_run=dry_run)
    print(f"{'would be removed' if dry_run else 'removed'}:\n{_table(removed)}")
    if kept:
        print(f"in use, or not permitted to be removed:\n{_table(kept)}")


def _entry(name: str, paths: Sequence[Path], lock: Path, *, stale: bool) -> Entry:
    from safetensors import SafetensorError, safe_open

    size, used, about = 0, 0.0, {}
    for path in [path for path in paths if path != lock] or paths:
        with contextlib.suppress(OSError):  # removed in the meantime
            size += sum(p.stat().st_size for p in [path, *path.rglob("*")] if p.is_file())
            stat = path.stat()
            # To list a folder is to access it: `corrlib.cache.hold` sets its other time.
            used = max(used, stat.st_mtime if path.is_dir() else stat.st_atime)
            if path.suffix == ".safetensors":
                with contextlib.suppress(SafetensorError), safe_open(path, "numpy") as file:
                    about = file.metadata() or {}
                os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # to list an entry is not to use it
    return Entry(
        name, paths, lock, size, used, float(about.get("seconds", 0)), about.get("inputs", ""), stale
    )


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
    """Remove a folder in one step, so that half of it is not taken for the whole; OSError if it is held."""
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
    """A line for the entries of each function, and the last for all of them."""
    groups = defaultdict(list)
    for entry in entries:
        groups[entry.name].append(entry)
    groups[f"all in {cache_dir()}"] = list(entries)
    width = max(map(len, groups))
    lines = [f"{'function':<{width}}   entries          size   computed in   last used   stale"]
    for name, group in groups.items():
        size, stale = (sum(e.size for e in group if e.stale or every) for every in (True, False))
        used = max((time.strftime("%Y-%m-%d", time.localtime(e.used)) for e in group), default="")
        line = f"{name:<{width}} {len(group):>9,} {size / 1e6:>10,.1f} MB"
        line += f" {sum(e.seconds for e in group):>11,.0f} s {used:>11} {stale / size if size else 0:>7.0%}"
        lines.append(line)
    return "\n".join(lines)
