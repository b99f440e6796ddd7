"""Training: images are labelled and new, killed runs resume, folding and augmentation are exact."""

import json
from functools import partial
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
import torch

from corrlib import convnet, figurines
from corrlib.data import WORLD
from corrlib.figurines import pretraining, training
from corrlib.figurines.training import Trainee, folded

labelled_images = partial(pretraining.labelled_images, seed=5, size=64, jobs=1, progress=False)

TINY = {"channels": (4, 6, 4, 8, 6), "hidden": 8, "batch_size": 8, "progress": False, "command": "a command"}
CATEGORIES = ("ball", "brick")


@pytest.fixture
def data(rng):
    """Two categories that differ in colour: 28 images of 229 x 231, and their labels."""
    labels = np.arange(28) % 2
    images = rng.integers(0, 100, (28, 229, 231, 3), dtype=np.uint8)
    images[labels == 1, ..., 0] += 120
    images[labels == 0, ..., 2] += 90
    return images, labels


def run(data, out, **kwargs):
    images, labels = data
    return training.train(
        images[:20], labels[:20], images[20:], labels[20:], out, categories=CATEGORIES, **(TINY | kwargs)
    )


def random_trainee(rng):
    """A trainee whose normalisation has statistics of a trained one."""
    model = Trainee((4, 6, 4, 8, 6, 8, 8, 3)).eval()
    for norm in model.batch_norms.values():
        norm.running_mean[:] = torch.from_numpy(rng.normal(0, 1, norm.num_features))
        norm.running_var[:] = torch.from_numpy(rng.uniform(0.2, 5, norm.num_features))
        norm.bias.data[:] = torch.from_numpy(rng.normal(0.5, 1, norm.num_features))
    return model


def test_folding_changes_no_scores(rng):
    model = random_trainee(rng)
    preprocessing = convnet.Preprocessing("bgr", (100.0, 110.0, 120.0), (0.02, 0.02, 0.02))
    net = convnet.AlexNet("caffenet", folded(model), preprocessing)
    images = rng.integers(0, 256, (3, 227, 227, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = model(preprocessing(torch.from_numpy(images))).numpy()
    assert expected.std() > 0.1
    np.testing.assert_allclose(net.features(images, "fc8"), expected, atol=1e-4 * np.abs(expected).max())


def test_a_run_learns_and_records_its_parameters(data, tmp_path):
    out = tmp_path / "deep" / "net.safetensors"
    digest = run(data, out, epochs=30, seed=3)["digest"]
    net = convnet.load(out)
    assert training.accuracy(net, data[0][20:], data[1][20:]) == 1.0
    assert net.digest == digest and net.categories == CATEGORIES
    recorded = {"accuracy": "1.0000", "command": "a command", "seed": "3", "val_images": "8"}
    assert recorded.items() <= net.metadata.items()
    assert json.loads(net.metadata["training"])["epochs"] == 30
    assert [net.channels(layer) for layer in ("conv1", "conv5", "fc7", "fc8")] == [4, 6, 8, 2]
    assert [file.name for file in out.parent.iterdir()] == [out.name]
    # The input is normalised by the statistics of the training images, in BGR.
    assert net.preprocessing.channels == "bgr"
    np.testing.assert_allclose(net.preprocessing.mean, data[0][:20].mean(axis=(0, 1, 2))[::-1], atol=1)
    np.testing.assert_allclose(net.preprocessing.scale, 1 / data[0][:20].std(), rtol=0.02)


def test_a_killed_run_resumes_to_the_same_weights(data, tmp_path, monkeypatch):
    whole, other = (run(data, tmp_path / "whole.safetensors", epochs=3, seed=seed) for seed in (0, 1))
    assert whole["digest"] != other["digest"]
    steps = iter([training.augment] * 4)  # the fifth step kills the run
    out, checkpoint = (tmp_path / f"killed.safetensors{ending}" for ending in ("", ".checkpoint"))
    with monkeypatch.context() as patch:
        patch.setattr(training, "augment", lambda *batch: next(steps)(*batch))
        with pytest.raises(StopIteration):
            run(data, out, epochs=3, checkpoint_every=3, seed=0)
    assert not out.exists()
    assert torch.load(checkpoint, weights_only=True)["step"] == 4  # the end of the second epoch of two steps
    with pytest.raises(ValueError, match=r"killed\.safetensors\.checkpoint: made with .*delete it"):
        run(data, out, epochs=4, seed=0)
    assert run(data, out, epochs=3, seed=0)["digest"] == whole["digest"]
    assert not checkpoint.exists()


def test_augmentation_is_a_mirrored_and_scaled_crop(rng, monkeypatch):
    """The colours of the image are its coordinates, so a crop shows where it was taken."""
    monkeypatch.setattr(training, "TINT", 0.0)
    y, x = np.mgrid[0:254, 0:256]
    image = np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8)
    crops = training.augment([image] * 40, rng).astype(float)
    mirrored = 0
    for crop in crops:
        across, down = np.diff(crop[..., 0], axis=1).mean(), np.diff(crop[..., 1], axis=0).mean()
        mirrored += across < 0
        for slope, side in ((abs(across), 256), (down, 254)):
            assert 0.75 * 254 * np.exp(-0.08) / 227 - 0.02 < slope <= side / 227 + 0.02
        # Lines stay straight, and no pixel is from outside the image.
        for coordinate in (crop[..., 0], crop[..., 1].T):
            assert np.abs(coordinate - coordinate[:1]).max() <= 1
            assert np.abs(coordinate[:, 3:] - coordinate[:, :-3]).min() >= 1
    assert 10 < mirrored < 30
    assert len({tuple(crop[100, 100]) for crop in crops}) > 30


def test_tints_change_colours_a_little(rng):
    tints = training.augment([np.full((229, 229, 3), 100, np.uint8)] * 60, rng, 131)[:, 0, 0].astype(float)
    assert 84 <= tints.min() < 92 and 108 < tints.max() <= 116
    assert np.ptp(tints, axis=1).mean() > 5


def test_crops_grow_to_full_size_and_the_learning_rate_has_one_cycle(rng):
    sides = [training.crop_side(progress) for progress in (*np.arange(0, 1, 0.05), 1)]
    assert sides == [131] * 5 + [163] * 5 + [195] * 5 + [227] * 6
    caffenet = convnet.architecture("caffenet")
    shapes = [caffenet.output_shape((side, side), "pool5") for side in training.CROP_SIDES]
    assert shapes == [(3, 3), (4, 4), (5, 5), (6, 6)]
    assert training.augment([np.zeros((256, 256, 3), np.uint8)], rng, 163).shape == (1, 163, 163, 3)
    scores = random_trainee(rng)(torch.from_numpy(rng.normal(size=(2, 3, 131, 131)).astype(np.float32)))
    assert scores.shape == (2, 3) and bool(torch.isfinite(scores).all())
    assert [round(training.one_cycle(p), 3) for p in (0, 0.05, 0.1, 0.55, 1)] == [0.04, 0.52, 1, 0.5, 0]


def test_accuracy_is_that_of_the_central_crops(rng, data):
    preprocessing = convnet.Preprocessing("bgr", (90.0, 90.0, 90.0))
    net, images = convnet.AlexNet("caffenet", folded(random_trainee(rng)), preprocessing), data[0][:10]
    labels = net.features(images[:, 1:228, 2:229], "fc8").argmax(axis=1)
    assert training.accuracy(net, images, labels, batch_size=3) == 1.0
    labels[:3] = (labels[:3] + 1) % 3
    assert training.accuracy(net, images, labels) == 0.7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((4, 200, 230, 3), np.uint8)}, r"images: .*at least 227.*\(4, 200, 230, 3\)"),
        ({"images": np.zeros((4, 230, 230, 3))}, "float64"),
        ({"labels": np.zeros(3, int)}, r"one label for each of 4 images, got shape \(3,\)"),
        ({"labels": np.array([0, 1, 2, 0])}, r"integers in 0\.\.1"),
        ({"labels": np.zeros(4)}, r"integers in 0\.\.1"),
    ],
)
def test_bad_data_are_refused(tmp_path, change, message):
    images, labels = np.zeros((4, 230, 230, 3), np.uint8), np.zeros(4, int)
    given = dict(images=images, labels=labels, val_images=images, val_labels=labels) | change
    with pytest.raises(ValueError, match=message):
        training.train(**given, out=tmp_path / "net.safetensors", categories=CATEGORIES, command="")
    assert not list(tmp_path.iterdir())


def test_images_have_the_labels_of_their_figures(tmp_path):
    images, labels = labelled_images(tmp_path, per_category=2)
    assert images.shape == (40, 64, 64, 3) and np.bincount(labels).tolist() == [2] * 20
    for row in (3, 27):
        category = list(figurines.CATEGORIES)[labels[row]]
        scene = figurines.instance(5, category, row // 20, size=64, companions=False)
        assert [thing.category for thing in scene.things] == [category]
        assert np.array_equal(images[row], cv2.resize(scene.image, (64, 64), interpolation=cv2.INTER_AREA))


def test_a_killed_rendering_resumes(tmp_path):
    whole, _ = labelled_images(tmp_path / "whole", per_category=1)
    path = tmp_path / "killed" / next((tmp_path / "whole").glob("*-seed5-1x64.npy")).name
    path.parent.mkdir()
    # As a kill leaves the files: some rows are drawn, one of which is not yet marked as done.
    half, done = whole.copy(), np.arange(20) < 12
    half[11:], done[11] = 0, False
    np.save(path.with_suffix(".partial.npy"), half)
    np.save(path.with_suffix(".done.npy"), done)
    images, _ = labelled_images(path.parent, per_category=1)
    assert np.array_equal(images, whole)
    assert {p.name for p in path.parent.iterdir()} == {path.name, path.with_suffix(".lock").name}


@pytest.mark.parametrize("fits", [0, 1])
def test_a_full_disk_is_reported_before_anything_is_drawn(tmp_path, monkeypatch, fits):
    full = Mock(side_effect=[None] * fits + [OSError(28, "No space left on device")])
    monkeypatch.setattr(pretraining.os, "posix_fallocate", full)
    with pytest.raises(OSError, match="no place for 20 images"):
        labelled_images(tmp_path, per_category=1)
    assert full.call_count == fits + 1 and not list(tmp_path.glob("*.npy"))


def test_the_network_never_saw_the_world_that_it_is_tested_on():
    assert len({WORLD["seed"], pretraining.TRAIN_SEED, pretraining.HELD_OUT_SEED}) == 3
