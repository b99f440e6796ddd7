"""Weights on disk: one reader per file type, chosen by suffix; none of them unpickles."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from importlib import resources
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from corrlib.convnet.network import Network, Preprocessing

__all__ = ["load", "save"]


def load(weights: str | os.PathLike | None = None) -> Network:
    """Read a network; ValueError (or FileNotFoundError) that names the file if it cannot be one.

    Parameters
    ----------
    weights : path or None
        None: the figurine network that ships with the package. A path is read by its suffix:

        - ``.safetensors``: ours (`save`), architecture and preprocessing in its metadata.
    """
    if weights is None:
        shipped = resources.files("corrlib").joinpath("weights", "figurines.safetensors")
        with resources.as_file(shipped) as path:
            if not path.exists():
                raise FileNotFoundError(
                    f"{path}: the figurine network is not there; `corrlib train` makes it"
                )
            return load(path)
    path = Path(weights)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such weights file")
    readers = {".safetensors": _read_safetensors}
    if path.suffix not in readers:
        raise ValueError(f"{path}: unknown weights suffix {path.suffix!r}; known: {', '.join(readers)}")
    return readers[path.suffix](path)


def save(
    path: str | os.PathLike,
    architecture: str,
    parameters: dict[str, np.ndarray],
    preprocessing: Preprocessing,
    metadata: dict[str, str],
) -> None:
    """Write float16 safetensors with architecture, preprocessing and `metadata` in the header, atomically."""
    path = Path(path)
    temporary = path.with_name(path.name + ".part")
    about = {**metadata, "architecture": architecture, "preprocessing": json.dumps(asdict(preprocessing))}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(
            {key: np.ascontiguousarray(v, dtype=np.float16) for key, v in parameters.items()},
            temporary,
            about,
        )
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _read_safetensors(path: Path) -> Network:
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            parameters = {key: file.get_tensor(key).astype(np.float32) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path}: not a readable safetensors file ({error})") from error
    try:
        name, preprocessing = about["architecture"], json.loads(about["preprocessing"])
        preprocessing = Preprocessing(
            preprocessing["channels"], tuple(preprocessing["mean"]), tuple(preprocessing["scale"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: no valid 'architecture' and 'preprocessing' in its metadata ({error!r}); write it with"
            " convnet.save"
        ) from error
    return Network(name, parameters, preprocessing, source=str(path), metadata=about)
