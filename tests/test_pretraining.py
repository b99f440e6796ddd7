"""Pictures for the figurine network: labelled right, resumed after a kill, of worlds of their own."""

import cv2
import numpy as np
import pytest

from corrlib import figurines
from corrlib.data import WORLD
from corrlib.figurines import pretraining


def test_images_carry_the_label_of_their_figure(tmp_path):
    images, labels = pretraining.labelled_images(
        tmp_path, per_category=2, seed=5, size=64, jobs=1, progress=False
    )
    assert images.shape == (40, 64, 64, 3) and np.bincount(labels).tolist() == [2] * 20
    for row in (3, 27):
        category = list(figurines.CATEGORIES)[labels[row]]
        scene = figurines.instance(5, category, row // 20, size=64, companions=False)
        assert [thing.category for thing in scene.things] == [category]
        assert np.array_equal(images[row], cv2.resize(scene.image, (64, 64), interpolation=cv2.INTER_AREA))


def test_a_killed_rendering_goes_on(tmp_path):
    whole, _ = pretraining.labelled_images(
        tmp_path / "a", per_category=1, seed=5, size=64, jobs=1, progress=False
    )
    path = tmp_path / "b" / next((tmp_path / "a").glob("*-seed5-1x64.npy")).name
    path.parent.mkdir()
    # as a kill leaves it: some rows there, one of those not yet marked as done
    half, done = whole.copy(), np.arange(20) < 12
    half[11:] = 0
    done[11] = False
    np.save(path.with_suffix(".partial.npy"), half)
    np.save(path.with_suffix(".done.npy"), done)
    images, _ = pretraining.labelled_images(
        tmp_path / "b", per_category=1, seed=5, size=64, jobs=1, progress=False
    )
    assert np.array_equal(images, whole)
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name, f"{path.name}.lock"]


@pytest.mark.parametrize("fits", [0, 1])
def test_a_full_disk_is_told_before_anything_is_drawn_and_leaves_nothing(tmp_path, monkeypatch, fits):
    calls = []

    def full(*_):
        calls.append(1)
        if len(calls) > fits:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(pretraining.os, "posix_fallocate", full)
    with pytest.raises(OSError, match="no place for 20 images"):
        pretraining.labelled_images(tmp_path, per_category=1, seed=5, size=64, jobs=1, progress=False)
    assert len(calls) == fits + 1 and not list(tmp_path.glob("*.npy"))


def test_the_network_never_saw_the_world_it_is_tested_on():
    assert len({WORLD["seed"], pretraining.TRAIN_SEED, pretraining.HELD_OUT_SEED}) == 3
