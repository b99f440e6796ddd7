"""Weights on disk: one reader per file type, chosen by suffix; none of them unpickles."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from dataclasses import asdict
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from corrlib.convnet.caffemodel import read_caffemodel
from corrlib.convnet.layers import architecture as known_architecture
from corrlib.convnet.network import Network, Preprocessing

__all__ = ["load", "save"]

# Mean of the ILSVRC 2012 training images, in BGR: what Caffe's reference models expect to be subtracted.
CAFFE_MEAN_BGR = (104.00698793, 116.66876762, 122.67891434)
# Mean and standard deviation of torchvision's ImageNet weights, RGB in 0..1.
TORCHVISION_MEAN, TORCHVISION_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# torchvision's names of the layers, in its state dict.
TORCHVISION_NAMES = {
    "features.0": "conv1",
    "features.3": "conv2",
    "features.6": "conv3",
    "features.8": "conv4",
    "features.10": "conv5",
    "classifier.1": "fc6",
    "classifier.4": "fc7",
    "classifier.6": "fc8",
}


def load(weights: str | os.PathLike | None = None) -> Network:
    """Read a network from a weights file.

    Parameters
    ----------
    weights : path or None
        None: the figurine network that ships with the package. A path is read by its suffix:

        - ``.safetensors``: ours (`save`), with architecture and preprocessing in its metadata;
        - ``.caffemodel``: Caffe's CaffeNet or AlexNet (told apart by the order of its pool1 and norm1), of
          any width; BGR in 0..255 less the mean of ILSVRC 2012, (104.0, 116.7, 122.7);
        - ``.pth``, ``.pt``: a state dict of torchvision's ``alexnet``, with torchvision's normalisation;
        - ``.npz``: BVLC AlexNet's convolutions as int8 in units of 1/128 (``conv1_w_int8``, ``conv1_b`` ...
          ``mean_bgr``).

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file, and the layer and shapes where they are wrong.
    """
    if weights is None:
        shipped = resources.files("corrlib").joinpath("weights", "figurines.safetensors")
        with resources.as_file(shipped) as path:
            return load(path)
    path = Path(weights)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such weights file")
    readers = {
        ".safetensors": _read_safetensors,
        ".caffemodel": _read_caffemodel,
        ".pth": _read_torchvision,
        ".pt": _read_torchvision,
        ".npz": _read_npz,
    }
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
        temporary.touch()
        mode = temporary.stat().st_mode
        save_file(
            {key: np.ascontiguousarray(v, dtype=np.float16) for key, v in parameters.items()},
            temporary,
            about,
        )
        temporary.chmod(mode)  # safetensors lets nobody else read it
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
        known_architecture(name)
        preprocessing = Preprocessing(
            preprocessing["channels"], tuple(preprocessing["mean"]), tuple(preprocessing["scale"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: no valid 'architecture' and 'preprocessing' in its metadata ({error!r}); write it with"
            " convnet.save"
        ) from error
    return Network(name, parameters, preprocessing, source=str(path), metadata=about)


def _read_caffemodel(path: Path) -> Network:
    layers = read_caffemodel(path)
    names = list(layers)
    pool_first = "norm1" not in names or "pool1" not in names or names.index("pool1") < names.index("norm1")
    architecture_name = "caffenet" if pool_first else "alexnet"
    parameters = {}
    for name in TORCHVISION_NAMES.values():
        blobs = layers.get(name, [])
        if not blobs:
            continue
        if len(blobs) != 2:
            raise ValueError(f"{path}: expected a weight and a bias blob in {name}, found {len(blobs)} blobs")
        # The older form stores every blob with four axes, padded with ones.
        weight = blobs[0].reshape(blobs[0].shape[-2:]) if name.startswith("fc") else blobs[0]
        parameters |= {f"{name}.weight": weight, f"{name}.bias": blobs[1].reshape(-1)}
    if "conv1.weight" not in parameters:
        raise ValueError(f"{path}: expected a CaffeNet or AlexNet with layers conv1 ... conv5, found {names}")
    return Network(architecture_name, parameters, Preprocessing("bgr", CAFFE_MEAN_BGR), source=str(path))


def _read_torchvision(path: Path) -> Network:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever torch's parser makes of bytes of unknown origin
        raise ValueError(f"{path}: no PyTorch file, or it holds more than a state dict of tensors") from error
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) and value.layout == torch.strided
        for key, value in state.items()
    ):
        raise ValueError(
            f"{path}: expected a state dict of torchvision's alexnet, found {type(state).__name__}"
        )
    parameters = {}
    for key, value in state.items():
        module, _, kind = key.rpartition(".")
        if module not in TORCHVISION_NAMES:
            raise ValueError(f"{path}: {key!r} is no parameter of torchvision's alexnet")
        parameters[f"{TORCHVISION_NAMES[module]}.{kind}"] = value.float().numpy()
    preprocessing = Preprocessing(
        "rgb",
        tuple(255 * mean for mean in TORCHVISION_MEAN),
        tuple(1 / (255 * std) for std in TORCHVISION_STD),
    )
    return Network("torchvision", parameters, preprocessing, source=str(path))


def _read_npz(path: Path) -> Network:
    try:
        with np.load(path, allow_pickle=False) as file:
            parameters = {}
            for name in ("conv1", "conv2", "conv3", "conv4", "conv5"):
                parameters[f"{name}.weight"] = file[f"{name}_w_int8"].astype(np.float32) / 128
                parameters[f"{name}.bias"] = file[f"{name}_b"]
            mean = tuple(file["mean_bgr"].astype(float).tolist())
    except KeyError as error:
        raise ValueError(
            f"{path}: {error}; expected conv1_w_int8, conv1_b ... conv5_b and mean_bgr"
        ) from error
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a readable .npz of arrays ({error})") from error
    return Network("alexnet", parameters, Preprocessing("bgr", mean), source=str(path))
