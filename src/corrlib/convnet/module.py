"""Any network of torch in AlexNet's place: five of its layers stand for conv1 to conv5."""

import contextlib
import copy
import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from math import isnan, nan
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from corrlib.convnet.device import device
from corrlib.convnet.layers import LINEAR, to_numpy
from corrlib.convnet.network import INPUT_SIDE, Network, Preprocessing
from corrlib.geometry import ReceptiveField

#: The names under which the experiments know a network's five layers.
NAMES = ("conv1", "conv2", "conv3", "conv4", "conv5")
#: Begins the specification of a model of timm.
TIMM = "timm:"
#: Instead of a file: the weights that timm downloads.
PRETRAINED = "pretrained"
#: Least side of the images of noise on which receptive fields are measured; numbers of pairs, and of seams.
MEASURED_SIDE, PAIRS, SEAMS = 2 * INPUT_SIDE, 3, 4
#: pool5 is conv5, pooled as in AlexNet: kernel and stride.
POOL = (3, 2)


class Module(Network):
    """Five layers of a module in the places of conv1 to conv5, and ``pool5``, the last of them max-pooled.

    The experiments, and sweeps over networks, know layers by these names. Images are padded at the right and
    at the bottom to multiples of `multiple`, so that the grids of features start at the same place in images
    of all sizes; units centred on the padding are dropped. ``conv4 linear`` is the same as ``conv4``.

    ValueError if a layer is missing, does not depend on the image, or is no grid of features.

    Parameters
    ----------
    module : torch.nn.Module
        Maps ``(N, 3, H, W)`` to anything; it is copied. Nothing after the last of `layers` is computed.
    layers : five names of submodules, from the first to the last
        Their outputs are ``(N, C, H, W)``; or ``(N, T, C)``, tokens row by row, after any class tokens.
    preprocessing : Preprocessing
    name : str
    multiple : int
        Divisible by the strides of all layers; for a vision transformer, the side of its patches.
    source : str, optional
        The file that the weights are from, for error messages.

    Notes
    -----
    Strides, centres and sizes of receptive fields are measured on images of noise: by the gradients of a unit
    in the middle; or, if all pixels matter, as in a transformer, by images joined of two, which gives the
    centre to a few pixels. An error in it hardly matters, because it is the same in all images. Sizes over
    227 pixels, the side of object crops, are given as 227. At a stride of one pixel
    (`corrlib.convnet.dense`), features are interpolated bilinearly.

    Examples
    --------
    >>> stages = ["blocks.1", "blocks.3", "blocks.6", "blocks.8", "blocks.11"]
    >>> rgb = Preprocessing("rgb", (123.7, 116.3, 103.5), (0.0171, 0.0175, 0.0174))
    >>> network = Module(model, stages, rgb, name="dinov2", multiple=14)  # doctest: +SKIP
    """

    def __init__(
        self,
        module: nn.Module,
        layers: Sequence[str],
        preprocessing: Preprocessing,
        *,
        name: str,
        multiple: int = 32,
        source: str = "",
    ):
        known = dict(module.named_modules())
        if len(layers) != len(NAMES) or (missing := [each for each in layers if each not in known]):
            what = f"no layer {missing[0]!r}" if len(layers) == len(NAMES) else f"{len(layers)} layers"
            some = ", ".join(list(known)[1:13])
            raise ValueError(f"{name}: expected five names of submodules ({some}, ...), found {what}")
        self._name, self.source, self.metadata = name, source or name, {}
        self.preprocessing, self.multiple = preprocessing, multiple
        self.stands_for = dict(zip(NAMES, layers, strict=True))
        self.device = device()
        self._module = copy.deepcopy(module).eval().requires_grad_(False).to(self.device)
        self.digest = _digest([name, *layers, multiple, asdict(preprocessing), str(module)], self._module)
        self._channels, self._units, self.receptive_fields = {}, {}, {}
        self._hooked = threading.Lock()
        self._measure()

    @property
    def name(self) -> str:
        """The name that was given."""
        return self._name

    def output_shape(self, shape: tuple[int, int], layer: str) -> tuple[int, int]:
        """Shape ``(H, W)`` of the features of `layer` for images of `shape` ``(H, W)``."""
        layer = layer.removesuffix(LINEAR)
        if layer == "pool5":
            return tuple((units - POOL[0]) // POOL[1] + 1 for units in self.output_shape(shape, "conv5"))
        field, side = self.receptive_fields[layer], self._round_up(MEASURED_SIDE)
        units = (self._units[layer] + (self._round_up(length) - side) // field.stride for length in shape)
        inside = (int((length - 0.5 - field.center) // field.stride) + 1 for length in shape)
        return tuple(map(min, units, inside))

    @torch.inference_mode()
    def activations(
        self, images: np.ndarray, layers: Sequence[str], *, dense: bool = False
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Yield each of `layers` with its features of `images` ``(N, H, W, 3)``, all computed at once.

        If `dense`, they are interpolated to a stride of one pixel.
        """
        shape = images.shape[1:3]
        sources = {name: "conv5" if name == "pool5" else name.removesuffix(LINEAR) for name in layers}
        maps = self._maps(torch.from_numpy(np.array(images)), set(sources.values()))
        for name, source in sources.items():
            rows, cols = self.output_shape(shape, source)
            x = maps[source][:, :, :rows, :cols]
            x = functional.max_pool2d(x, *POOL) if name == "pool5" else x
            if dense:
                stride = self.receptive_fields[name].stride
                size = tuple((units - 1) * stride + 1 for units in x.shape[2:])
                x = functional.interpolate(x, size, mode="bilinear", align_corners=True)
            yield name, to_numpy(x, name, self.source)

    def _maps(self, images: Tensor, layers: set[str]) -> dict[str, Tensor]:
        """Outputs ``(N, C, h, w)`` of some layers for `images` ``(N, H, W, 3)``, padded first."""
        x = self.preprocessing(images.to(self.device))
        bottom, right = (self._round_up(length) - length for length in x.shape[2:])
        x = functional.pad(x, (0, right, 0, bottom))
        found: dict[str, Tensor] = {}

        def keep(name: str, output: Tensor | tuple) -> None:
            found[name] = output[0] if isinstance(output, tuple) else output
            if len(found) == len(layers):
                raise _Done

        with self._hooked, contextlib.ExitStack() as hooks:  # which the passes of all threads would call
            for name in layers:
                layer = self._module.get_submodule(self.stands_for[name])
                hook = layer.register_forward_hook(lambda _, __, output, name=name: keep(name, output))
                hooks.callback(hook.remove)
            with contextlib.suppress(_Done):
                self._module(x)
        if missing := sorted(self.stands_for[name] for name in {*layers} - {*found}):
            raise ValueError(f"{self.name}: its layers {', '.join(missing)} are not computed")
        return {name: self._map(name, output, x.shape[2:]) for name, output in found.items()}

    def _map(self, name: str, output: Tensor, shape: Sequence[int]) -> Tensor:
        """An output as ``(N, C, h, w)``; `shape` is that of the padded images."""
        rows, cols = (length // self.multiple for length in shape)
        if output.ndim == 3 and 0 <= output.shape[1] - rows * cols < rows * cols:
            return output[:, -rows * cols :].unflatten(1, (rows, cols)).permute(0, 3, 1, 2)
        if output.ndim != 4:
            raise ValueError(
                f"{self.name}: {self.stands_for[name]} has outputs {tuple(output.shape)} for images of"
                f" {tuple(shape)}: expected (N, C, H, W), or (N, tokens, C) with a token for every"
                f" {self.multiple} pixels (`multiple`)"
            )
        return output

    def _measure(self) -> None:
        """Measure channels, units and receptive fields of all layers."""
        side, rng = self._round_up(MEASURED_SIDE), np.random.default_rng(0)
        noise = torch.from_numpy(rng.integers(0, 256, (1, side, side + self.multiple, 3))).float()
        noise.requires_grad_()
        for name, output in sorted(self._maps(noise, {*NAMES}).items()):
            channels, height, width = output.shape[1:]
            stride, rest = divmod(self.multiple, max(width - height, 1))
            if width <= height or rest:
                raise ValueError(
                    f"{self.name}: {self.stands_for[name]} has {height} x {width} units for images of"
                    f" {side} x {side + self.multiple}: expected a grid whose stride divides `multiple`"
                )
            signs = torch.from_numpy(rng.choice([-1.0, 1.0], channels)).float().to(output.device)
            unit = (output[0, :, height // 2, height // 2] * signs).sum()
            (gradient,) = torch.autograd.grad(unit, noise, retain_graph=True)
            rows = np.flatnonzero(gradient[0].abs().amax(dim=(1, 2)).cpu().numpy())
            if not len(rows):
                raise ValueError(f"{self.name}: {self.stands_for[name]} does not depend on the image")
            first, last = int(rows[0]), int(rows[-1])
            # If the field leaves the image, its middle is not the centre.
            center = (first + last) / 2 - stride * (height // 2) if first and last < side - 1 else nan
            field = ReceptiveField(min(last - first + 1, INPUT_SIDE), stride, center)
            self._channels[name], self._units[name], self.receptive_fields[name] = channels, height, field
        if unknown := [name for name in NAMES if isnan(self.receptive_fields[name].center)]:
            self._center(unknown, rng)
        last = self.receptive_fields["conv5"].then(*POOL)
        self.receptive_fields["pool5"] = replace(last, size=min(last.size, INPUT_SIDE))
        self._channels["pool5"] = self._channels["conv5"]
        self.receptive_fields |= {f"{name}{LINEAR}": self.receptive_fields[name] for name in NAMES}

    @torch.inference_mode()
    def _center(self, layers: Sequence[str], rng: np.random.Generator) -> None:
        """Measure the centres of layers whose units see everything, to a few pixels.

        Images are joined of two, at a column. A unit centred on the seam is as far from its features of the
        one image as from those of the other: this place is interpolated, and averaged over rows, seams, both
        orders, and pairs of images.
        """
        side = self._round_up(MEASURED_SIDE)
        offsets: dict[str, list[float]] = {name: [] for name in layers}
        for _ in range(PAIRS):
            whole = rng.integers(0, 256, (2, side, side, 3)).astype(np.float32)
            alone = self._maps(torch.from_numpy(whole), {*layers})
            for seam in (side // 2 + self.multiple * np.arange(SEAMS) // SEAMS).tolist():
                left = np.arange(side)[:, None] < seam
                joined = np.stack([np.where(left, *pair) for pair in (whole, whole[::-1])])
                for name, both in self._maps(torch.from_numpy(joined), {*layers}).items():
                    kept, other = (
                        ((both - each) ** 2).sum(dim=(0, 1, 2)) for each in (alone[name], alone[name].flip(0))
                    )
                    share = (kept / (kept + other)).cpu().numpy()  # rises from 0 to 1
                    before = int(np.flatnonzero(share[:-1] < 0.5)[-1])
                    column = before + (0.5 - share[before]) / (share[before + 1] - share[before])
                    offsets[name].append(seam - 0.5 - self.receptive_fields[name].stride * column)
        for name, found in offsets.items():
            center = round(2 * float(np.mean(found))) / 2
            self.receptive_fields[name] = replace(self.receptive_fields[name], center=center)

    def _round_up(self, length: int) -> int:
        return -(-length // self.multiple) * self.multiple


class _Done(Exception):
    """All outputs that were asked for have been computed."""


def _digest(about: list, module: nn.Module) -> str:
    sha = hashlib.sha256(json.dumps(about).encode())
    for key, value in sorted(module.state_dict().items()):
        sha.update(f"{key} {tuple(value.shape)} {value.dtype}".encode())
        sha.update(value.cpu().contiguous().view(torch.uint8).numpy().tobytes() if value.ndim else b"")
    return sha.hexdigest()[:16]


def weights_file(weights: str) -> Path | None:
    """The file of ``timm:NAME@FILE`` or of a plain path; None if timm downloads the weights."""
    file = weights.partition("@")[2] if weights.startswith(TIMM) else weights
    return None if file == PRETRAINED else Path(file).expanduser()


def from_timm(weights: str) -> Module:
    """A model of timm: ``timm:NAME@FILE`` with weights in a safetensors file, or ``timm:NAME@pretrained``.

    The five stages whose features timm extracts take the places of conv1 to conv5; of more layers than five,
    such as the blocks of a transformer, five evenly spaced ones; with four, the stem comes first.
    """
    name, _, file = weights.removeprefix(TIMM).partition("@")
    if not file:
        raise ValueError(
            f"{weights}: whose weights? write timm:NAME@FILE, or timm:NAME@{PRETRAINED} to download them"
        )
    try:
        import timm
    except Exception as error:  # torchvision, which timm imports, raises RuntimeError beside another torch
        raise ValueError(
            f"{weights} needs timm, which does not import here ({error!s:.150}): pip install 'corrlib[timm]',"
            " with a torchvision that fits torch; or give any module to corrlib.convnet.Module"
        ) from error
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name.split('_')[0]}*")[:5])
        raise ValueError(
            f"{weights}: timm {timm.__version__} has no model {name!r}; similar: {near or 'none'}"
        )
    path = weights_file(weights)
    if path and not path.is_file():
        raise FileNotFoundError(f"{path}: no such weights file")
    try:  # transformers with position embeddings for images of any size
        model = timm.create_model(name, pretrained=not path, dynamic_img_size=True)
    except TypeError:
        model = timm.create_model(name, pretrained=not path)
    if path:
        try:
            model.load_state_dict(load_file(path))
        except Exception as error:  # of safetensors for arbitrary bytes, of torch for other models
            raise ValueError(
                f"{path}: not a safetensors file with the weights of {name} ({error!s:.300})"
            ) from error
    stages = [each["module"] for each in model.feature_info]
    if len(stages) == 4:
        stages = ["stem", *stages]
    chosen = [stages[round(i)] for i in np.linspace(0, len(stages) - 1, len(NAMES))]
    multiple = max(each["reduction"] for each in model.feature_info)
    mean, std = (np.array(model.pretrained_cfg[key]) for key in ("mean", "std"))
    preprocessing = Preprocessing("rgb", tuple(255 * mean), tuple(1 / (255 * std)))
    return Module(model, chosen, preprocessing, name=name, multiple=multiple, source=weights)
