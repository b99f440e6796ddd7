"""Weights files: one reader per file type, chosen by suffix; none of them unpickles."""

import json
import math
import os
import re
import zipfile
from dataclasses import asdict
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save as serialized

from corrlib.convnet.alexnet import AlexNet
from corrlib.convnet.caffemodel import read_caffemodel
from corrlib.convnet.layers import architecture as known_architecture
from corrlib.convnet.module import TIMM, from_timm
from corrlib.convnet.network import Network, Preprocessing

# Mean of the ILSVRC 2012 training images, in BGR, which Caffe's reference models expect to be subtracted.
CAFFE_MEAN_BGR = (104.00698793, 116.66876762, 122.67891434)
# Mean and standard deviation of torchvision's ImageNet weights, RGB in 0..1.
TORCHVISION_MEAN, TORCHVISION_STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
# Limit on the bytes of the arrays of an .npz; the convolutions of AlexNet take about ten million.
LARGEST_NPZ = 10**9
# The compression methods that NumPy uses.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# The modules of torchvision's state dict.
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
# What DataParallel and torch.compile put before the names of what they wrap, the whole model or a part.
WRAPPERS = re.compile(r"\b(?:module|_orig_mod)\.")


def load(weights: str | os.PathLike | None = None) -> Network:
    """Read a network from a weights file.

    FileNotFoundError if there is no such file; ValueError if it is not a network of a known architecture.

    Parameters
    ----------
    weights : path, optional
        By default the figurine network of this package. The suffix determines the file type:

        - ``.safetensors``: written by `save`, with architecture and preprocessing in its metadata;
        - ``.caffemodel``: Caffe's CaffeNet or AlexNet (distinguished by the order of pool1 and norm1), of any
          width, for BGR in 0..255 minus the mean of ILSVRC 2012;
        - ``.pth``, ``.pt``, ``.pth.tar``: a state dict of torchvision's ``alexnet``, with its normalisation,
          also of a wrapped model (``module.``, ``_orig_mod.``), or a checkpoint with one;
        - ``timm:NAME@FILE``, with `FILE` in ``.safetensors``, or ``timm:NAME@pretrained``: a model of timm,
          as `corrlib.convnet.module.from_timm` says;
        - ``.npz``: BVLC AlexNet's convolutions as int8 in units of 1/128 (``conv1_w_int8``, ``conv1_b`` ...
          ``mean_bgr``).
    """
    if weights is None:
        shipped = resources.files("corrlib").joinpath("figurines", "figurines.safetensors")
        with resources.as_file(shipped) as path:
            return load(path)
    if str(weights).startswith(TIMM):
        return from_timm(str(weights))
    path = Path(weights).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such weights file")
    readers = {
        ".safetensors": _read_safetensors,
        ".caffemodel": _read_caffemodel,
        ".pth": _read_torchvision,
        ".pt": _read_torchvision,
        ".pth.tar": _read_torchvision,
        ".npz": _read_npz,
    }
    for suffix, reader in readers.items():
        if path.name.lower().endswith(suffix):
            return reader(path)
    raise ValueError(f"{path}: unknown weights suffix {path.suffix!r}; known: {', '.join(readers)}")


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
        arrays = {key: np.ascontiguousarray(v, dtype=np.float16) for key, v in parameters.items()}
        temporary.write_bytes(serialized(arrays, about))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _read_safetensors(path: Path) -> Network:
    try:
        with safe_open(path, framework="pt") as file:  # NumPy has no bfloat16
            about = file.metadata() or {}
            parameters = {key: file.get_tensor(key).float().numpy() for key in file.keys()}  # noqa: SIM118
        name, preprocessing = about["architecture"], json.loads(about["preprocessing"])
        known_architecture(name)
        mean, scale = (tuple(map(float, preprocessing[key])) for key in ("mean", "scale"))
        preprocessing = Preprocessing(preprocessing["channels"], mean, scale)
    except Exception as error:  # of safetensors, of NumPy for types and shapes that it lacks, of the metadata
        raise ValueError(
            f"{path}: not a readable safetensors file with a valid 'architecture' and 'preprocessing' in its"
            f" metadata ({error!r}); write it with convnet.save"
        ) from error
    return AlexNet(name, parameters, preprocessing, source=str(path), metadata=about)


def _read_caffemodel(path: Path) -> Network:
    layers = read_caffemodel(path)
    order = [name for name in layers if name in ("norm1", "pool1")]
    architecture_name = "alexnet" if order == ["norm1", "pool1"] else "caffenet"
    parameters = {}
    for name in TORCHVISION_NAMES.values():
        if not (blobs := layers.get(name)):
            continue
        if len(blobs) != 2:
            raise ValueError(f"{path}: expected a weight and a bias blob in {name}, found {len(blobs)} blobs")
        # The older form pads the shape of every blob with ones to four axes.
        if name.startswith("fc") and math.prod(blobs[0].shape[:-2]) != 1:
            raise ValueError(f"{path}: expected a matrix of weights in {name}, found {blobs[0].shape}")
        weight = blobs[0].reshape(blobs[0].shape[-2:]) if name.startswith("fc") else blobs[0]
        parameters |= {f"{name}.weight": weight, f"{name}.bias": blobs[1].reshape(-1)}
    return AlexNet(architecture_name, parameters, Preprocessing("bgr", CAFFE_MEAN_BGR), source=str(path))


def _read_torchvision(path: Path) -> Network:
    try:
        if zipfile.is_zipfile(path):  # torch does not compress: refuse files that unpack to more
            with zipfile.ZipFile(path) as file:
                if sum(info.file_size for info in file.infolist()) > path.stat().st_size:
                    raise ValueError("compressed")
        state = torch.load(path, map_location="cpu", weights_only=True)
        for key in ("state_dict", "model_state_dict", "model"):  # of checkpoints
            state = state.get(key, state)
        arrays = {key: _numbers(key, value) for key, value in state.items()}
    except Exception as error:  # whatever torch raises for arbitrary bytes, and for tensors of many kinds
        raise ValueError(
            f"{path}: no PyTorch file with a state dict of torchvision's alexnet alone ({error!s:.99})"
        ) from error
    parameters = {}
    for key, value in arrays.items():
        module, _, kind = WRAPPERS.sub("", key).rpartition(".")
        if module not in TORCHVISION_NAMES:
            raise ValueError(f"{path}: {key!r:.60} is no parameter of torchvision's alexnet")
        parameters[f"{TORCHVISION_NAMES[module]}.{kind}"] = value
    mean, scale = (tuple(each.tolist()) for each in (255 * TORCHVISION_MEAN, 1 / (255 * TORCHVISION_STD)))
    return AlexNet("torchvision", parameters, Preprocessing("rgb", mean, scale), source=str(path))


def _numbers(name: str, tensor: torch.Tensor) -> np.ndarray:
    """A tensor of real numbers as float32; expanded views, which could take any memory, are refused."""
    real = isinstance(name, str) and isinstance(tensor, torch.Tensor) and not tensor.is_complex()
    if not real or tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise TypeError(f"{name!r:.60} is no tensor of real numbers, or an expanded view")
    return tensor.detach().float().numpy()


def _read_npz(path: Path) -> Network:
    try:
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
            if sum(info.file_size for info in members) > LARGEST_NPZ:
                raise ValueError(f"it unpacks to more than {LARGEST_NPZ / 1e6:,.0f} MB")
            # A member's claimed size, and other compression methods, could make zipfile allocate any amount.
            if any(i.compress_size > path.stat().st_size or i.compress_type not in METHODS for i in members):
                raise ValueError("a member is larger than the file, or compressed as NumPy does not")
            parameters = {}
            for name in ("conv1", "conv2", "conv3", "conv4", "conv5"):
                parameters[f"{name}.weight"] = _array(file, f"{name}_w_int8").astype(np.float32) / 128
                parameters[f"{name}.bias"] = _array(file, f"{name}_b").astype(np.float32)
            preprocessing = Preprocessing("bgr", tuple(_array(file, "mean_bgr").astype(float).tolist()))
    except Exception as error:  # whatever zipfile and NumPy raise for arbitrary bytes
        raise ValueError(
            f"{path}: not a readable .npz of conv1_w_int8, conv1_b ... conv5_b and mean_bgr ({error})"
        ) from error
    return AlexNet("alexnet", parameters, preprocessing, source=str(path))


def _array(file: zipfile.ZipFile, name: str) -> np.ndarray:
    """An array of an .npz; np.load would allocate whatever size its header claims."""
    npy = np.lib.format
    with file.open(f"{name}.npy") as content:
        old = npy.read_magic(content) == (1, 0)
        shape, fortran, dtype = (npy.read_array_header_1_0 if old else npy.read_array_header_2_0)(content)
        data = content.read()
    if dtype.kind not in "biuf" or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{name} is {shape} {dtype} with {len(data)} bytes; expected an array of numbers")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
