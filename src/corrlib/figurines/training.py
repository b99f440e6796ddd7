"""Training of a narrow CaffeNet on whole-image labels, resumable, on a CPU in about an hour.

The network is trained with batch normalisation, which the Caffe reference model does not have, and the
normalisation is folded into weights and biases at the end: the file holds a plain CaffeNet with fewer
channels. Training sees only images and one label for each: no boxes, no keypoints.
"""

import json
import math
import os
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from corrlib import __version__, convnet
from corrlib.cache import replacing
from corrlib.convnet import INPUT_SIDE, AlexNet, Network, Preprocessing
from corrlib.convnet.device import device
from corrlib.convnet.layers import architecture, normalize

ARCHITECTURE = "caffenet"
# Small crops come first: a step costs a third of one at full size, and what is learned carries over. At these
# sides pool5 has 3, 4, 5 and 6 units along an axis, whose windows lie whole within conv5.
CROP_SIDES = (131, 163, 195, INPUT_SIDE)
TINT = 0.15  # what the factors of the colours differ from 1 by at most
#: Settings of AdamW (the peak of its learning rate), of the loss, and of the fully connected layers.
RECIPE = dict(learning_rate=2e-3, weight_decay=0.05, label_smoothing=0.05, dropout=0.1)


def train(
    images: np.ndarray,
    labels: np.ndarray,
    val_images: np.ndarray,
    val_labels: np.ndarray,
    out: str | os.PathLike,
    *,
    categories: tuple[str, ...],
    command: str,
    epochs: int = 7,
    batch_size: int = 64,
    channels: tuple[int, int, int, int, int] = (32, 128, 192, 192, 128),
    hidden: int = 256,
    seed: int = 0,
    checkpoint_every: int = 100,
    progress: bool = True,
) -> dict[str, str]:
    """Train on `images` and write float16 weights to `out`. A killed run resumes from its checkpoint.

    The optimizer is AdamW with a one-cycle schedule and the settings of `RECIPE`; crops grow up to the full
    227 x 227 (`CROP_SIDES`). The images of a batch, their augmentation (crop, scale, mirror, colour) and
    dropout depend only on `seed` and the number of the step, so a resumed run ends with the same weights.

    Parameters
    ----------
    images, val_images : (N, S, S', 3) uint8 RGB, S and S' at least 227; may be memory mapped. Validation sees
        the central 227 x 227.
    labels, val_labels : (N,) int, indices into `categories`.
    out : ``.safetensors`` to write. ``<out>.checkpoint`` lies beside it until training is complete.
    command : the command that made the weights, recorded with them, as `categories` are.
    channels, hidden : widths of conv1 ... conv5 and of fc6 and fc7. The defaults give 1.9 million parameters.
    checkpoint_every : steps between checkpoints; there is one after every epoch, too.

    Returns
    -------
    The metadata written with the weights; ``accuracy`` is the top-1 accuracy on the validation images,
    measured on the folded network after rounding to float16.

    Raises
    ------
    ValueError : the arrays do not fit together, or the checkpoint was made with other parameters.
    """
    _check_data(images, labels, categories, "images")
    _check_data(val_images, val_labels, categories, "val_images")
    out = Path(out)
    preprocessing = _preprocessing(images, seed)
    config = dict(epochs=epochs, batch_size=batch_size, **RECIPE, channels=list(channels), hidden=hidden)
    # the mean differs between sets of images
    config |= dict(seed=seed, images=len(images), mean=list(preprocessing.mean))
    torch.manual_seed(seed)
    where = device()
    model = Trainee((*channels, hidden, hidden, len(categories))).to(where, memory_format=torch.channels_last)
    learned = [p for p in model.parameters() if p.requires_grad]
    weights, biases = [p for p in learned if p.ndim > 1], [p for p in learned if p.ndim == 1]
    groups = [dict(params=weights), dict(params=biases, weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=RECIPE["learning_rate"], weight_decay=RECIPE["weight_decay"])
    checkpoint = out.with_name(out.name + ".checkpoint")
    step, seconds = _resume(checkpoint, model, optimizer, config)

    steps_per_epoch = max(1, len(images) // batch_size)
    total = epochs * steps_per_epoch
    bar = tqdm(total=total, initial=step, unit="step", disable=not progress, mininterval=10)
    mean_loss, started = math.nan, time.monotonic() - seconds
    while step < total:
        epoch, within = divmod(step, steps_per_epoch)
        order = np.random.default_rng([seed, 1, epoch]).permutation(len(images))
        chosen = np.sort(order[within * batch_size : (within + 1) * batch_size])
        rng = np.random.default_rng([seed, 2, step])
        batch = augment([images[i] for i in chosen], rng, crop_side(step / total))
        torch.manual_seed(int(np.random.SeedSequence([seed, 3, step]).generate_state(1)[0]))  # dropout
        for group in optimizer.param_groups:
            group["lr"] = RECIPE["learning_rate"] * one_cycle(step / total)
        scores = model(preprocessing(torch.from_numpy(batch).to(where)))
        target = torch.from_numpy(np.asarray(labels[chosen], dtype=np.int64)).to(where)
        loss = functional.cross_entropy(scores, target, label_smoothing=RECIPE["label_smoothing"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        mean_loss = loss.item() if math.isnan(mean_loss) else 0.98 * mean_loss + 0.02 * loss.item()
        bar.set_postfix_str(f"loss {mean_loss:.3f}", refresh=False)
        bar.update()
        seconds = time.monotonic() - started
        if progress and step % steps_per_epoch == 0:
            top1 = accuracy(_network(model, preprocessing), val_images, val_labels)
            tqdm.write(f"epoch {epoch + 1}/{epochs}: loss {mean_loss:.3f}, top-1 {top1:.2%}, {seconds:.0f} s")
        if step % checkpoint_every == 0 or step % steps_per_epoch == 0:
            state = dict(model=model.state_dict(), optimizer=optimizer.state_dict(), config=config)
            with replacing(checkpoint) as temporary:
                torch.save(state | dict(step=step, seconds=seconds), temporary)
    bar.close()

    network = _network(model, preprocessing)
    metadata = {
        "accuracy": f"{accuracy(network, val_images, val_labels):.4f}",
        "val_images": str(len(val_images)),
        "categories": json.dumps(list(categories)),
        "command": command,
        "corrlib": __version__,
        "digest": network.digest,
        "seconds": f"{time.monotonic() - started:.0f}",
        "seed": str(seed),
        "training": json.dumps(config),
    }
    convnet.save(out, ARCHITECTURE, folded(model), preprocessing, metadata)
    checkpoint.unlink(missing_ok=True)
    return metadata


def accuracy(network: Network, images: np.ndarray, labels: np.ndarray, *, batch_size: int = 64) -> float:
    """Top-1 accuracy, in 0..1, of `network` on the central 227 x 227 of `images` ``(N, S, S', 3)`` uint8."""
    top, left = ((side - INPUT_SIDE) // 2 for side in images.shape[1:3])
    crops = images[:, top : top + INPUT_SIDE, left : left + INPUT_SIDE]
    batches = (crops[start : start + batch_size] for start in range(0, len(crops), batch_size))
    scores = np.concatenate([network.features(batch, "fc8") for batch in batches])
    return float((scores.argmax(axis=1) == labels).mean())


def augment(images: list[np.ndarray], rng: np.random.Generator, side: int = INPUT_SIDE) -> np.ndarray:
    """Tinted crops at random places and scales, half of them mirrored: (N, side, side, 3) uint8."""
    batch = np.empty((len(images), side, side, 3), dtype=np.uint8)
    for result, image in zip(batch, images, strict=True):
        size = np.array(image.shape[1::-1])
        crop = np.minimum(size, rng.uniform(0.75, 1.0) * size.min() * np.exp(rng.uniform(-0.08, 0.08, 2)))
        x, y = rng.uniform(0, size - crop) - 0.5
        scale = crop / side
        to_image = np.array([[scale[0], 0, x + scale[0] / 2], [0, scale[1], y + scale[1] / 2]])
        if rng.random() < 0.5:
            to_image[0] = -scale[0], 0, x + crop[0] - scale[0] / 2
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpAffine(image, to_image, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        tint = rng.uniform(1 - TINT, 1 + TINT, 3)  # as under other light
        cv2.transform(warped, np.diag(tint), dst=result)
    return batch


def crop_side(progress: float) -> int:
    """Side of the crops after `progress` (0..1) of the training: a quarter of it has each of `CROP_SIDES`."""
    return CROP_SIDES[min(int(progress * len(CROP_SIDES)), len(CROP_SIDES) - 1)]


def one_cycle(progress: float) -> float:
    """Learning rate after `progress` (0..1), in units of its peak: a linear rise, then a cosine decay."""
    warm = 0.1
    decay = 0.5 * (1 + math.cos(math.pi * (progress - warm) / (1 - warm)))
    return 0.04 + 0.96 * progress / warm if progress < warm else decay


def _network(model: "Trainee", preprocessing: Preprocessing) -> Network:
    """The network that is saved: folded, and rounded to float16."""
    rounded = {key: value.astype(np.float16) for key, value in folded(model).items()}
    return AlexNet(ARCHITECTURE, rounded, preprocessing)


def _preprocessing(images: np.ndarray, seed: int) -> Preprocessing:
    """BGR as in Caffe, with the mean and the standard deviation of a sample of the training images."""
    chosen = np.random.default_rng([seed, 0]).choice(len(images), min(len(images), 200), replace=False)
    sample = np.stack([images[i][::4, ::4, ::-1] for i in np.sort(chosen)]).astype(np.float64)
    mean = tuple(np.round(sample.mean(axis=(0, 1, 2)), 3).tolist())
    scale = round(1.0 / max(1.0, float(sample.std())), 5)
    return Preprocessing("bgr", mean, (scale, scale, scale))


def _resume(path: Path, model, optimizer, config: dict) -> tuple[int, float]:
    """Load the checkpoint if there is one: (steps done, seconds spent)."""
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["config"] != config:
        raise ValueError(f"{path}: made with {state['config']}, not {config}; delete it to start afresh")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"], state["seconds"]


def _check_data(images: np.ndarray, labels: np.ndarray, categories: tuple[str, ...], name: str) -> None:
    fits = images.ndim == 4 and images.shape[3] == 3 and min(images.shape[1:3]) >= INPUT_SIDE
    if not fits or images.dtype != np.uint8:
        got = f"{images.shape} {images.dtype}"
        raise ValueError(f"{name}: expected (N, S, S', 3) uint8, sides of at least {INPUT_SIDE}; got {got}")
    if labels.shape != images.shape[:1] or len(images) == 0:
        expected = f"one label for each of {len(images)} images"
        raise ValueError(f"{name}: expected {expected}, got shape {labels.shape}")
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= len(categories):
        most = len(categories) - 1
        raise ValueError(f"{name}: labels must be integers in 0..{most}, indices of categories")


class Trainee(nn.Module):
    """A narrow CaffeNet with batch normalisation before every rectification.

    Where a pooling layer follows a convolution, normalisation and rectification come after the pooling: both
    are increasing functions of each channel, so they commute with the maximum, and there the array is four
    times smaller. The normalisation has no learned gain, which would be redundant: rectification is
    homogeneous, so the next layer can absorb it. `widths` are those of conv1 ... conv5, fc6, fc7 and fc8.
    """

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        self.steps = architecture(ARCHITECTURE).layers
        self.weights, self.batch_norms = nn.ModuleDict(), nn.ModuleDict()
        learned, inputs = [layer for layer in self.steps if layer.kind in ("conv", "fc")], 3
        for layer, width in zip(learned, widths, strict=True):
            if layer.kind == "conv":
                window = (layer.kernel, layer.stride, layer.padding)
                weights = nn.Conv2d(inputs, width, *window, groups=layer.groups, bias=False)
                norm = nn.BatchNorm2d
            else:
                inputs *= 6 * 6 if layer.name == "fc6" else 1
                weights, norm = nn.Linear(inputs, width, bias=layer.name == "fc8"), nn.BatchNorm1d
            self.weights[layer.name], inputs = weights, width
            if layer.name != "fc8":
                self.batch_norms[layer.name] = norm(width)
        for norm in self.batch_norms.values():
            norm.weight.requires_grad_(False)
        for weights in self.weights.values():
            nn.init.kaiming_normal_(weights.weight, nonlinearity="relu")
        self.dropout = nn.Dropout(RECIPE["dropout"])

    def forward(self, x: Tensor) -> Tensor:
        """Class scores ``(N, K)`` of preprocessed images ``(N, 3, 227, 227)``, or smaller squares.

        For the latter pool5 is enlarged to the 6 x 6 units that fc6 has weights for.
        """
        pending = None
        for layer, following in zip(self.steps, (*self.steps[1:], None), strict=True):
            if layer.kind == "norm":
                x = normalize(x)
            elif layer.kind == "pool":
                x = functional.max_pool2d(x, layer.kernel, layer.stride, ceil_mode=layer.ceil)
            else:
                if layer.name == "fc6":
                    x = functional.interpolate(x, (6, 6), mode="bilinear").flatten(1)
                x = self.weights[layer.name](x)
                pending = layer.name if layer.name in self.batch_norms else None
            if pending and not (layer.kind == "conv" and following.kind == "pool"):
                x = functional.relu(self.batch_norms[pending](x), inplace=True)
                x = self.dropout(x) if layer.kind == "fc" else x
                pending = None
        return x


def folded(model: Trainee) -> dict[str, np.ndarray]:
    """Weights and biases of the plain CaffeNet that computes what `model` does in evaluation mode."""
    parameters = {}
    for name, weights in model.weights.items():
        weight = weights.weight.detach().double()
        if name in model.batch_norms:
            norm = model.batch_norms[name]
            gain = 1.0 / torch.sqrt(norm.running_var.double() + norm.eps)
            bias = norm.bias.detach().double() - norm.running_mean.double() * gain
            weight = weight * gain.reshape(-1, *[1] * (weight.ndim - 1))
        else:
            bias = weights.bias.detach().double()
        parameters[f"{name}.weight"] = weight.float().cpu().contiguous().numpy()
        parameters[f"{name}.bias"] = bias.float().cpu().numpy()
    return parameters
