"""Images for the figurine network: correctly labelled, resumed after a kill, of worlds of their own."""

from functools import partial
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from corrlib import figurines
from corrlib.data import WORLD
from corrlib.figurines import pretraining

labelled_images = partial(pretraining.labelled_images, seed=5, size=64, jobs=1, progress=False)


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
