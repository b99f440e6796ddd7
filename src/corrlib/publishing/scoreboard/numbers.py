"""Every number of the paper's Tables 1 to 4 beside ours, read from the results of the chapters."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.data.voc import PASCAL
from corrlib.publishing import results
from corrlib.publishing.scoreboard.claims import Key
from corrlib.publishing.scoreboard.judging import Results

#: The chapters of the paper's sections 2 to 5, in its order.
CHAPTERS = ("visualization", "alignment", "classification", "prediction")
#: The dataset whose numbers should be the published ones.
PAPER = "voc2011"

#: A value and the ends of its 95 % interval.
Value = tuple[float, float, float]


@dataclass(frozen=True)
class Number:
    """A number of the paper and ours, in percent or, in Table 1, in pixels."""

    table: int
    #: A layer, a feature or a method.
    name: str
    #: A category, the mean (at a tolerance), or the size or stride of a receptive field.
    of: str
    published: float
    #: Number of digits after the decimal point of the published number.
    digits: int
    #: Dataset -> value and interval; in Table 1, which is exact, the value three times.
    ours: Mapping[str, Value] = field(default_factory=dict)
    #: Dataset with only some of the paper's categories -> the published mean over these, if it is known.
    over: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def mean(self) -> bool:
        """Whether it is a mean over categories, or of no category, as in Table 1."""
        return self.table == 1 or self.of.startswith("mean")

    def comparable(self, dataset: str) -> float | None:
        """The number published for the categories of a dataset; None if it is not known."""
        return self.over[dataset] if self.mean and dataset in self.over else self.published

    def difference(self, dataset: str) -> float | None:
        """Our number minus the one published for the same categories; None if one of them is missing."""
        published = self.comparable(dataset)
        return None if dataset not in self.ours or published is None else self.ours[dataset][0] - published

    def explained(self, dataset: str) -> bool | None:
        """Whether the published number, up to rounding, lies in the interval; None if it is not known."""
        published = self.comparable(dataset)
        if dataset not in self.ours or published is None:
            return None
        _, lower, upper = self.ours[dataset]
        half = 0.5 * 10.0**-self.digits
        return lower - half <= published <= upper + half


@dataclass(frozen=True)
class Recorded:
    """The results of a chapter on photographs that cannot be shipped with the book.

    `name` is the name of the dataset. `description` describes the photographs and the network in words, and
    `source` gives their digests, for the ``source`` of a figure or table.
    """

    name: str
    values: Mapping[str, Any]
    parameters: Mapping[str, Any]
    description: str
    source: str


def recorded(chapter: str) -> Recorded:
    """The results of a chapter on photographs, ``results/voc2011-<chapter>.json``."""
    result = results.read(results.project() / "results" / f"voc2011-{chapter}.json")
    about = result["provenance"]
    description = f"{about['photographs']}; network {about['network']}"
    data, network = f"{about['dataset']} {about['data'][:8]}", f"{about['network']} {about['weights'][:8]}"
    source = f"{data}, network {network}; recorded; {about['seconds']:.0f} s"
    return Recorded(about["dataset"], result["values"], about["parameters"], description, source)


def read(folder: str | Path, pattern: str, **digests: str) -> dict[str, dict[str, Any]]:
    """Read the existing results of a dataset's chapters from files named by `pattern`.

    ValueError if they are from different data or networks, or not from those with the `digests` of ``data``
    or ``weights``: no table may mix them.
    """
    files = {chapter: Path(folder) / pattern.format(chapter=chapter) for chapter in CHAPTERS}
    found = {chapter: results.read(path) for chapter, path in files.items() if path.is_file()}
    for what in ("data", "weights"):
        known = {chapter: result["provenance"].get(what) for chapter, result in found.items()}
        if len({*known.values(), digests.get(what, next(iter(known.values()), None))}) > 1:
            listed = ", ".join(f"{chapter} {digest}" for chapter, digest in known.items())
            wanted = f", not {digests[what]}" if what in digests else ""
            problem = f"{folder}: results of different {what} ({listed}{wanted})"
            raise ValueError(f"{problem}: run their chapters again")
    return found


def datasets(data: VOC, network: Network) -> dict[str, dict[str, dict[str, Any]]]:
    """Read the results on the recorded photographs, and those of this build on a dataset with a network."""
    digests = dict(data=data.digest, weights=network.digest)
    return {
        f"{PAPER} (recorded)": read(results.project() / "results", f"{PAPER}-{{chapter}}.json"),
        f"{data.name} (this build)": read(results.folder(), f"{{chapter}}-{data.name}.json", **digests),
    }


def numbers(datasets: Mapping[str, Results]) -> list[Number]:
    """All numbers of the paper's tables, with those of each dataset that has them."""
    ours = {dataset: dict(_ours(each)) for dataset, each in datasets.items()}
    published = dict(_published())
    numbers = []
    for key, text in published.items():
        values = {name: each[key] for name, each in ours.items() if key in each}
        over = {}
        if key[0] > 1 and key[2].startswith("mean"):
            for name, each in ours.items():
                categories = {of for table, _, of in each if table == key[0] and of in PASCAL}
                if 0 < len(categories) < len(PASCAL):
                    over[name] = _mean(published, key, categories)
        numbers.append(Number(*key, float(text), len(text.partition(".")[2]), values, over))
    return numbers


def distances(every: Sequence[Number], dataset: str) -> list[dict[str, Any]]:
    """By table: ``count`` of a dataset's numbers, their ``mean`` and ``mean absolute`` difference."""
    rows = []
    for table in (1, 2, 3, 4):
        every_one = (each.difference(dataset) for each in every if each.table == table)
        apart = [difference for difference in every_one if difference is not None]
        if apart:
            mean, absolute = float(np.mean(apart)), float(np.abs(apart).mean())
            rows.append({"table": table, "count": len(apart), "mean": mean, "mean absolute": absolute})
    return rows


def pairs(every: Sequence[Number], dataset: str) -> dict[tuple[int, str], list[tuple[Number, Number, str]]]:
    """Compare the order of a dataset's numbers with the published order; equal published numbers have none.

    Published means are those over the dataset's categories; where these are not known, there is no order.
    Returns table and column (a category or a mean) -> the number with the higher published value, the one
    with the lower, and the verdict on their order, from the widest interval that both intervals allow.
    """
    columns: dict[tuple[int, str], list[Number]] = {}
    for each in every:
        if each.table > 1 and each.difference(dataset) is not None:
            columns.setdefault((each.table, each.of), []).append(each)
    compared = {column: [] for column in columns}
    for column, members in columns.items():
        for pair in combinations(members, 2):
            low, high = sorted(pair, key=lambda each: each.comparable(dataset))
            if low.comparable(dataset) < high.comparable(dataset):
                ours, theirs = (np.array(n.ours[dataset], dtype=np.float64) for n in (high, low))
                compared[column].append((high, low, metrics.judge((ours - theirs[[0, 2, 1]])[None])))
    return compared


def _mean(published: Mapping[Key, str], key: Key, categories: Iterable[str]) -> float | None:
    """The mean of published numbers over some categories; those of Table 2 are known at alpha = 0.1 only."""
    table, name, of = key
    if of not in ("mean", "mean, alpha = 0.1"):
        return None
    return float(np.mean([float(published[table, name, category]) for category in categories]))


def _published() -> Iterator[tuple[Key, str]]:
    """(table, name, of) and the number as it is printed."""
    for row in results.published("table1"):
        yield (1, row["layer"], "size"), row["rf_size_px"]
        yield (1, row["layer"], "stride"), row["stride_px"]
    for number, name in ((2, "table2_alpha0.1"), (3, "table3"), (4, "table4")):
        for row in results.published(name):
            first, *others = row
            method = row[first].replace("sift_r", "SIFT ")
            for column in others:
                mean = "mean, alpha = 0.1" if number != 3 else "mean"
                yield (number, method, mean if column == "mean" else column), row[column]
    for row in results.published("table2_mean_by_alpha"):
        for alpha in ("0.05", "0.025"):
            yield (2, row["method"], f"mean, alpha = {alpha}"), row[alpha]


def _ours(chapters: Results) -> Iterator[tuple[Key, Value]]:
    """(table, name, of) and the value, of one dataset."""
    values = {chapter: each["values"] for chapter, each in chapters.items()}
    for layer, sides in values.get("visualization", {}).get("rf", {}).items():
        for of, side in zip(("size", "stride"), sides, strict=True):
            yield (1, layer, of), (side, side, side)
    for number, chapter in ((2, "alignment"), (4, "prediction")):
        own = values.get(chapter, {})
        if own and chapters[chapter]["provenance"]["parameters"].get("alpha", 0.1) == 0.1:
            for name, each in own["pck"].items():
                for category, value in each.items():
                    yield (number, name, category), tuple(100 * v for v in value)
        for name, each in own.get("means", {}).items():
            for alpha, value in zip(own["alphas"], each, strict=True):
                yield (number, name, f"mean, alpha = {alpha:g}"), tuple(100 * v for v in value)
    own = values.get("classification", {})
    for name, each in own.get("accuracy", {}).items():
        for category, value in each.items():
            yield (3, name, category), tuple(value)
    for name, value in own.get("means", {}).items():
        yield (3, name, "mean"), tuple(value)
