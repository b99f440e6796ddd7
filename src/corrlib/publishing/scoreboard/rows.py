"""Rows of the tables of the scoreboard, for `page.table` and for files."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import nan
from typing import Any

from corrlib import metrics
from corrlib.publishing.results import project
from corrlib.publishing.scoreboard.claims import SECTIONS, TASKS, Claim, Key, reasons, registry
from corrlib.publishing.scoreboard.judging import (
    Differences,
    Results,
    cell,
    counts,
    listed,
    mark,
    reason,
    summary,
    verdict,
)
from corrlib.publishing.scoreboard.numbers import CHAPTERS, PAPER, Number, Recorded, numbers, pairs, read

SUPPORTED, SAME_DIRECTION, _, CONTRADICTED, NOT_TESTED = metrics.VERDICTS
#: What stands for the verdict by the published numbers on a claim for which the paper gives none.
NO_NUMBERS = "no numbers"
#: Of the numbers in the rows of `single`.
FORMATS = {"difference": "+.1f"}
#: What has the numbers of each table.
HEADS = {1: "layer", 2: "method", 3: "feature", 4: "method"}


def claims(columns: Mapping[str, Differences]) -> list[dict[str, str]]:
    """The claims that a chapter judges, with a verdict in each column; `columns` is dataset -> differences.

    A claim that no dataset reports has no row. ValueError for a claim that is not in
    ``book/published/claims.csv``.
    """
    reported = {name for each in columns.values() for name in each}
    if unknown := reported - set(registry()):
        names = ", ".join(sorted(unknown))
        raise ValueError(f"unknown claims {names}: expected some of book/published/claims.csv")
    return [
        {"claim": claim.text + " (not in the paper)" * (not claim.quote)}
        | {column: cell(name, each, column) for column, each in columns.items()}
        for name, claim in registry().items()
        if name in reported
    ]


def beside_photos(
    dataset: str, differences: Differences, photos: Recorded
) -> tuple[list[dict[str, str]], str, str]:
    """The claims that a chapter judges on a dataset, beside those that it judges on photographs.

    Returns the rows of `claims`, their caption, and a sentence that sums up the verdicts.
    """
    recorded = photos.values["claims"]
    others = (
        ", and others that are marked," if any(not registry()[name].quote for name in differences) else ""
    )
    caption = f"""*The paper's claims*{others} judged on {dataset} (this page) and on
        photographs (recorded). Below each verdict are the differences on which it is based, in points, with
        95 % bootstrap intervals."""
    here, there = summary(differences), summary(recorded)
    fared = (
        f"Of the paper's claims tested here, not counting choices of parameters, on {dataset} {here}; on the"
        f" recorded photographs, {there}."
    )
    return claims({dataset: differences, photos.name: recorded}), caption, fared


def glance(columns: Mapping[str, Differences]) -> list[dict[str, Any]]:
    """Each claim of the paper in a row, with the verdict by the published numbers and by each dataset.

    A row also gives the reason why a claim is not supported. The paper gives no intervals, so its numbers are
    taken as they are. A row with a title comes before those of each section. The last rows give the number of
    claims with each verdict.
    """
    rows, counted = [], {"published": Counter()} | {column: counts(each) for column, each in columns.items()}
    section = None
    for name, claim in registry().items():
        if claim.quote:
            if claim.section != section:
                section = claim.section
                title = f"*Section {section}: {SECTIONS[section]}*"
                rows.append(dict.fromkeys(("claim", "published", *columns), "") | {"claim": title})
            words = {column: verdict(name, each) for column, each in columns.items()}
            text = f"[{claim.text}](#{claim.label})" if claim.label else claim.text
            whys: dict[str, list[str]] = {}
            for column, word in words.items():
                whys.setdefault(reason(name, word, column), []).append(column.split()[0])
            whys.pop("", None)
            because = [f'<span class="reason">{" and ".join(of)}: {why}.</span>' for why, of in whys.items()]
            marks = {column: mark(word) for column, word in words.items()}
            each = [[value] * 3 for _, value, _ in _published_differences(claim)]
            paper = metrics.judge(each, at_least=claim.relation != "better") if each else NO_NUMBERS
            counted["published"][paper] += 1
            marks = {"published": mark(paper) if each else paper, **marks}
            rows.append({"claim": "<br>".join([text, *because]), **marks})
    for word in (*metrics.VERDICTS, NO_NUMBERS):
        numbers = {column: str(count.get(word, "")) for column, count in counted.items()}
        rows.append({"claim": f"**{word}**", **numbers})
    return rows


def _published_differences(claim: Claim) -> list[tuple[str, float, float | None]]:
    """The label of each difference, its value, and that over the categories of the recorded photographs."""
    paper = _paper()
    return [
        (
            label,
            *(None if None in pair else pair[0] - pair[1] for pair in zip(paper[a], paper[b], strict=True)),
        )
        for label, a, b in claim.published
    ]


@cache
def _paper() -> dict[Key, tuple[float, float | None]]:
    """The published numbers, and those over the categories of the recorded photographs, where known."""
    recorded = {PAPER: read(project() / "results", f"{PAPER}-{{chapter}}.json")}
    return {
        (each.table, each.name, each.of): (each.published, each.comparable(PAPER))
        for each in numbers(recorded)
    }


def tasks(columns: Mapping[str, Differences]) -> list[dict[str, str]]:
    """The three tasks of the paper: the difference of convnet and conventional features, and the verdict."""
    return [{"task": f"[{task}]({task})"} | _judged(name, columns) for task, name in TASKS.items()]


def quoted(section: int | None, columns: Mapping[str, Differences]) -> list[dict[str, str]]:
    """The claims of a section, tested or not: the paper's words and numbers, and a verdict in each column.

    With the section None, the claims that are not in the paper.
    """
    rows = []
    for name, claim in registry().items():
        if (claim.section if claim.quote else None) != section:
            continue
        text = [claim.text]
        text += [f'<span class="quote">\u201c{claim.quote}\u201d</span>'] * bool(claim.quote)
        text += [f"[{claim.chapter}](#{claim.label})"] * bool(claim.label)
        text += [f"Not tested: {claim.why}."] * bool(claim.why)
        rows.append({"claim": "<br>".join(text)} | _judged(name, columns))
    shown = {key for row in rows for key in row if key != "published" or row[key]}
    return [{key: value for key, value in row.items() if key in shown} for row in rows]


def _judged(name: str, columns: Mapping[str, Differences]) -> dict[str, str]:
    """The published differences behind a claim, and the verdict on it in each column."""
    published = []
    for label, value, same in _published_differences(registry()[name]):
        published.append(listed(label, [value, nan]))
        published += [] if same is None else [listed("same categories", [same, nan])]
    verdicts = {column: cell(name, each, column) for column, each in columns.items()}
    return {"published": "<br>".join(published), **verdicts}


def orders(every: Sequence[Number], datasets: Iterable[str]) -> list[dict[str, str]]:
    """How many pairs of each table's numbers are in the published order, for means and for categories."""
    compared = {dataset: pairs(every, dataset) for dataset in datasets}
    rows = []
    for table in (2, 3, 4):
        for kind in ("means", "categories"):
            row = {"pairs of": f"Table {table}, {kind}"}
            for dataset, columns in compared.items():
                each = [pair for (number, _), column in columns.items() if number == table for pair in column]
                words = [word for high, _, word in each if high.mean == (kind == "means")]
                same = sum(word in (SUPPORTED, SAME_DIRECTION) for word in words)
                reversed_ = f", {words.count(CONTRADICTED)} reversed" * (CONTRADICTED in words)
                row[dataset] = f"{same} of {len(words)}{reversed_}" if words else mark(NOT_TESTED)
            rows.append(row)
    return rows


def single(
    every: Sequence[Number], table: int, datasets: Sequence[str], *, means: bool
) -> list[dict[str, Any]]:
    """Numbers of a table, one per row: as published, and of each dataset with its interval.

    For the paper's own dataset, a row also has the difference from the number published for the same
    categories. With `means`, the means are listed (in Table 1: all numbers), else the single categories.
    """
    compared = [name for name in datasets if name.startswith(PAPER)][-1:] if table > 1 else []
    groups: dict[str, list[dict[str, Any]]] = {}
    for each in every:
        if each.table != table or each.mean != means:
            continue
        row: dict[str, Any] = {HEADS[table]: each.name}
        if table == 1:
            row |= {"quantity": each.of}
        elif not means:  # a reader looks for the category
            row = {"category": each.of, **row}
        elif table == 2:  # at three tolerances
            row = {HEADS[table]: f"{each.name}, {each.of.removeprefix('mean, ')}"}
        row["published"] = f"{each.published:.{each.digits}f}"
        for dataset in datasets:
            value = each.ours.get(dataset)
            if dataset in compared:
                if means:
                    same = each.comparable(dataset)
                    row["published, same categories"] = None if same is None else f"{same:.1f}"
                row |= {dataset: value, "difference": each.difference(dataset)}
            else:
                row[dataset] = int(value[0]) if value and table == 1 else value
        # What is compared stands together: the methods of a category, of a mean.
        groups.setdefault(each.name if table == 1 else each.of, []).append(row)
    return [row for group in groups.values() for row in group]


def outside(every: Sequence[Number], table: int, dataset: str) -> str:
    """The published means of a table outside a dataset's intervals, with reasons, as a list in Markdown."""
    names: dict[str, list[str]] = {}
    for each in every:
        if each.table == table and each.mean and each.explained(dataset) is False:
            of = f"Table {table}, {each.name}"
            why = reasons().get((of, dataset.split()[0], ""), "Unexplained")
            names.setdefault(why, []).append(each.name)
    return "\n".join(f"- {', '.join(each)}: {why}." for why, each in names.items()) or "None."


def sources(datasets: Mapping[str, Results]) -> list[dict[str, str]]:
    """For each chapter and dataset, the digests of data, network and code, and the run time in seconds."""
    rows = []
    for chapter in CHAPTERS:
        for dataset, results in datasets.items():
            row = {"chapter": chapter, "results": dataset}
            if chapter not in results:
                rows.append(row | dict.fromkeys(("data", "network", "code")) | {"seconds": mark(NOT_TESTED)})
                continue
            about = results[chapter]["provenance"]
            row |= {"data": about["data"][:8], "network": f"{about['network']} {about['weights'][:8]}"}
            rows.append(row | {"code": about["code"][:8], "seconds": f"{about['seconds']:.0f}"})
    return rows
