"""Features and results on disk: keyed by what made them, written whole or not at all, verified when read.

Nothing here is keyed by hand. An entry's key is a digest of the function that computes it, of the sources
that the function can reach, and of its inputs, so that a stale entry is never found.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from corrlib.cache.code import code_digest

#: The types of numbers in an entry: safetensors' names for them, and NumPy's.
TYPES = {"BOOL": "bool", "F16": "float16", "F32": "float32", "F64": "float64"}
TYPES |= {f"{k[0].upper()}{bits}": f"{k}{bits}" for k in ("int", "uint") for bits in (8, 16, 32, 64)}
#: What a result must say about itself.
PROVENANCE = ("tier", "weights", "parameters", "code", "seconds")


class StoreError(ValueError):
    """An entry or a result cannot be written or read; the message names the file and the cure."""


class DamagedEntryWarning(UserWarning):
    """An entry of the cache did not match its checksums and is computed again: no result is affected."""


def cache_dir() -> Path:
    """Folder of all that can be computed again: ``$CORRLIB_CACHE``, or the system's folder for caches."""
    return Path(os.environ.get("CORRLIB_CACHE") or platformdirs.user_cache_dir("corrlib"))


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`, for a file or a folder to be made there.

    On success it becomes `path` in one step; on an error it is removed. Missing parent folders are created.
    A file replaces an older one; a folder must not exist yet.

    Raises
    ------
    StoreError
        If it cannot be written: full disk, no permission.

    Notes
    -----
    The name is always the same, so that the next call removes what a killed one has left; hence those that
    replace the same `path` take turns.
    """
    from filelock import FileLock

    path = Path(path)
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            try:
                with _replacing(path) as temporary:
                    yield temporary
            finally:
                lock.unlink(missing_ok=True)  # whoever waits for it makes a new one
    except OSError as error:
        raise StoreError(_cure(path, error)) from error


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """What `replacing` does, for whoever holds a lock."""
    temporary = path.with_name(f".{path.name}.tmp")
    _remove(temporary)  # of a killed process
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        _remove(temporary)


def cached(compute: Callable[..., dict[str, np.ndarray]], **inputs: Any) -> dict[str, np.ndarray]:
    """Return ``compute(**inputs)``, from disk if it has been computed before.

    Parameters
    ----------
    compute
        A function at the top level of a module. It returns named arrays of numbers or booleans.
    **inputs
        Its arguments: what JSON can hold (numbers, strings, booleans, None, lists and dictionaries of these),
        or objects with a ``digest`` (a data set, a network).

    Returns
    -------
    dict[str, np.ndarray]
        Read-only arrays, mapped from the file: they are paged in as they are used, and out again.

    Raises
    ------
    StoreError
        If the entry cannot be written.
    TypeError
        If an input has no key, or `compute` no module or no arrays.

    Notes
    -----
    Two processes that ask for the same entry compute it once: the second waits for the first. An entry that
    does not match its checksums is computed again, with a warning.
    """
    name = f"{compute.__module__}.{compute.__qualname__}"
    if compute.__module__ == "__main__" or "<" in name:
        raise TypeError(f"{name} has no source file to be keyed by: move it to the top level of a module")
    keys = {k: _key(v, f"{name}({k}=...)") for k, v in sorted(inputs.items())}
    made_by = json.dumps([name, code_digest(compute.__module__), keys])
    path = cache_dir() / name / f"{hashlib.sha256(made_by.encode()).hexdigest()[:32]}.safetensors"
    if (entry := _read(path)) is not None:
        return entry

    from filelock import FileLock

    lock = FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise StoreError(_cure(path, error)) from error
    try:
        if path.is_file() and (entry := _read(path)) is not None:  # computed while we waited
            return entry
        started = time.perf_counter()
        arrays = compute(**inputs)
        _write(path, arrays, {"made_by": made_by, "seconds": f"{time.perf_counter() - started:.3f}"})
        if (entry := _read(path)) is None:
            raise StoreError(f"{path} could not be read back as it was written: check the disk")
        return entry
    finally:
        lock.release()


def write_result(path: str | Path, values: dict[str, Any], *, provenance: dict[str, Any]) -> None:
    """Write numbers as JSON, with where they come from, in one step.

    Parameters
    ----------
    path
        The file to write; an older one is replaced.
    values
        Numbers, strings, booleans, None, arrays, and lists and dictionaries of these; no NaN, no infinity.
    provenance
        ``tier`` (of the data), ``weights`` (digest), ``parameters``, ``code`` (digest), ``seconds``; more if
        useful.
    """
    if missing := [key for key in PROVENANCE if key not in provenance]:
        raise ValueError(f"{path}: the provenance of a result lacks {', '.join(missing)}")
    try:
        content = {"values": _plain(values), "provenance": _plain(provenance)}
        text = json.dumps(content, indent=1, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: a result holds finite numbers, strings and None ({error})") from error
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_result(path: str | Path) -> dict[str, Any]:
    """Read what `write_result` wrote: ``{"values": ..., "provenance": ...}``."""
    path = Path(path)
    if not path.is_file():
        raise StoreError(f"no result at {path}: run the chapter that computes it first")
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        complete = "values" in result and all(key in result["provenance"] for key in PROVENANCE)
    except (ValueError, TypeError, KeyError):
        complete = False
    if not complete:
        raise StoreError(f"{path} is damaged or no result of corrlib: delete it and run its chapter")
    return result


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _key(value: Any, where: str) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [_key(v, where) for v in value]
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return {k: _key(v, where) for k, v in sorted(value.items())}
    if isinstance(digest := getattr(value, "digest", None), str):
        return {"digest of": type(value).__qualname__, "is": digest}
    raise TypeError(f"{where}: {value!r:.60} has no key: it is neither plain JSON nor has it a digest")


def _checksum(name: str, array: np.ndarray) -> str:
    digest = hashlib.sha256(f"{name} {array.dtype.name} {array.shape}\n".encode())
    digest.update(array.reshape(-1).view(np.uint8))
    return digest.hexdigest()


def _write(path: Path, arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    values = arrays.values() if isinstance(arrays, dict) else [None]
    if not all(isinstance(a, np.ndarray) and a.dtype.name in TYPES.values() for a in values):
        raise TypeError(f"{path.parent.name} must return a dictionary of numeric arrays, not {arrays!r:.60}")
    arrays = {k: np.asarray(a, dtype=a.dtype.newbyteorder("="), order="C") for k, a in arrays.items()}
    checksums = {f"sha256 {k}": _checksum(k, a) for k, a in arrays.items()}
    try:
        with _replacing(path) as temporary:
            temporary.touch()
            mode = temporary.stat().st_mode
            save_file(arrays, temporary, metadata=metadata | checksums)
            temporary.chmod(mode)  # safetensors lets nobody else read it; a cache may be shared
    except (SafetensorError, OSError) as error:  # the first is the system's error, wrapped
        raise StoreError(_cure(path, error)) from error


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """Arrays of an entry, mapped; None if there is none or, with a warning, if it is damaged."""
    if not path.is_file():
        return None
    try:
        data = np.memmap(path, np.uint8, mode="r")
        start = 8 + int.from_bytes(data[:8].tobytes(), "little")
        header = json.loads(data[8:start].tobytes())
        metadata, arrays = header.pop("__metadata__"), {}
        for name, info in header.items():
            first, last = info["data_offsets"]
            raw = np.asarray(data[start + first : start + last])
            arrays[name] = raw.view(TYPES[info["dtype"]]).reshape(info["shape"])
            if metadata[f"sha256 {name}"] != _checksum(name, arrays[name]):
                raise ValueError(f"the checksum of {name} does not match")
    except Exception as error:  # whatever a few wrong bits look like to those who parse them
        message = f"the cache entry {path} is damaged ({error}): computing it again"
        warnings.warn(message, DamagedEntryWarning, stacklevel=3)
        return None
    return arrays


def _cure(path: Path, error: Exception) -> str:
    full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
    cure = "the disk is full: free some space" if full else f"{error}: check the folder and its permissions"
    return f"cannot write {path}: {cure}, or choose another folder (CORRLIB_CACHE for the cache)"
