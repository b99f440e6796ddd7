"""Every file type of weights: what comes out, by independent arithmetic; and what happens to broken files."""

import json
import pickle
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from corrlib import convnet
from corrlib.figurines import CATEGORIES
from corrlib.figurines.pretraining import HELD_OUT_SEED, labelled_images
from corrlib.figurines.training import accuracy
from test_convnet import parameters, preprocessing, slow_features

# Places of an alexnet's parameters in the state dict of torchvision's class.
TORCHVISION = {"conv1": "features.0", "conv2": "features.3", "conv3": "features.6", "conv4": "features.8"}
TORCHVISION |= {"conv5": "features.10", "fc6": "classifier.1", "fc7": "classifier.4"}


def synthetic_image():
    y, x = np.mgrid[0:227, 0:227]
    channels = [(3 * x + y) % 256, (x * y // 16) % 256, (x + 5 * y) // 8 % 2 * 200]
    return np.stack(channels, axis=-1).astype(np.uint8)


# BVLC AlexNet's convolutions


def test_recorded_activations_of_bvlc_alexnet(real):
    """Recorded from a float64 NumPy network: BGR, 0..255, mean, groups and norm before pool all matter."""
    net = convnet.load(real / "weights" / "bvlc_alexnet_conv_int8.npz")
    conv4 = net.features(synthetic_image(), "conv4")[6, 6]
    assert (conv4 > 0).sum() == 92
    recorded = {150: 82.9821, 356: 76.382, 221: 76.3232, 307: 70.6377, 164: 68.9406, 308: 67.0552}
    np.testing.assert_allclose(conv4[list(recorded)], list(recorded.values()), rtol=1e-4)
    conv5 = net.features(synthetic_image(), "conv5")[6, 6]
    recorded = {74: 24.9822, 16: 17.705, 9: 14.6377, 138: 13.7124, 241: 12.6042, 192: 9.6111}
    np.testing.assert_allclose(conv5[list(recorded)], list(recorded.values()), rtol=1e-4)


def test_int8_npz(rng, tmp_path):
    path = tmp_path / "net.npz"
    arrays, expected = {"mean_bgr": np.array([104.0, 117.0, 123.0])}, {}
    for key, value in parameters(rng, "alexnet").items():
        name, kind = key.split(".")
        quantised = np.clip(np.rint(value * 128), -128, 127).astype(np.int8)
        arrays[f"{name}_w_int8" if kind == "weight" else f"{name}_b"] = (
            quantised if kind == "weight" else value
        )
        expected[key] = quantised.astype(np.float32) / 128 if kind == "weight" else value
    np.savez(path, **arrays)
    mean = convnet.Preprocessing("bgr", (104.0, 117.0, 123.0))
    assert convnet.load(path).digest == convnet.Network("alexnet", expected, mean).digest

    del arrays["conv4_b"]
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"net\.npz: .*conv4_b"):
        convnet.load(path)


def test_broken_npz(tmp_path):
    path = tmp_path / "net.npz"
    for content in (b"", b"PK\x03\x04 and no more", pickle.dumps({"conv1_w_int8": 1})):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"net\.npz: not a readable"):
            convnet.load(path)
    np.savez(path, conv1_w_int8=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"net\.npz: not a readable"):
        convnet.load(path)


# torchvision


def torchvision_state(rng):
    weights = parameters(rng, "torchvision", hidden=5)
    state = {}
    for key, value in weights.items():
        name, kind = key.split(".")
        if name in TORCHVISION:
            state[f"{TORCHVISION[name]}.{kind}"] = torch.from_numpy(value)
    return state, {key: value for key, value in weights.items() if not key.startswith("fc8")}


@pytest.mark.parametrize("suffix", [".pth", ".pt"])
def test_torchvision_state_dict(rng, tmp_path, suffix):
    path = tmp_path / f"alexnet{suffix}"
    state, weights = torchvision_state(rng)
    torch.save(state, path)
    net = convnet.load(path)
    image = rng.integers(0, 256, (227, 227, 3), dtype=np.uint8)
    x = (image / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    expected = slow_features("torchvision", weights, x.transpose(2, 0, 1))
    np.testing.assert_allclose(net.features(image, "pool1"), expected["pool1"].transpose(1, 2, 0), atol=1e-4)
    np.testing.assert_allclose(net.fc7(image), expected["fc7"], rtol=1e-4, atol=1e-4)


def test_other_torch_files(rng, tmp_path):
    path = tmp_path / "net.pth"
    state, _ = torchvision_state(rng)
    torch.save(state | {"features.12.weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=r"net\.pth: 'features.12.weight'"):
        convnet.load(path)
    torch.save({"epoch": 3}, path)
    with pytest.raises(ValueError, match=r"net\.pth: .*state dict"):
        convnet.load(path)
    torch.save(state, path)
    for content in (b"", path.read_bytes()[:-1000]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"net\.pth: no PyTorch file"):
            convnet.load(path)


class Malice:
    """Unpickling it writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_nothing_is_unpickled(tmp_path):
    victim = tmp_path / "victim"
    torch.save({"features.0.weight": Malice(victim)}, tmp_path / "net.pth")
    np.savez(tmp_path / "net.npz", conv1_w_int8=np.array([Malice(victim)], dtype=object))
    for name in ("net.pth", "net.npz"):
        with pytest.raises(ValueError, match=name):
            convnet.load(tmp_path / name)
    assert not victim.exists()


# our own files


def test_safetensors_round_trip(rng, tmp_path):
    path = tmp_path / "net.safetensors"
    weights = parameters(rng, "caffenet", hidden=5)
    convnet.save(
        path, "caffenet", weights, preprocessing(), {"categories": json.dumps(["a", "b"]), "seed": "3"}
    )
    net = convnet.load(path)
    halves = {key: value.astype(np.float16) for key, value in weights.items()}
    assert net.digest == convnet.Network("caffenet", halves, preprocessing()).digest
    assert net.categories == ("a", "b")
    assert net.metadata["seed"] == "3"
    assert net.name == "net"
    assert [file.name for file in tmp_path.iterdir()] == ["net.safetensors"]


def test_broken_safetensors(rng, tmp_path):
    path = tmp_path / "net.safetensors"
    convnet.save(path, "caffenet", parameters(rng, "caffenet"), preprocessing(), {})
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(ValueError, match=r"net.safetensors: not a readable"):
        convnet.load(path)
    save_file({"conv1.weight": np.zeros(3, np.float16)}, path, {"architecture": "caffenet"})
    with pytest.raises(ValueError, match=r"net.safetensors: .*metadata.*preprocessing"):
        convnet.load(path)


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"architecture": "vgg"}, "net.safetensors: .*vgg"),
        (
            {"preprocessing": '{"channels": "bgr", "mean": [NaN, 0, 0], "scale": [1, 1, 1]}'},
            "net.safetensors.*finite",
        ),
        (
            {"preprocessing": '{"channels": "bgr", "mean": ["a", 0, 0], "scale": [1, 1, 1]}'},
            "net.safetensors",
        ),
    ],
)
def test_safetensors_with_odd_metadata(rng, tmp_path, about, message):
    path = tmp_path / "net.safetensors"
    good = {"architecture": "caffenet", "preprocessing": json.dumps(asdict(preprocessing()))}
    save_file({k: v.astype(np.float16) for k, v in parameters(rng, "caffenet").items()}, path, good | about)
    with pytest.raises(ValueError, match=message):
        convnet.load(path)


def test_weights_that_diverged(rng, tmp_path):
    values = parameters(rng, "caffenet")
    values["conv3.bias"][2] = np.nan
    path = tmp_path / "net.safetensors"
    convnet.save(path, "caffenet", values, preprocessing(), {})
    with pytest.raises(ValueError, match=r"net.safetensors: conv3.bias holds NaN"):
        convnet.load(path)


def test_missing_and_unknown_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz"):
        convnet.load(tmp_path / "nowhere.npz")
    for name, content in (("text.pth", b"hello"), ("empty.pth", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}: no PyTorch file"):
            convnet.load(tmp_path / name)
    for odd in ({1: torch.zeros(2)}, {"features.0.weight": torch.eye(2).to_sparse()}):
        torch.save(odd, tmp_path / "odd.pth")
        with pytest.raises(ValueError, match=r"odd\.pth: expected a state dict"):
            convnet.load(tmp_path / "odd.pth")
    (tmp_path / "net.pickle").write_bytes(b"")
    with pytest.raises(ValueError, match=r"net.pickle.*\.safetensors, \.caffemodel"):
        convnet.load(tmp_path / "net.pickle")


# the figurine network, as shipped

SHIPPED = Path(convnet.__file__).parents[1] / "weights" / "figurines.safetensors"


def test_the_shipped_network_is_what_its_header_says(tmp_path):
    net = convnet.load()
    assert SHIPPED.stat().st_size < 5e6
    assert net.digest == net.metadata["digest"]
    assert net.architecture.name == "caffenet"
    assert net.categories == tuple(CATEGORIES)
    assert {"command", "seed", "accuracy", "training"} <= set(net.metadata)

    # The first four hundred of the held-out images that its accuracy was measured on, rendered again.
    recorded = float(net.metadata["accuracy"])
    assert recorded >= 0.85
    images, labels = labelled_images(tmp_path, per_category=20, seed=HELD_OUT_SEED, progress=False)
    found = accuracy(net, images, labels)
    assert abs(found - recorded) < 4 * (recorded * (1 - recorded) / len(images)) ** 0.5
