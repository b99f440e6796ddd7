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
from torch.nn import functional
from tqdm import tqdm

from corrlib import __version__, convnet
from corrlib.cache import replacing
from corrlib.convnet.device import device
from corrlib.convnet.network import INPUT_SIDE, Network, Preprocessing
from corrlib.figurines.trainee import TRAINED_ARCHITECTURE, Trainee, folded

__all__ = ["accuracy", "train"]

# Small crops come first: a step costs a third of one at full size, and what is learned carries over. At these
# sides pool5 has 3, 4, 5 and 6 units along an axis, whose windows lie whole within conv5.
CROP_SIDES = (131, 163, 195, INPUT_SIDE)
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
    images, val_images : array (N, S, S', 3) uint8 RGB
        S and S' at least 227; may be memory mapped. Validation sees the central 227 x 227.
    labels, val_labels : array (N,) int
        Indices into `categories`.
    out : path
        ``.safetensors`` to write. ``<out>.checkpoint`` lies beside it until training is complete.
    command : str
        The command that made the weights, recorded with them, as `categories` are.
    channels, hidden
        Widths of conv1 ... conv5 and of fc6 and fc7. The defaults give 1.9 million parameters.
    checkpoint_every : int
        Steps between checkpoints; there is one after every epoch, too.

    Returns
    -------
    dict of str
        The metadata written with the weights; ``accuracy`` is the top-1 accuracy on the validation images,
        measured on the folded network after rounding to float16.

    Raises
    ------
    ValueError
        If the arrays do not fit together, or the checkpoint was made with other parameters.
    """
    _check_data(images, labels, categories, "images")
    _check_data(val_images, val_labels, categories, "val_images")
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    preprocessing = _preprocessing(images, seed)
    config = {
        "epochs": epochs,
        "batch_size": batch_size,
        **RECIPE,
        "channels": list(channels),
        "hidden": hidden,
        "seed": seed,
        "images": len(images),
        "mean": list(preprocessing.mean),  # differs between sets of images
    }
    torch.manual_seed(seed)
    where = device()
    model = Trainee(channels, hidden, len(categories), RECIPE["dropout"])
    model = model.to(where, memory_format=torch.channels_last)
    optimizer = _optimizer(model)
    checkpoint = out.with_name(out.name + ".checkpoint")
    step, seconds = _resume(checkpoint, model, optimizer, config)

    steps_per_epoch = max(1, len(images) // batch_size)
    total = epochs * steps_per_epoch
    bar = tqdm(total=total, initial=step, unit="step", disable=not progress, mininterval=10)
    mean_loss, started, first = math.nan, time.monotonic(), step
    while step < total:
        epoch, within = divmod(step, steps_per_epoch)
        order = np.random.default_rng([seed, 1, epoch]).permutation(len(images))
        chosen = np.sort(order[within * batch_size : (within + 1) * batch_size])
        rng = np.random.default_rng([seed, 2, step])
        batch = augment([images[i] for i in chosen], rng, crop_side(step / total))
        torch.manual_seed(int(np.random.SeedSequence([seed, 3, step]).generate_state(1)[0]))  # dropout
        for group in optimizer.param_groups:
            group["lr"] = RECIPE["learning_rate"] * one_cycle(step / total)
        model.train()
        scores = model(preprocessing(torch.from_numpy(batch).to(where)))
        target = torch.from_numpy(np.asarray(labels[chosen], dtype=np.int64)).to(where)
        loss = functional.cross_entropy(scores, target, label_smoothing=RECIPE["label_smoothing"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        mean_loss = loss.item() if math.isnan(mean_loss) else 0.98 * mean_loss + 0.02 * loss.item()
        elapsed = time.monotonic() - started
        rate = (step - first) * batch_size / elapsed
        bar.set_postfix_str(f"loss {mean_loss:.3f}, {rate:.0f} images/s", refresh=False)
        bar.update()
        if progress and step % steps_per_epoch == 0:
            top1 = accuracy(_network(model, preprocessing), val_images, val_labels)
            tqdm.write(
                f"epoch {step // steps_per_epoch}/{epochs}: loss {mean_loss:.3f},"
                f" val top-1 {100 * top1:.2f} %, {rate:.0f} images/s, {seconds + elapsed:.0f} s"
            )
        if step % checkpoint_every == 0 or step % steps_per_epoch == 0:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "config": config}
            with replacing(checkpoint) as temporary:
                torch.save(state | {"step": step, "seconds": seconds + elapsed}, temporary)
    bar.close()

    network = _network(model, preprocessing)
    metadata = {
        "accuracy": f"{accuracy(network, val_images, val_labels):.4f}",
        "val_images": str(len(val_images)),
        "categories": json.dumps(list(categories)),
        "command": command,
        "corrlib": __version__,
        "digest": network.digest,
        "seconds": f"{seconds + time.monotonic() - started:.0f}",
        "seed": str(seed),
        "training": json.dumps(config),
    }
    convnet.save(out, TRAINED_ARCHITECTURE, folded(model), preprocessing, metadata)
    checkpoint.unlink(missing_ok=True)
    return metadata


def accuracy(network: Network, images: np.ndarray, labels: np.ndarray, *, batch_size: int = 64) -> float:
    """Top-1 accuracy, in 0..1, of `network` on the central 227 x 227 of `images` ``(N, S, S', 3)`` uint8."""
    top, left = ((side - INPUT_SIDE) // 2 for side in images.shape[1:3])
    right = 0
    for start in range(0, len(images), batch_size):
        part = images[start : start + batch_size, top : top + INPUT_SIDE, left : left + INPUT_SIDE]
        scores = network.features(part, "fc8")
        right += int((scores.argmax(axis=1) == labels[start : start + batch_size]).sum())
    return right / len(images)


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
        cv2.transform(warped, np.diag(_tint(rng)), dst=result)
    return batch


def _tint(rng: np.random.Generator) -> np.ndarray:
    """Random factors (3,) of the colours, as under other light."""
    return rng.uniform(0.85, 1.15, 3)


def crop_side(progress: float) -> int:
    """Side of the crops after `progress` (0..1) of the training: a quarter of it has each of `CROP_SIDES`."""
    return CROP_SIDES[min(int(progress * len(CROP_SIDES)), len(CROP_SIDES) - 1)]


def one_cycle(progress: float) -> float:
    """Learning rate after `progress` (0..1), in units of its peak: a linear rise, then a cosine decay."""
    warm = 0.1
    if progress < warm:
        return 0.04 + 0.96 * progress / warm
    return 0.5 * (1 + math.cos(math.pi * (progress - warm) / (1 - warm)))


def _optimizer(model: Trainee) -> torch.optim.Optimizer:
    """AdamW; weights decay, biases do not."""
    learned = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": RECIPE["weight_decay"]},
        {"params": [p for p in learned if p.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=RECIPE["learning_rate"])


def _network(model: Trainee, preprocessing: Preprocessing) -> Network:
    """The network that is saved: folded, and rounded to float16."""
    rounded = {key: value.astype(np.float16) for key, value in folded(model).items()}
    return Network(TRAINED_ARCHITECTURE, rounded, preprocessing)


def _preprocessing(images: np.ndarray, seed: int) -> Preprocessing:
    """BGR as in Caffe, with the mean and the standard deviation of a sample of the training images."""
    rng = np.random.default_rng([seed, 0])
    chosen = np.sort(rng.choice(len(images), min(len(images), 200), replace=False))
    sample = np.stack([images[i][::4, ::4, ::-1] for i in chosen]).astype(np.float64)
    mean = tuple(np.round(sample.mean(axis=(0, 1, 2)), 3).tolist())
    scale = round(1.0 / max(1.0, float(sample.std())), 5)
    return Preprocessing("bgr", mean, (scale, scale, scale))


def _resume(path: Path, model, optimizer, config: dict) -> tuple[int, float]:
    """Load the checkpoint if there is one: (steps done, seconds spent)."""
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["config"] != config:
        raise ValueError(
            f"{path}: made with {state['config']}, now asked for {config}; delete it to start afresh"
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"], state["seconds"]


def _check_data(images: np.ndarray, labels: np.ndarray, categories: tuple[str, ...], name: str) -> None:
    fits = images.ndim == 4 and images.shape[3] == 3 and min(images.shape[1:3]) >= INPUT_SIDE
    if not fits or images.dtype != np.uint8:
        raise ValueError(
            f"{name}: expected (N, S, S', 3) uint8 with sides of at least {INPUT_SIDE},"
            f" got {images.shape} {images.dtype}"
        )
    if labels.shape != images.shape[:1] or len(images) == 0:
        raise ValueError(
            f"{name}: expected one label for each of {len(images)} images, got shape {labels.shape}"
        )
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= len(categories):
        last = len(categories) - 1
        raise ValueError(f"{name}: labels must be integers in 0..{last}, indices into the categories")
