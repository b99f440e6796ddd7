"""Section 2: units and their places, reconstructions and their scores, averages, figures."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles
from conftest import ROOT, refused
from corrlib import convnet, metrics, patches
from corrlib.data import Instance, open_dataset
from corrlib.experiments import visualization
from corrlib.experiments.visualization import averages, centers, reconstruction, units
from corrlib.experiments.visualization.reconstruction import Reconstruction
from corrlib.geometry import ReceptiveField
from corrlib.publishing import plots, results, tables
from narrow import noise


class PixelNetwork:
    """Its features are the pixels of the patch at each unit, so that neighbours can be predicted."""

    receptive_fields = {  # noqa: RUF012
        name: ReceptiveField(size, 16, 17) for name, size in (("conv3", 99), ("conv4", 131), ("conv5", 163))
    }
    digest, device = "0123456789abcdef", "cpu"
    calls = 0

    def field(self, layer):
        return self.receptive_fields[layer]

    def layer_features(self, images, layers):
        grid = tuple((side - 17 - 8) // 16 + 1 for side in images.shape[1:3])
        self.calls += 1
        cut = {name: patches.cut(images[0], self.receptive_fields[name].centers(grid), 16) for name in layers}
        return {name: each.reshape(1, *grid, -1).astype(np.float32) - 127.5 for name, each in cut.items()}


class Images:
    """A dataset in memory: images, those of each split, and objects in val: image, box, keypoints, flags."""

    digest, categories = "in memory", ("cat",)

    def __init__(self, images, train=(), val=(), objects=()):
        self.images, self.splits, self.objects = images, {"train": train, "val": val}, objects

    def image(self, image_id):
        return self.images[image_id]

    def image_ids(self, split):
        return list(self.splits[split])

    def keypoint_names(self, category):
        return ("F_WheelCenter", "L_Eye", "Nose", "R_Eye")

    def instances(self, category, split):
        for image_id, box, keypoints, *flags in self.objects:
            points = np.array([keypoints.get(name, (np.nan, np.nan)) for name in self.keypoint_names("cat")])
            flags = {name: name in flags for name in ("truncated", "difficult")}
            yield Instance(image_id, 0, category, np.array(box, float), points.astype(float), **flags)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path))


# --- settings and units


def test_settings_choose_images(rng):
    data = Images({}, train="abc", val="abcd")
    settings = visualization.Settings().resolve(data, PixelNetwork())
    assert settings.database_images == 3 and sorted(visualization.database(data, settings)) == list("abc")
    assert sorted(visualization.scored(data, settings)) == list("abcd")
    assert visualization.Settings(layer="conv2", k=7).layers == ["conv3", "conv4", "conv5", "conv2"]
    assert visualization.Settings(k=7).ks == [1, 7] and visualization.Settings(k=1).ks == [1]


def test_the_largest_whole_object_with_a_wheel_and_that_with_an_eye_are_shown():
    wheel, eye, nose = ({name: (5, 5)} for name in ("F_WheelCenter", "R_Eye", "Nose"))
    square = {side: (0, 0, side, side) for side in range(30, 80, 10)}
    objects = [("a", square[50], wheel, "truncated"), ("b", square[40], eye), ("c", square[30], eye)]
    objects += [
        ("d", square[60], wheel),
        ("d", square[30], {}),
        ("e", square[30], wheel),
        ("f", square[70], nose),
    ]

    def shown(val, **chosen):
        some = [each for each in objects if each[0] in val]
        return visualization.shown(Images({}, val=val, objects=some), visualization.Settings(**chosen))

    assert shown("abcdefg") == ["e", "b"]
    assert shown("abcdfg") == ["b", "f"]
    assert shown("adg") == ["d", "a"]
    assert sorted(shown("gh")) == ["g", "h"]
    assert shown("ab", image_id="g") == ["g"]


def test_the_enlarged_part_is_the_eye_or_wheel_with_the_highest_contrast(rng):
    images = {name: np.full((251, 307, 3), 90, np.uint8) for name in "abcd"} | {"small": noise(rng, 101, 202)}
    images["a"][40:56, 60:76] = noise(rng, 16, 16)
    images["a"][100:116, 30:46] += noise(rng, 16, 16) // 9
    images["a"][200:230, 200:230] = noise(rng, 30, 30)  # in which the nose is
    eyes = {"L_Eye": (38, 108), "R_Eye": (68, 48), "Nose": (215, 215)}
    objects = [("a", (0, 0, 200, 200), eyes), ("a", (0, 0, 50, 50), {"F_WheelCenter": (38, 108)})]
    objects += [("b", (0, 0, 200, 200), {"Nose": (7, 9)}), ("c", (10, 20, 40, 40), {})]
    objects += [("small", (0, 0, 60, 60), {"L_Eye": (10, 20)})]
    data = Images(images, val=list(images), objects=objects)
    expected = {"a": (68, 48), "b": (7, 9), "c": (25, 30), "d": (153, 125)}
    expected["small"] = (10.5 * 454 / 202 - 0.5, 20.5 * 227 / 101 - 0.5)  # it is enlarged to 227 x 454
    for name, point in expected.items():
        np.testing.assert_allclose(visualization.part(data, name, 16), point)


def test_larger_samples_begin_with_smaller_ones():
    five, eight = (units.sample(LETTERS, "train", n, seed=0) for n in (5, 99))
    assert eight[:5] == five and sorted(eight) == list("abcdefgh")
    assert units.sample(LETTERS, "train", 99, seed=1) != eight


LETTERS = Images({}, train="abcdefgh")
test_bad_input_is_refused = refused(
    (lambda: visualization.Settings(k=0).resolve(LETTERS, PixelNetwork()), "k must be at least 1.*got 0"),
    (lambda: units.sample(LETTERS, "train", 0, seed=0), "images of train must be at least 1, got 0"),
    (lambda: units.sample(LETTERS, "train", 1, seed=-1), "seed of a sample must not be negative, got -1"),
    (lambda: units.sample(LETTERS, "val", 1, seed=0), "split val lists no image"),
)


def test_units_are_numbered_image_by_image_row_by_row(rng):
    data = Images({"a": noise(rng, 251, 307), "b": noise(rng, 241, 229), "c": noise(rng, 300, 227)})
    network = PixelNetwork()
    for _ in range(2):
        result = units.units(data, network, "conv3", ["b", "a"])
    assert network.calls == 2, "features are computed once"
    assert result.grids.tolist() == [[14, 13], [15, 18]]
    features = np.concatenate(result.blocks)
    assert len(features) == len(result.image) == len(result.centers) == 14 * 13 + 15 * 18
    for unit in (0, 12, 13, 181, 182, 451):
        image = data.image(["b", "a"][result.image[unit]])
        patch = patches.cut(image, result.centers[unit], 16)
        np.testing.assert_array_equal(features[unit] + 127.5, patch.ravel())
    np.testing.assert_array_equal(result.centers[182 + 18 + 2], [17 + 2 * 16, 17 + 16])


@pytest.mark.parametrize(
    ("shape", "expected"), [((227, 300), (227, 300)), ((101, 211), (227, 474)), ((500, 113), (1004, 227))]
)
def test_small_images_are_enlarged(shape, expected):
    image = np.tile(np.linspace(0, 255, shape[1])[None, :, None], (shape[0], 1, 3)).astype(np.uint8)
    enlarged = units.whole_image(Images({"a": image}), "a")
    assert enlarged.shape == (*expected, 3)
    np.testing.assert_allclose(enlarged[0, :, 0], np.linspace(0, 255, expected[1]), atol=3)


def test_table_1_is_the_published_one(monkeypatch):
    monkeypatch.chdir(ROOT)
    published = results.published("table1")
    network = SimpleNamespace(receptive_fields=convnet.receptive_fields("caffenet"))
    computed = visualization.table_1(network, [row["layer"] for row in published])
    for row in tables.receptive_fields(computed, published):
        layer, *sides = row.values()
        assert sides == [sides[0], sides[0], sides[2], sides[2]], layer


# --- reconstruction


def test_an_image_is_rebuilt_from_its_copy_and_from_nothing_else(rng):
    image, grid = noise(rng, 241, 263), (14, 15)
    # The copy has the same patches in another order, on a grid that starts at the same place.
    own = patches.cut(image, PixelNetwork.receptive_fields["conv3"].centers(grid), 16)
    shuffled = own.reshape(-1, 16, 16, 3)[rng.permutation(14 * 15)].reshape(own.shape)
    copy = np.pad(patches.reassemble(shuffled), ((9, 20), (9, 20), (0, 0)))
    images = {"q": image, "copy": copy, "other": noise(rng, 227, 257)}
    data = Images(images, train=["other", "q", "copy"], val=["q"])
    rebuilt = visualization.reconstruct(data, PixelNetwork(), visualization.Settings(k=2), "conv3")
    assert list(rebuilt) == ["q"]
    result = rebuilt["q"]
    np.testing.assert_array_equal(result.original, image[9 : 9 + 14 * 16, 9 : 9 + 15 * 16])
    np.testing.assert_array_equal(result.neighbors[1], result.original)
    assert (result.neighbors[2] != result.original).mean() > 0.9
    assert result.size == 16 and result.centers.shape == (14, 15, 2)


def test_k_neighbours_are_averaged_and_images_kept_apart(rng):
    images = {name: noise(rng, 227, 227 + 16 * n) for n, name in enumerate("abcd")}
    data, settings = Images(images, train="cd", val="ab"), visualization.Settings(k=3)
    rebuilt = visualization.reconstruct(data, PixelNetwork(), settings, "conv4")
    names, sources = list(rebuilt), visualization.database(data, settings)
    query, source = (units.units(data, PixelNetwork(), "conv4", i) for i in (names, sources))
    index, _ = oracles.neighbours(np.concatenate(query.blocks), np.concatenate(source.blocks), 3)
    for unit in (0, 5, 14, len(query.image) - 30, len(query.image) - 1):
        number = query.image[unit]
        place = divmod(unit - int((query.image < number).sum()), int(query.grids[number, 1]))
        row, column = 16 * np.array(place)
        fields = [(data.image(sources[source.image[i]]), source.centers[i]) for i in index[unit]]
        near = [patches.cut(*field, 16).astype(float) for field in fields]
        for k in settings.ks:
            patch = rebuilt[names[number]].neighbors[k][row : row + 16, column : column + 16]
            np.testing.assert_allclose(patch, np.mean(near[:k], axis=0), atol=0.51)


def test_the_uniform_column_takes_patches_of_the_image_itself(rng):
    y, x = np.mgrid[:241, :256]
    images = {"q": np.stack([x, y, 0 * x], axis=-1).astype(np.uint8), "db": noise(rng, 227, 227)}
    data = Images(images, train=["db"], val=["q"])
    settings = (visualization.Settings(seed=seed) for seed in (3, 3, 4))
    rebuilt = [visualization.reconstruct(data, PixelNetwork(), each, "conv3")["q"] for each in settings]
    first, again, other = (each.uniform[1] for each in rebuilt)
    grid = first.reshape(14, 16, 15, 16, 3).swapaxes(1, 2)
    assert (np.diff(grid[..., 0], axis=-1) == 1).all()
    offset = grid[:, :, 8, 8, :2].astype(float) - rebuilt[0].centers
    assert 30 < np.abs(offset).max() <= 49
    assert (first == again).all() and (first != other).any()


@given(st.tuples(st.integers(-5, 60), st.integers(-5, 40)), st.integers(1, 41), st.integers(1, 12))
def test_uniform_places_are_in_the_window_and_their_patches_in_the_image(center, window, size):
    centers, rng = np.array(center, float).reshape(1, 1, 2), np.random.default_rng(0)
    places = reconstruction.uniform_places(centers, (37, 53), window=window, size=size, k=20, rng=rng)
    assert places.shape == (1, 1, 20, 2)
    cut = patches.cut(np.stack(np.meshgrid(np.arange(53), np.arange(37)), axis=-1), places, size)
    assert (np.diff(cut[..., 0], axis=-1) == 1).all() and (np.diff(cut[..., 1], axis=-2) == 1).all()
    reach = window // 2 + (size + 1) // 2
    if (centers >= reach).all() and (centers + reach <= [52, 36]).all():
        assert (np.abs(places - centers) <= window // 2).all()


def test_uniform_places_are_uniform(rng):
    centers = np.full((1, 1, 2), [30.0, 10.0])
    places = reconstruction.uniform_places(centers, (61, 61), window=21, size=8, k=40_000, rng=rng)[0, 0]
    for axis, low, high in ((0, 20, 40), (1, 4, 20)):  # at the top, patches must stay inside the image
        counts = np.bincount(places[:, axis].astype(int), minlength=high + 1)
        expected = 40_000 / (high - low + 1)
        assert counts[:low].sum() == 0 and len(counts) == high + 1
        assert np.abs(counts[low:] - expected).max() < 5 * np.sqrt(expected)


# --- scores


def test_similarity_and_detail_are_correlations_of_brightness_at_large_and_within_patches(rng):
    a, b = noise(rng, 32, 48), noise(rng, 32, 48)
    similarity, detail = reconstruction.similarity, lambda a, b: reconstruction.detail(a, b, 16)
    expected = np.corrcoef(*((x @ [0.299, 0.587, 0.114]).ravel() for x in (a, b)))[0, 1]
    assert similarity(a, b) == pytest.approx(expected)
    assert similarity(a, a) == pytest.approx(1) and similarity(a, 255 - a) == pytest.approx(-1)
    assert similarity(np.full_like(a, 7), a) == 0
    assert detail(a, b) == pytest.approx(oracles.correlation_within_patches(a, b, 16))
    assert detail(a, a) == pytest.approx(1)
    # The brightness of whole patches does not matter for the detail ...
    shifted = (a // 2 + np.kron(rng.integers(0, 100, (2, 3)), np.ones((16, 16)))[..., None]).astype(np.uint8)
    assert detail(shifted, a // 2) == pytest.approx(1) and similarity(shifted, a // 2) < 0.9
    # ... their place in the image does, and constant patches have none.
    assert abs(detail(np.roll(a, 16, axis=1), a)) < 0.1
    assert detail(np.kron(a[::16, ::16], np.ones((16, 16, 1))), a) == 0


def test_scores_are_means_over_images_with_paired_differences(rng):
    originals = [noise(rng, 32, 32) for _ in range(6)]
    uniform = [{1: o, 5: noise(rng, 32, 32)} for o in originals]
    perfect = [
        SimpleNamespace(original=o, size=16, neighbors={1: 255 - o, 5: o}, uniform=u)
        for o, u in zip(originals, uniform, strict=True)
    ]
    one, five = (visualization.scores(perfect, k) for k in (1, 5))
    np.testing.assert_allclose(one["detail"]["neighbors"], -1)
    np.testing.assert_allclose(one["similarity"]["uniform"], 1)
    np.testing.assert_allclose(one["detail"]["difference"], -2)
    by_image = np.array([reconstruction.detail(r.uniform[5], r.original, 16) for r in perfect])
    np.testing.assert_allclose(five["detail"]["uniform"], metrics.mean_interval([by_image]))
    np.testing.assert_allclose(five["detail"]["difference"], metrics.mean_interval([1 - by_image]))
    with pytest.raises(ValueError, match="at least two"):
        visualization.scores(perfect[:1], 1)

    inverted = [SimpleNamespace(**{**vars(r), "neighbors": {5: 255 - r.original}}) for r in perfect]
    layers = {"conv3": perfect, "conv4": perfect, "conv5": inverted}
    differences = visualization.differences(layers, 5)
    over_uniform = differences["detail-over-uniform"]
    assert [label for label, _ in over_uniform] == ["conv3", "conv4", "conv5"]
    np.testing.assert_array_equal(over_uniform[1][1], five["detail"]["difference"])
    labels, values = zip(*differences["detail-falls-with-depth"], strict=True)
    assert labels == ("conv3 \u2212 conv4", "conv4 \u2212 conv5")
    np.testing.assert_allclose(values, [[0, 0, 0], [2, 2, 2]], atol=1e-12)

    each = {layer: visualization.scores(rebuilt, 5) for layer, rebuilt in layers.items()}
    *rows, last = tables.reconstruction_scores(each)
    assert [row["layer"] for row in rows] == ["conv3", "conv4", "conv5"] and last["layer"] == "uniform rf"
    np.testing.assert_array_equal(rows[2]["detail, difference"], each["conv5"]["detail"]["difference"])
    np.testing.assert_array_equal(last["plain correlation"], five["similarity"]["uniform"])


# --- averages


def test_averages_equal_the_slow_mean_of_what_there_is(rng):
    data = Images({name: noise(rng, 227, 227 + 8 * n) for n, name in enumerate("abc")})
    source = units.units(data, PixelNetwork(), "conv3", list("abc"))
    index = rng.choice(len(source.image), (2, 7), replace=False)
    index[0, 0] = 0  # in a corner
    result = averages.average_fields(data, source, index, (1, 2, 7))
    for k, images in result.items():
        assert images.shape == (2, 99, 99, 3) and images.dtype == np.uint8
        for seed in range(2):
            fields = [(data.image("abc"[source.image[i]]), source.centers[i]) for i in index[seed, :k]]
            expected, seen = oracles.mean_field(fields, 99)
            np.testing.assert_allclose(images[seed][seen], patches.stretch(expected[seen]), atol=1)
            assert (images[seed][~seen] == 128).all()
    assert (result[1][0][:30, :30] == 128).all()  # the corner unit's field starts outside


def test_seeds_lie_inside_and_find_their_copies(rng):
    image, size = noise(rng, 243, 259), 131
    images = {"q": image, "copy": image.copy(), "other": noise(rng, 227, 227)}
    data = Images(images, train=["other", "copy"], val=["q"])
    # 17 + 16 i - 65: the first field that starts inside starts at 0
    windows = [image[y : y + size, x : x + size] for y in range(0, 112, 16) for x in range(0, 128, 16)]
    windows = [patches.stretch(window) for window in windows]
    for seed in range(3):
        settings = visualization.Settings(seed=seed)
        result = visualization.receptive_field_averages(data, PixelNetwork(), settings, "conv4")
        assert list(result) == [0, 1, 5, 25, 125] and result[0].shape == (1, size, size, 3)
        assert any((result[0][0] == w).all() for w in windows)  # a window of the image: nothing replicated
        np.testing.assert_array_equal(result[1], result[0])
        assert (result[5] != result[0]).mean() > 0.5


# --- agreement


def shuffled(image, rng):
    """Noise in which the patches of an image, on the grid of units, are in another order."""
    own = patches.cut(image, PixelNetwork.receptive_fields["conv3"].centers((14, 15)), 16)
    order, result = rng.permutation(14 * 15), noise(rng, *image.shape[:2])
    result[9:233, 9:249] = patches.reassemble(own.reshape(-1, 16, 16, 3)[order].reshape(own.shape))
    return result


def test_agreement_is_one_where_neighbours_are_the_same_and_zero_where_they_are_random(rng):
    images = {name: noise(rng, 241, 263) for name in "ab"}
    others = {name.upper(): shuffled(image, rng) for name, image in images.items()}
    copies = {name * 2: image for name, image in images.items()}
    data = Images(images | others | copies, val="ab", train=[*others])
    settings, network = visualization.Settings(k=1), PixelNetwork()
    at_centers = visualization.agreement(data, network, settings, "conv3")
    data.splits["train"] = [*copies]
    everywhere = visualization.agreement(data, network, settings, "conv3")
    for measure in ("colour", "gradient"):
        np.testing.assert_array_equal(at_centers[measure]["center"], 1)
        assert np.abs(at_centers[measure]["rim"]).max() < 0.3
        mean, low, high = at_centers[measure]["difference"]
        assert low <= mean <= high and mean == pytest.approx(1 - at_centers[measure]["rim"][0])
        for name, expected in (("center", 1), ("rim", 1), ("difference", 0)):
            np.testing.assert_array_equal(everywhere[measure][name], expected)
    claims = visualization.similar_colours({"conv3": at_centers, "conv5": everywhere})
    assert list(claims) == ["similar-colours"]
    (first, shallow), (last, deep) = claims["similar-colours"]
    assert (first, last) == ("conv3", "conv5") and (deep == 0).all()
    np.testing.assert_array_equal(shallow, at_centers["colour"]["difference"])
    rows = tables.agreement({"conv3": at_centers, "conv5": everywhere})
    assert [(row["property"], row["layer"]) for row in rows[1:3]] == [
        ("colour", "conv5"),
        ("gradient", "conv3"),
    ]
    np.testing.assert_array_equal(rows[2]["at the rim"], at_centers["gradient"]["rim"])


def test_patches_are_described_by_their_mean_colour_and_a_plane(rng):
    data = Images({"a": noise(rng, 251, 307), "b": noise(rng, 241, 229)})
    source = units.units(data, PixelNetwork(), "conv3", ["a", "b"])
    index = np.array([[0, 3 * 18 + 4], [15 * 18 + 13 * 6 + 6, 2]])
    described = centers.describe(data, source, index)
    assert described.shape == (2, 2, 9, 5)
    y, x = np.mgrid[:16, :16] - 7.5
    plane, reach = np.stack([x.ravel(), y.ravel(), np.ones(256)], axis=-1), (99 - 16) / 2
    shifts = [(0, 0), *((x, y) for y in (-1, 0, 1) for x in (-1, 0, 1) if x or y)]
    for place in np.ndindex(2, 2):
        image, center = data.image("ab"[source.image[index[place]]]), source.centers[index[place]]
        values = []
        for shift in shifts:
            col, row = np.floor(center + np.array(shift) * reach - 7.5).astype(int)
            patch = image[max(row, 0) : row + 16, max(col, 0) : col + 16].astype(float)
            if patch.shape != (16, 16, 3):
                values.append([np.nan] * 5)
                continue
            slopes = np.linalg.lstsq(plane, (patch @ [0.299, 0.587, 0.114]).ravel(), rcond=None)[0][:2]
            values.append([*patch.mean(axis=(0, 1)), *slopes])
        found = np.array(sorted(described[place][1:].tolist(), key=str))
        np.testing.assert_allclose(described[place][0], values[0], atol=1e-3)
        np.testing.assert_allclose(found, np.array(sorted(np.array(values[1:]).tolist(), key=str)), atol=1e-3)


def test_agreement_compares_with_every_random_unit_image_by_image(rng):
    seeds, near, random = (rng.normal(size=(*shape, 9, 5)) for shape in ((6,), (6, 3), (40,)))
    near[1, 2, 4:], random[3, 2:] = np.nan, np.nan  # outside their images
    image = np.array([0, 0, 2, 2, 2, 2])
    values = centers.compare(seeds, near, random, image, 3)
    for measure, channels in centers.MEASURES.items():
        for name, places in (("center", [0]), ("rim", range(1, 9))):
            for number in (0, 2):
                ours, theirs = [], []
                for unit in np.flatnonzero(image == number):
                    for place in places:
                        others = random[np.isfinite(random[:, place, 0]), place, channels]
                        for other in near[unit, :, place, channels]:
                            if np.isfinite(other).all():
                                ours.append(((seeds[unit, place, channels] - other) ** 2).sum())
                                apart = ((seeds[unit, place, channels] - others) ** 2).sum(axis=1)
                                theirs.append(apart.mean())
                assert values[f"{measure}-{name}"][number] == pytest.approx(1 - sum(ours) / sum(theirs))
            assert np.isnan(values[f"{measure}-{name}"][1])


# --- figures


def made(rng, *shapes):
    """Reconstructions of images of 7 x 8 patches at k = 1 and 5."""
    centers = np.stack(np.meshgrid(np.arange(8) * 16 + 17.0, np.arange(7) * 16 + 17.0), axis=-1)
    for shape in shapes:
        near, uniform = ({k: noise(rng, 112, 128) for k in (1, 5)} for _ in range(2))
        yield Reconstruction(noise(rng, *shape), centers, 16, noise(rng, 112, 128), near, uniform)


def pictures(figure):
    return [axes.images[0].get_array() for axes in figure.axes]


def test_figure_1_has_a_row_per_k_and_marks_on_the_first_image(rng):
    first, second = made(rng, (130, 150), (131, 151))
    rebuilt = {name: [first, second] for name in ("conv3", "conv4", "conv5")}
    points = [np.array([69.0, 60.0]), np.array([0.0, 0.0])]
    figure = plots.reconstructions(rebuilt, [20, 30], points)
    expected = [
        [r.original, *r.uniform.values(), *[r.neighbors[1]] * 3, *[r.neighbors[5]] * 3]
        for r in (first, second)
    ]
    np.testing.assert_array_equal(pictures(figure), [p for row in expected for p in row])
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:3] == ["image", "uniform rf, 1 place", "uniform rf, 5 places"]
    assert titles[3:9] == [f"conv{n}, {k}-NN" for k in (1, 5) for n in (3, 4, 5)]
    boxes = [[patch.get_bbox().bounds for patch in axes.patches] for axes in figure.axes]
    # The third row and fourth column of patches; a part of five patches must lie inside.
    center = np.array([3.5, 3.5]) * 16 - 0.5
    assert boxes[0] == [(*(center - side / 2), side, side) for side in (80, 20, 30, 16)]
    assert boxes[1] == boxes[0][:1] and boxes[9] == [(-0.5, -0.5, 80, 80)]
    figure.canvas.draw()


def test_parts_are_the_same_squares_of_all_pictures(rng):
    first, second = made(rng, (130, 150), (131, 151))
    layers = {"conv3": [first, second], "conv5": [second, first]}
    figure = plots.parts(layers, [np.array([69.0, 60.0]), np.array([999.0, 999.0])])
    rows = (
        (first, first, second, first, np.s_[16:96, 16:96]),
        (second, second, first, second, np.s_[32:112, 48:128]),
    )
    expected = []
    for image, conv3, conv5, uniform, part in rows:
        near = [*conv3.neighbors.values(), *conv5.neighbors.values(), *uniform.uniform.values()]
        expected += [picture[part] for picture in (image.original, *near)]
    np.testing.assert_array_equal(pictures(figure), expected)
    assert [a.get_title() for a in figure.axes if a.get_title()] == ["image", "conv3", "conv5", "uniform rf"]
    figure.canvas.draw()


def test_figure_2_shows_every_picture_with_its_centre(rng):
    layers = {name: {k: noise(rng, 27, 9).reshape(3, 9, 9, 3) for k in (0, 1, 5)} for name in "ab"}
    figure = plots.receptive_fields(layers, 3)
    expected = [p for layer in layers.values() for k in (0, 1, 5) for p in layer[k]]
    np.testing.assert_array_equal(pictures(figure), expected)
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["seed", "1-NN", "5-NN"]
    assert {axes.patches[0].get_bbox().bounds for axes in figure.axes} == {(2.5, 2.5, 3, 3)}


def test_scores_are_drawn_with_their_intervals():
    value = np.array([0.3, 0.2, 0.5])
    scores = {
        layer: {k: {"detail": {"neighbors": value / n, "uniform": value / 10}} for k in (1, 5)}
        for n, layer in enumerate(visualization.LAYERS, 1)
    }
    (axes,) = plots.detail_scores(scores).axes
    bars = [container.lines for container in axes.containers]
    np.testing.assert_allclose(bars[0][0].get_ydata(), [0.3, 0.15, 0.1])
    np.testing.assert_allclose(bars[0][2][0].get_segments()[1][:, 1], [0.1, 0.25])
    np.testing.assert_allclose(bars[2][0].get_ydata(), [0.03] * 3)
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["1-NN", "5-NN", "uniform rf, 1 place", "uniform rf, 5 places"]


def test_real_features_localise_below_their_receptive_fields(real):
    data, network = open_dataset(real), convnet.load(real / "weights" / "bvlc_alexnet_conv_int8.npz")
    train, val = ([i for i in data.image_ids(s) if i.startswith("2011_4")] for s in ("train", "val"))
    faces = Images({i: data.image(i) for i in (*train[:8], *val[:3])}, train=train[:8], val=val[:3])
    rebuilt = visualization.reconstruct(faces, network, visualization.Settings(), "conv3")
    values = visualization.scores(list(rebuilt.values()), 5)["detail"]
    assert values["neighbors"][0] > 0.25 and abs(values["uniform"][0]) < 0.15
    assert values["difference"][1] > 0.1
