"""Values on disk: keyed by code and inputs, written completely or not at all, verified when first read.

An entry lies at ``<cache>/<function>/<version digest>-<digest of the inputs>.safetensors``. The first digest
is that of the code and the libraries that compute it, so that a stale entry is never read. All files that
begin with the same two digests belong to the entry, and its ``.lock`` guards them.
"""

import contextlib
import errno
import hashlib
import json
import math
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from corrlib.cache.code import version_digest

#: The types of numbers in an entry: safetensors' names for them, and NumPy's.
TYPES = {"BOOL": "bool", "F16": "float16", "F32": "float32", "F64": "float64"}
TYPES |= {f"{k[0].upper()}{bits}": f"{k}{bits}" for k in ("int", "uint") for bits in (8, 16, 32, 64)}
#: Folders that this process holds: device and inode.
_HELD: set[tuple[int, int]] = set()
#: Files that this process has verified: path, inode and time of the last change, in nanoseconds.
_VERIFIED: set[tuple[Path, int, int]] = set()
#: Nanoseconds. A file that changed more recently may change again without a change of its time.
RECENT = 10**9


class CacheError(ValueError):
    """A file cannot be written or read; the message names it and the cure."""


class CorruptEntryWarning(UserWarning):
    """An entry of the cache did not match its checksums and is computed again: no result is affected."""


def cache_dir() -> Path:
    """Folder of everything that can be recomputed: ``$CORRLIB_CACHE``, or the system's cache folder."""
    return Path(os.environ.get("CORRLIB_CACHE") or platformdirs.user_cache_dir("corrlib")).expanduser()


def entry_path(module: str, inputs: Mapping[str, Any], function: str = "") -> Path:
    """Path, without its suffix, of the result of a module or one of its functions for some inputs.

    It differs if the inputs, the code or the libraries (`corrlib.cache.version_digest`) differ.
    """
    name = f"{module}.{function}" if function else module
    digest = hashlib.sha256(_keys(name, inputs).encode()).hexdigest()[:16]
    return cache_dir() / name / f"{version_digest(module)}-{digest}"


def hold(folder: Path) -> None:
    """Mark a folder of the cache as in use until this process ends.

    Meanwhile `corrlib.cache.contents.prune_entries` does not remove it.
    """
    with contextlib.suppress(ImportError, OSError):  # no such locks; a read-only cache
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
        about = os.fstat(descriptor)
        if (about.st_dev, about.st_ino) in _HELD:
            os.close(descriptor)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # the system closes it when the process ends
            _HELD.add((about.st_dev, about.st_ino))


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`, for a file or a folder to be made there.

    On success it becomes `path` in one step; on an error it is removed. Missing parent folders are created. A
    file replaces an older one; a folder must not exist yet. The temporary name is always the same, so that
    the next call removes leftovers of a killed one. Processes that replace the same `path` take turns.

    Raises
    ------
    CacheError
        If it cannot be written: full disk, no permission.
    """
    from filelock import FileLock

    path = Path(path)
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            try:
                with _in_one_step(path) as temporary:
                    yield temporary
            finally:
                lock.unlink(missing_ok=True)  # a process that waits for it makes a new one
    except OSError as error:
        raise CacheError(_cure(path, error)) from error


@contextlib.contextmanager
def _in_one_step(path: Path) -> Iterator[Path]:
    """As `replacing`, for those who see to it that nobody else writes `path` meanwhile."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        _remove(temporary)  # of a killed process
        yield temporary
        os.replace(temporary, path)
    finally:
        _remove(temporary)


def cached(compute: Callable[..., dict[str, np.ndarray]], **inputs: Any) -> dict[str, np.ndarray]:
    """Return ``compute(**inputs)``, from disk if it has been computed before.

    CacheError if the entry cannot be written; TypeError if an input cannot be part of a key, or `compute` is
    not in a module or returns something other than named arrays.

    Parameters
    ----------
    compute
        A function at the top level of a module. It returns named arrays of numbers or booleans.
    **inputs
        Its arguments: numbers, strings, booleans, None, lists and dictionaries of these, or objects with a
        ``digest`` (a dataset, a network). If an object has a torch ``device``, its type is part of the key.

    Returns
    -------
    dict[str, np.ndarray]
        Read-only arrays, memory-mapped from the file.

    Notes
    -----
    Two processes that ask for the same entry compute it once: the second waits for the first. An entry that
    does not match its checksums is computed again, with a warning.
    """
    name, path = _entry(compute, inputs)
    if (entry := _read(path)) is not None:
        return entry
    with _locked(path):
        if (entry := _read(path)) is not None:  # computed while we waited
            return entry
        started = time.perf_counter()
        arrays = compute(**inputs)
        seconds = f"{time.perf_counter() - started:.3f}"
        _write(path, arrays, {"inputs": _keys(name, inputs), "seconds": seconds})
        if (entry := _read(path)) is None:
            raise CacheError(f"{path} could not be read back as it was written: check the disk")
        return entry


def keep(arrays: dict[str, np.ndarray], compute: Callable[..., dict[str, np.ndarray]], **inputs: Any) -> None:
    """Put into the cache what ``cached(compute, **inputs)`` is to return, found in the course of other work.

    An entry that is there stays. Errors are those of `cached`.
    """
    name, path = _entry(compute, inputs)
    with _locked(path):
        if not path.is_file():
            _write(path, arrays, {"inputs": _keys(name, inputs), "seconds": "0"})


def _entry(compute: Callable, inputs: Mapping[str, Any]) -> tuple[str, Path]:
    """The full name of a function, and the file of its result."""
    module, function = compute.__module__, compute.__qualname__
    name = f"{module}.{function}"
    if module == "__main__" or "<" in name:
        raise TypeError(f"{name} has no source file to be keyed by: move it to the top level of a module")
    return name, entry_path(module, inputs, function).with_suffix(".safetensors")


def _locked(path: Path) -> AbstractContextManager:
    """Hold the lock of an entry."""
    from filelock import FileLock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path.with_suffix(".lock")).acquire()
    except OSError as error:
        raise CacheError(_cure(path, error)) from error


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _keys(name: str, inputs: Mapping[str, Any]) -> str:
    """The inputs of a function as JSON."""
    return json.dumps({k: _key(v, f"{name}({k}=...)") for k, v in sorted(inputs.items())})


def _key(value: Any, where: str) -> Any:
    if value is None or isinstance(value, int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, list | tuple):
        return [_key(v, where) for v in value]
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return {k: _key(v, where) for k, v in sorted(value.items())}
    if isinstance(digest := getattr(value, "digest", None), str):
        device = getattr(getattr(value, "device", None), "type", None)
        return {"type": type(value).__qualname__, "digest": digest} | ({"device": device} if device else {})
    raise TypeError(
        f"{where}: {value!r:.60} cannot be part of a key; give finite numbers, strings, lists or dictionaries"
        " of these, or an object with a digest"
    )


def _checksum(name: str, array: np.ndarray) -> str:
    digest = hashlib.sha256(f"{name} {array.dtype.name} {array.shape}\n".encode())
    digest.update(array.reshape(-1).view(np.uint8))
    return digest.hexdigest()


def _write(path: Path, arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    from safetensors.numpy import save

    values = arrays.values() if isinstance(arrays, dict) else [None]
    if not all(isinstance(a, np.ndarray) and a.dtype.name in TYPES.values() for a in values):
        raise TypeError(f"{path.parent.name} must return a dictionary of numeric arrays, not {arrays!r:.60}")
    arrays = {k: np.asarray(a, dtype=a.dtype.newbyteorder("="), order="C") for k, a in arrays.items()}
    checksums = {f"sha256 {k}": _checksum(k, a) for k, a in arrays.items()}
    try:
        with _in_one_step(path) as temporary:  # the entry's lock is held: another one could be left behind
            # Not by save_file: a killed process would leave a temporary file with an unknown name.
            temporary.write_bytes(save(arrays, metadata | checksums))
    except OSError as error:
        raise CacheError(_cure(path, error)) from error


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """Arrays of an entry, mapped; None if there is none or, with a warning, if it is corrupt."""
    if not path.is_file():
        return None
    try:
        about = path.stat()
        version = path, about.st_ino, about.st_mtime_ns
        data = np.memmap(path, np.uint8, mode="r")
        start = 8 + int.from_bytes(data[:8].tobytes(), "little")
        header = json.loads(data[8:start].tobytes())
        metadata, arrays = header.pop("__metadata__"), {}
        for name, info in header.items():
            first, last = info["data_offsets"]
            raw = np.asarray(data[start + first : start + last])
            arrays[name] = raw.view(TYPES[info["dtype"]]).reshape(info["shape"])
            checksum = metadata[f"sha256 {name}"]
            if version not in _VERIFIED and checksum != _checksum(name, arrays[name]):
                raise ValueError(f"the checksum of {name} does not match")
        if time.time_ns() - about.st_mtime_ns > RECENT:
            _VERIFIED.add(version)
    except FileNotFoundError:  # removed in the meantime
        return None
    except Exception as error:  # a few wrong bits can look like anything to those who parse them
        message = f"the cache entry {path} is corrupt ({error}): computing it again"
        warnings.warn(message, CorruptEntryWarning, stacklevel=3)
        return None
    return arrays


def _cure(path: Path, error: Exception) -> str:
    full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
    cure = "the disk is full: free some space" if full else f"{error}: check the folder and its permissions"
    return f"cannot write {path}: {cure}, or choose another folder (CORRLIB_CACHE for the cache)"
