"""Section 2: units and their places, reconstructions, their scores, averages of receptive fields, figures."""

import csv
import re
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles
from corrlib import convnet, patches
from corrlib.data import open_dataset
from corrlib.experiments import provenance
from corrlib.experiments.visualization import averages, reconstruction, units
from corrlib.geometry import ReceptiveField
from corrlib.publishing import plots

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = Path("weights", "bvlc_alexnet_conv_int8.npz")


class PixelNetwork:
    """Its features are the pixels of the patch at each unit, so that neighbours can be foretold."""

    receptive_fields = {"conv3": ReceptiveField(99, 16, 17), "conv4": ReceptiveField(131, 16, 17)}  # noqa: RUF012
    digest, name = "0123456789abcdef", "pixels"

    def features(self, image, layer):
        rf = self.receptive_fields[layer]
        grid = tuple((side - 17 - 8) // 16 + 1 for side in image.shape[:2])
        self.asked = getattr(self, "asked", 0) + 1
        return patches.cut(image, rf.centers(grid), 16).reshape(*grid, -1).astype(np.float32) - 127.5


class Images:
    """A data set in memory."""

    tier, digest = "figurines", "in memory"
    difficult = truncated = True

    def __init__(self, images):
        self.images = images

    def image(self, image_id):
        return self.images[image_id]

    def image_ids(self, split):
        return list(self.images)


def noise(rng, height, width):
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path))
    yield
    plt.close("all")


# --- units


def test_units_are_numbered_image_by_image_row_by_row(rng):
    data = Images({"a": noise(rng, 251, 307), "b": noise(rng, 241, 229), "c": noise(rng, 300, 227)})
    network = PixelNetwork()
    found = units.units(data, network, "conv3", ["b", "a"])
    assert found.grids.tolist() == [[14, 13], [15, 18]]
    features = np.concatenate(found.blocks)
    assert len(features) == len(found.image) == len(found.centers) == 14 * 13 + 15 * 18
    for unit in (0, 12, 13, 181, 182, 451):
        image = data.image(["b", "a"][found.image[unit]])
        patch = patches.cut(image, found.centers[unit], 16)
        np.testing.assert_array_equal(features[unit] + 127.5, patch.ravel())
    np.testing.assert_array_equal(found.centers[182 + 18 + 2], [17 + 2 * 16, 17 + 16])


def test_features_are_computed_once(rng):
    data, network = Images({"a": noise(rng, 227, 241)}), PixelNetwork()
    for _ in range(2):
        units.units(data, network, "conv3", ["a"])
    assert network.asked == 1


def test_neighbours_are_never_of_the_same_image(rng):
    image = noise(rng, 227, 241)
    data = Images({"a": image, "copy": image.copy(), "other": noise(rng, 227, 257)})
    query, database = (units.units(data, PixelNetwork(), "conv3", i) for i in (["a"], ["other", "a", "copy"]))
    index = units.neighbours(query, database, 2)
    assert set(database.image[index].ravel().tolist()) == {0, 2}
    first = 13 * 15 + 13 * 14  # units of other and a come before those of the copy
    np.testing.assert_array_equal(index[:, 0], first + np.arange(13 * 14))
    some = units.neighbours(query, database, 1, rows=np.array([3, 1]))
    np.testing.assert_array_equal(some[:, 0], [first + 3, first + 1])


def test_samples_grow_and_are_drawn(rng):
    data = Images(dict.fromkeys("abcdefgh"))
    five, eight = (units.sample(data, "train", n, seed=0) for n in (5, 99))
    assert eight[:5] == five and sorted(eight) == list("abcdefgh")
    assert units.sample(data, "train", 99, seed=1) != eight
    with pytest.raises(ValueError, match="images of train must be at least 1, got 0"):
        units.sample(data, "train", 0, seed=0)
    with pytest.raises(ValueError, match="seed of a sample must not be negative, got -1"):
        units.sample(data, "train", 1, seed=-1)
    with pytest.raises(ValueError, match="split train lists no image"):
        units.sample(Images({}), "train", 1, seed=0)


@pytest.mark.parametrize(
    ("shape", "expected"), [((227, 300), (227, 300)), ((101, 211), (227, 474)), ((500, 113), (1004, 227))]
)
def test_small_images_are_enlarged(rng, shape, expected):
    image = (
        np.repeat(np.linspace(0, 255, shape[1])[None, :, None], shape[0], axis=0)
        .repeat(3, axis=2)
        .astype(np.uint8)
    )
    found = units.whole_image(Images({"a": image}), "a")
    assert found.shape == (*expected, 3)
    np.testing.assert_allclose(found[0, :, 0], np.linspace(0, 255, expected[1]), atol=3)


def test_table_1_is_the_published_one(real):
    with open(ROOT / "book" / "published" / "table1.csv", newline="") as file:
        published = {r["layer"]: (int(r["rf_size_px"]), int(r["stride_px"])) for r in csv.DictReader(file)}
    assert units.table1(convnet.load(real / WEIGHTS), list(published)) == published


@pytest.mark.parametrize("layer", ["conv9", ""])
def test_unknown_layers_are_listed(rng, layer):
    with pytest.raises(ValueError, match=rf"'{layer}'.*conv3, conv4"):
        units.units(Images({}), PixelNetwork(), layer, ["a"])


# --- reconstruction


def test_an_image_is_rebuilt_from_its_copy_and_from_nothing_else(rng):
    image = noise(rng, 241, 263)
    copies = {"q": image, "copy": image[::-1, ::-1].copy(), "other": noise(rng, 227, 257)}
    # Upside down, the patches of a grid that starts elsewhere do not exist: turn them back one by one.
    grid = (14, 15)
    own = patches.cut(image, PixelNetwork.receptive_fields["conv3"].centers(grid), 16)
    shuffled = own.reshape(-1, 16, 16, 3)[rng.permutation(14 * 15)].reshape(own.shape)
    copies["copy"] = np.pad(patches.reassemble(shuffled), ((9, 20), (9, 20), (0, 0)))
    data = Images(copies)
    (found,) = reconstruction.reconstruct(
        data, PixelNetwork(), "conv3", ["q"], ["other", "q", "copy"], ks=(1, 2)
    )
    np.testing.assert_array_equal(found.original, patches.reassemble(own))
    np.testing.assert_array_equal(found.original, image[9 : 9 + 14 * 16, 9 : 9 + 15 * 16])
    np.testing.assert_array_equal(found.neighbours[1], found.original)
    assert (found.neighbours[2] != found.original).mean() > 0.9
    assert found.size == 16 and found.image_id == "q" and found.centers.shape == (14, 15, 2)


def test_k_neighbours_are_averaged_and_images_kept_apart(rng):
    data = Images({name: noise(rng, 227, 227 + 16 * n) for n, name in enumerate("abcd")})
    network, ks = PixelNetwork(), (1, 3)
    found = reconstruction.reconstruct(data, network, "conv4", ["a", "b"], ["c", "d"], ks=ks)
    query, database = (units.units(data, network, "conv4", i) for i in (["a", "b"], ["c", "d"]))
    index, _ = oracles.neighbours(np.concatenate(query.blocks), np.concatenate(database.blocks), 3)
    for k in ks:
        for number, unit, place in (
            (0, 5, (0, 5)),
            (0, 14, (1, 1)),
            (1, 169 + 14, (1, 0)),
            (1, 169 + 181, (12, 13)),
        ):
            near = [
                patches.cut(data.image("cd"[database.image[i]]), database.centers[i], 16).astype(float)
                for i in index[unit, :k]
            ]
            row, column = np.array(place) * 16
            patch = found[number].neighbours[k][row : row + 16, column : column + 16]
            np.testing.assert_allclose(patch, np.mean(near, axis=0), atol=0.51)


def test_the_uniform_column_takes_patches_of_the_image_itself(rng):
    y, x = np.mgrid[:241, :256]
    data = Images({"q": np.stack([x, y, 0 * x], axis=-1).astype(np.uint8), "db": noise(rng, 227, 227)})
    (found,) = reconstruction.reconstruct(data, PixelNetwork(), "conv3", ["q"], ["db"], seed=3)
    grid = found.uniform[1].reshape(14, 16, 15, 16, 3).swapaxes(1, 2)
    np.testing.assert_array_equal(
        grid[..., 0] - grid[..., :1, 0], np.broadcast_to(np.arange(16), (14, 15, 16, 16))
    )
    offset = grid[:, :, 8, 8, :2].astype(float) - found.centers
    assert 30 < np.abs(offset).max() <= 49
    (again,) = reconstruction.reconstruct(data, PixelNetwork(), "conv3", ["q"], ["db"], seed=3)
    np.testing.assert_array_equal(found.uniform[5], again.uniform[5])
    (other,) = reconstruction.reconstruct(data, PixelNetwork(), "conv3", ["q"], ["db"], seed=4)
    assert (found.uniform[1] != other.uniform[1]).any()


@given(
    center=st.tuples(st.integers(-5, 60), st.integers(-5, 40)),
    window=st.integers(1, 41),
    size=st.integers(1, 12),
    seed=st.integers(0, 9),
)
def test_uniform_places_are_in_the_window_and_their_patches_in_the_image(center, window, size, seed):
    y, x = np.mgrid[:37, :53]
    image = np.stack([x, y], axis=-1)
    centers = np.array(center, float).reshape(1, 1, 2)
    rng = np.random.default_rng(seed)
    places = reconstruction.uniform_places(centers, image.shape[:2], window=window, size=size, k=20, rng=rng)
    assert places.shape == (1, 1, 20, 2)
    cut = patches.cut(image, places, size)
    assert (np.diff(cut[..., 0], axis=-1) == 1).all() and (np.diff(cut[..., 1], axis=-2) == 1).all()
    reach = window // 2 + (size + 1) // 2
    if (centers >= reach).all() and (centers + reach <= [52, 36]).all():
        assert (np.abs(places - centers) <= window // 2).all()


def test_uniform_places_are_uniform(rng):
    centers = np.full((1, 1, 2), [30.0, 10.0])
    places = reconstruction.uniform_places(centers, (61, 61), window=21, size=8, k=40_000, rng=rng)[0, 0]
    for axis, low, high in ((0, 20, 40), (1, 4, 20)):  # at the top, patches must stay inside of the image
        counts = np.bincount(places[:, axis].astype(int), minlength=high + 1)
        expected = 40_000 / (high - low + 1)
        assert counts[:low].sum() == 0 and len(counts) == high + 1
        assert np.abs(counts[low:] - expected).max() < 5 * np.sqrt(expected)


@pytest.mark.parametrize("ks", [(), (0, 1), (-1,)])
def test_numbers_of_neighbours_are_checked(rng, ks):
    with pytest.raises(ValueError, match="neighbours must be at least 1"):
        reconstruction.reconstruct(Images({}), PixelNetwork(), "conv3", ["a"], ["a"], ks=ks)


def test_too_many_neighbours(rng):
    data = Images({name: noise(rng, 227, 227) for name in "ab"})
    with pytest.raises(ValueError, match=r"k is 200, but.*169"):
        reconstruction.reconstruct(data, PixelNetwork(), "conv3", ["a"], ["a", "b"], ks=(200,))


# --- scores


def test_similarity_is_pearson_s_correlation_of_brightness(rng):
    a, b = noise(rng, 32, 48), noise(rng, 32, 48)
    expected = np.corrcoef(*((x @ [0.299, 0.587, 0.114]).ravel() for x in (a, b)))[0, 1]
    assert reconstruction.similarity(a, b) == pytest.approx(expected)
    assert reconstruction.similarity(a, a) == pytest.approx(1)
    assert reconstruction.similarity(a, 255 - a) == pytest.approx(-1)
    assert reconstruction.similarity(np.full_like(a, 7), a) == 0


def test_detail_is_the_correlation_within_patches(rng):
    a, b = noise(rng, 32, 48), noise(rng, 32, 48)
    assert reconstruction.detail(a, b, 16) == pytest.approx(oracles.correlation_within_patches(a, b, 16))
    assert abs(reconstruction.detail(a, b, 16)) < 0.1
    assert reconstruction.detail(a, a, 16) == pytest.approx(1)
    # The brightness of whole patches does not matter ...
    shifted = (a // 2 + np.kron(rng.integers(0, 100, (2, 3)), np.ones((16, 16)))[..., None]).astype(np.uint8)
    assert reconstruction.detail(shifted, a // 2, 16) == pytest.approx(1)
    assert reconstruction.similarity(shifted, a // 2) < 0.9
    # ... their place in the image does, and constant patches show nothing.
    assert abs(reconstruction.detail(np.roll(a, 16, axis=1), a, 16)) < 0.1
    assert reconstruction.detail(np.kron(a[::16, ::16], np.ones((16, 16, 1))), a, 16) == 0


def test_scores_are_means_over_images_with_paired_differences(rng):
    originals = [noise(rng, 32, 32) for _ in range(6)]
    results = [
        SimpleNamespace(
            original=o, size=16, neighbours={1: 255 - o, 5: o}, uniform={1: o, 5: noise(rng, 32, 32)}
        )
        for o in originals
    ]
    one, five = reconstruction.scores(results, 1), reconstruction.scores(results, 5)
    np.testing.assert_allclose(one["detail"]["neighbours"], -1)
    np.testing.assert_allclose(one["similarity"]["uniform"], 1)
    np.testing.assert_allclose(one["detail"]["difference"], -2)
    drawn = [reconstruction.detail(r.uniform[5], r.original, 16) for r in results]
    np.testing.assert_allclose(five["detail"]["uniform"], reconstruction.mean_interval(drawn))
    np.testing.assert_allclose(
        five["detail"]["difference"], reconstruction.mean_interval(1 - np.array(drawn))
    )


def test_the_interval_is_that_of_the_mean(rng):
    values = rng.normal(3, 2, 400)
    mean, low, high = reconstruction.mean_interval(values)
    assert mean == values.mean()
    error = values.std() / 20
    np.testing.assert_allclose([low, high], mean + np.array([-1.96, 1.96]) * error, atol=0.15 * error)
    np.testing.assert_array_equal(reconstruction.mean_interval(values), [mean, low, high])
    with pytest.raises(ValueError, match="at least two"):
        reconstruction.mean_interval(values[:1])


# --- averages


def test_averages_equal_the_slow_mean_of_what_there_is(rng):
    data = Images({name: noise(rng, 227, 227 + 8 * n) for n, name in enumerate("abc")})
    source = units.units(data, PixelNetwork(), "conv3", list("abc"))
    index = rng.choice(len(source.image), (2, 7), replace=False)
    index[0, 0] = 0  # in a corner
    found = averages.average_fields(data, source, index, (1, 2, 7))
    for k, images in found.items():
        assert images.shape == (2, 99, 99, 3) and images.dtype == np.uint8
        for seed in range(2):
            fields = [(data.image("abc"[source.image[i]]), source.centers[i]) for i in index[seed, :k]]
            expected, seen = oracles.mean_field(fields, 99)
            expected = patches.stretch(expected[seen])
            np.testing.assert_allclose(images[seed][seen], expected, atol=1)
            assert (images[seed][~seen] == 128).all()
    assert (found[1][0][:30, :30] == 128).all()  # the corner unit's field starts outside


def test_seeds_lie_inside_and_find_their_copies(rng):
    image = noise(rng, 243, 259)
    data, size = Images({"q": image, "copy": image.copy(), "other": noise(rng, 227, 227)}), 131
    windows = [image[y : y + size, x : x + size] for y in range(0, 112, 16) for x in range(0, 128, 16)]
    windows = [
        patches.stretch(w) for w in windows
    ]  # 17 + 16 i - 65: the first that starts inside starts at 0
    for seed in range(3):
        found = averages.receptive_field_averages(
            data, PixelNetwork(), "conv4", ["q"], ["other", "copy"], ks=(1, 4), seed=seed
        )
        assert list(found) == [0, 1, 4] and found[0].shape == (1, size, size, 3)
        assert any((found[0][0] == w).all() for w in windows)  # a window of the image: nothing replicated
        np.testing.assert_array_equal(found[1], found[0])
        assert (found[4] != found[0]).mean() > 0.5


# --- figures, the record, the chapter


def test_figure_1_has_a_row_for_each_k_and_marks_on_the_first_image(rng):
    images = [noise(rng, 60, 80), noise(rng, 80, 60)]
    pictures = [{1: noise(rng, 48, 64), 5: noise(rng, 48, 64)}] * 2
    columns = {"conv3": pictures, "uniform rf": pictures}
    boxes = [np.array([10.0, 10, 50, 50]), np.array([5.0, 5, 55, 55])]
    figure = plots.reconstructions(images, columns, covered=boxes, patch=boxes[0], fields=boxes)
    assert len(figure.axes) == 2 * (1 + 2 * 2)
    shown = {axes.images[0].get_array().shape: axes for axes in figure.axes}
    first, second = shown[60, 80, 3], shown[80, 60, 3]
    assert len(first.patches) == 1 + 2 + 1 and len(second.patches) == 1
    assert first.patches[-1].get_bbox().bounds == (10, 10, 40, 40)
    assert [a.get_title() for a in figure.axes if a.get_title()] == ["conv3", "uniform rf"]
    figure.canvas.draw()


def test_figure_2_shows_every_picture(rng):
    layers = {
        name: {k: rng.integers(0, 256, (3, 9, 9, 3), dtype=np.uint8) for k in (0, 1, 5)} for name in "ab"
    }
    figure = plots.receptive_fields(layers)
    shown = [axes.images[0].get_array() for axes in figure.axes]
    expected = [p for layer in layers.values() for k in (0, 1, 5) for p in layer[k]]
    assert len(shown) == len(expected) and all((s == e).all() for s, e in zip(shown, expected, strict=True))
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels == ["seed", "1-NN", "5-NN"]


def test_intervals_are_drawn_where_they_are():
    values = np.array([[0.3, 0.2, 0.5], [0.1, 0.05, 0.2]])
    figure = plots.intervals(["x", "y"], {"ours": values}, baseline={"base": values / 2}, label="score")
    (axes,) = figure.axes
    bars = [c.lines for c in axes.containers]
    np.testing.assert_allclose(bars[0][0].get_ydata(), [0.3, 0.1])
    np.testing.assert_allclose([s[:, 1] for s in bars[0][2][0].get_segments()], values[:, 1:])
    np.testing.assert_allclose(bars[1][0].get_ydata(), [0.15, 0.05])
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["ours", "base"]


def test_provenance_says_what_a_result_must(rng):
    made = provenance(Images({}), PixelNetwork(), parameters={"k": 5}, module="corrlib.patches", seconds=1.23)
    assert made.items() >= {"tier": "figurines", "weights": "0123456789abcdef", "seconds": 1.2}.items()
    assert made["parameters"] == {"k": 5, "difficult": True, "truncated": True}
    assert len(made["code"]) == 16


def test_the_chapter_labels_every_figure_and_table_with_its_tier():
    text = (ROOT / "book" / "visualization.py").read_text()
    captions = re.findall(r"# :name: \S+\n(?:# :alt: .*\n#\n# (.*)\n)?", text)
    tables = re.findall(r"# :::\{table\} (.*)\n", text)
    figures = [c for c in captions if c]
    assert len(figures) == 3 and len(tables) == 2
    assert all("(tier: {glue:text}`tier`" in caption for caption in figures + tables)


def test_real_features_localise_below_their_receptive_fields(real):
    data, network = open_dataset(real), convnet.load(real / WEIGHTS)
    faces = [i for i in data.image_ids("train") if i.startswith("2011_4")][:8]
    query = [i for i in data.image_ids("val") if i.startswith("2011_4")][:3]
    found = reconstruction.reconstruct(data, network, "conv3", query, faces)
    values = reconstruction.scores(found, 5)["detail"]
    assert values["neighbours"][0] > 0.25 and abs(values["uniform"][0]) < 0.15
    assert values["difference"][1] > 0.1
