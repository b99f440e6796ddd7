"""The scoreboard against the paper's files and the recorded results, and against results made up here."""

import csv
import io
import json
import re
from itertools import combinations

import pytest

from conftest import ROOT
from corrlib import metrics
from corrlib.publishing import results, scoreboard, tables
from corrlib.publishing.results import published
from corrlib.publishing.scoreboard.claims import reasons
from corrlib.publishing.scoreboard.numbers import pairs

#: Of the recorded photographs.
CATEGORIES = ("cow", "horse", "sheep")
PAPER = ROOT.parent / "shared" / "paper" / "long2014.md"
ABOUT = {"dataset": "voc2011", "data": "d", "weights": "w", "network": "n", "code": "c", "seconds": 1.0}
ABOUT |= {"parameters": {"alpha": 0.1}}
SUPPORTED, SAME_DIRECTION, INCONCLUSIVE, CONTRADICTED, NOT_TESTED = metrics.VERDICTS
CURVE = [[0.5, 0.4, 0.6], [0.7, 0.65, 0.75], [0.6, 0.5, 0.68]]
#: The values of a run with a few known numbers.
VALUES = {
    "visualization": {
        "rf": {"conv1": [11, 4], "pool5": [194, 32]},
        "claims": {"detail-over-uniform": [["conv3", [0.2, 0.1, 0.3]], ["conv5", [0.1, -0.1, 0.3]]]},
    },
    "alignment": {
        "alphas": [0.1, 0.025],
        "pck": {"conv4 flow": {"cat": [0.25] * 3, "dog": [0.2, 0.1, 0.3]}, "conv1 flow": {"cat": [0.1] * 3}},
        "means": {"conv4 flow": [[0.3, 0.2, 0.4], [0.03, 0.02, 0.04]]},
        "claims": {
            "conv-flow-as-good": [["alpha = 0.1", [10, 0, 20]]],
            "conv-flow-stricter": [["alpha = 0.05", [10, 0, 20]]],
        },
        "validated": {"betas": [1e-4, 1e-3, 3e-3], "pck": {"conv4 flow": CURVE}},
    },
    "prediction": {
        "alphas": [0.1],
        "pck": {"SIFT+prior": {"tvmonitor": [0.324, 0.3, 0.4]}},
        "means": {"SIFT+prior": [[0.284, 0.2, 0.3]]},
        "claims": {"conv-over-sift": [["", [-20, -30, -10]]]},
    },
}


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def folder(tmp_path):
    for chapter, values in VALUES.items():
        results.write(tmp_path / f"{chapter}-voc2011.json", values, provenance=ABOUT)
    return tmp_path


@pytest.fixture
def made(folder):
    return scoreboard.read(folder, "{chapter}-voc2011.json")


@pytest.fixture
def photos():
    return scoreboard.read(ROOT / "results", "voc2011-{chapter}.json")


def by_key(numbers):
    return {(n.table, n.name, n.of): n for n in numbers}


def test_each_published_number_occurs_once():
    numbers = scoreboard.numbers({})
    assert len(by_key(numbers)) == len(numbers) == 12 + 3 * 23 + 10 * 21 + 4 * 21
    for table in ("table1", "table2_alpha0.1", "table2_mean_by_alpha", "table3", "table4"):
        for row in published(table):
            name, *values = row.values()
            key = int(table[5]), name.replace("sift_r", "SIFT ")
            assert set(map(float, values)) <= {n.published for n in numbers if (n.table, n.name) == key}


def test_our_numbers_have_the_unit_of_the_published_ones(made):
    numbers = scoreboard.numbers({"voc2011": made})
    by = by_key(numbers)
    for key, paper, ours in [
        ((2, "conv4 flow", "cat"), 19.6, (25, 25, 25)),
        ((2, "conv4 flow", "mean, alpha = 0.1"), 24.9, (30, 20, 40)),
        ((2, "conv4 flow", "mean, alpha = 0.025"), 4.08, (3, 2, 4)),
        ((1, "pool5", "size"), 195, (194,) * 3),
    ]:
        assert by[key].published == paper and by[key].ours["voc2011"] == pytest.approx(ours)
        assert by[key].difference("photos") is None
    assert by[2, "conv4 flow", "cat"].difference("voc2011") == pytest.approx(25 - 19.6)
    # A mean is compared with that of the same categories, where it is published.
    mean = by[2, "conv4 flow", "mean, alpha = 0.1"]
    assert mean.comparable("voc2011") == pytest.approx((19.6 + 18.7) / 2)
    assert mean.difference("voc2011") == pytest.approx(30 - 19.15) and mean.explained("voc2011") is False
    assert by[2, "conv4 flow", "dog"].explained("voc2011") is True
    assert by[2, "conv4 flow", "mean, alpha = 0.025"].difference("voc2011") is None
    assert not by[2, "conv4 flow", "mean, alpha = 0.05"].ours and not by[2, "SIFT flow", "cat"].ours
    rows = [tuple(row.values()) for row in scoreboard.distances(numbers, "voc2011")]
    assert [row[:2] for row in rows] == [(1, 4), (2, 3), (4, 2)]
    apart = [-0.25, 0.25, (5.4 + 1.3 + 10.85) / 3, (5.4 + 1.3 + 10.85) / 3, -2, 2]
    assert [value for row in rows for value in row[2:]] == pytest.approx(apart)
    # At another alpha, the numbers of categories are not those of the paper's tables.
    made["alignment"]["provenance"]["parameters"]["alpha"] = 0.05
    by = by_key(scoreboard.numbers({"voc2011": made}))
    assert not by[2, "conv4 flow", "cat"].ours and by[2, "conv4 flow", "mean, alpha = 0.1"].ours


def test_claims_are_judged_by_their_differences(made):
    differences = scoreboard.differences(made)
    verdicts = {name: scoreboard.verdict(name, differences) for name in scoreboard.registry()}
    tested = {
        "detail-over-uniform": SAME_DIRECTION,
        "conv-flow-as-good": SUPPORTED,  # a lower end of zero is no worse,
        "conv-flow-stricter": SAME_DIRECTION,  # but not better
        "chosen-beta": INCONCLUSIVE,
        "conv-over-sift": CONTRADICTED,
    }
    assert verdicts == dict.fromkeys(verdicts, NOT_TESTED) | tested
    paper = sum(bool(claim.quote) for claim in scoreboard.registry().values())
    assert list(scoreboard.counts(differences).values()) == [1, 2, 1, 1, paper - 5]
    # SIFT is claimed not to be more often near than a random place.
    near = {"sift-peaks-near": [("SIFT 10", (5, -1, 9)), ("SIFT 20", (-5, -9, -1))]}
    assert scoreboard.verdict("sift-peaks-near", near) == INCONCLUSIVE
    (row,) = scoreboard.claims({"here": near})
    assert "SIFT 10: \u22125.0 [\u22129.0,\u00a01.0]<br>SIFT 20: +5.0 [1" in row["here"]


def test_a_chapter_gets_rows_and_a_summary_of_its_claims():
    here = {name: [("", (1, 0.5, 2))] for name in ("conv-over-sift", "conv-prior-helps", "finer-stride")}
    unclear = [("alpha = 0.1", (1, -0.5, 2))]
    here |= {"sift-prior-over-prior": unclear, "sift-prior-helps": unclear}
    rows = scoreboard.claims({"here": here, "there": {}})
    claim, supported, untested = rows[0].values()
    assert claim == "convnet features perform better than SIFT" and "**not tested**" in untested
    assert supported == '<span class="verdict supported">**supported**</span><br>+1.0 [0.5,\u00a02.0]'
    assert rows[3]["claim"].endswith(" the prior alone (not in the paper)")
    # The comparison with the prior alone is not in the paper.
    assert scoreboard.summary(here) == "3 of 4 are supported and 1 is inconclusive (same direction)"
    assert scoreboard.tally(here).startswith("3 are supported, 1 is inconclusive (same direction) and ")
    worse = {"finer-stride": [("", (-1, -2, -0.5))]}
    assert scoreboard.summary(worse) == "none of 1 is supported and 1 is contradicted"
    with pytest.raises(ValueError, match="unknown claims conv-over-shift: expected"):
        scoreboard.claims({"here": {"conv-over-shift": []}})


def test_choices_are_compared_with_the_best_other_value():
    fits = {"conv1": [10, 30, 20], "conv4": [10, 20, 40], "SIFT 10": [5, 6, 7]}
    classification = {"Cs": [1e-7, 1e-6, 1e-5], "validation": fits}
    values = VALUES | {"classification": classification, "prediction": {"etas": [0.5]}}
    differences = scoreboard.differences({name: {"values": each} for name, each in values.items()})
    ((label, value),) = differences["chosen-beta"]
    # The paper's less the best, and as far apart as the two intervals allow.
    assert label == "conv4 flow, over 0.001" and value == pytest.approx((-10, -25, 3))
    known = {"layers, over 1e-05": (-5, None, None), "SIFT, over 1e-05": (-1, None, None)}
    assert dict(differences["chosen-C"]) == known
    assert scoreboard.verdict("chosen-C", differences) == INCONCLUSIVE
    assert scoreboard.verdict("chosen-eta", differences) == NOT_TESTED


def test_claims_name_what_shows_them_and_say_why_they_are_not_tested():
    for name, claim in scoreboard.registry().items():
        assert claim.relation in ("better", "no worse", "no better", "")
        assert bool(claim.why) != bool(claim.relation)
        assert bool(claim.label) == (name != "all-three-tasks")  # the check of the book follows its links


@pytest.mark.skipif(not PAPER.is_file(), reason="the paper's text is not part of the repository")
def test_claims_quote_the_paper():
    text = " ".join(re.sub(r"[`$*]", "", PAPER.read_text()).split())
    signs = {r"\beta": "\u03b2", r"\eta": "\u03b7", r"\cdot": "\u00b7"}
    signs |= {"10^{-3}": "10\u207b\u00b3", "10^{-6}": "10\u207b\u2076"}
    for latex, plain in signs.items():
        text = text.replace(latex, plain)
    for claim in scoreboard.registry().values():
        assert all(part in text for part in claim.quote.split(" [...] ")), claim.quote


def test_recorded_photographs_test_every_claim_that_can_be_tested(photos):
    assert list(photos) == list(scoreboard.CHAPTERS)
    differences = scoreboard.differences(photos)
    for name, claim in scoreboard.registry().items():
        assert bool(differences.get(name)) == (not claim.why), name
        for _, (value, lower, upper) in differences.get(name, []):
            assert (lower is None and name == "chosen-C") or lower <= value <= upper, name
    record = scoreboard.recorded("alignment")
    assert record.name == "voc2011" and record.values == photos["alignment"]["values"]
    assert "network bvlc_alexnet" in record.description


def test_what_is_not_supported_has_a_reason_of_that_verdict(photos, monkeypatch):
    """A reason is not shown beside another verdict than the one that it explains."""
    known = reasons()
    differences = scoreboard.differences(photos)
    for (of, dataset, word), reason in known.items():
        assert reason and not reason.endswith(".") and dataset in ("voc2011", "figurines")
        assert of.startswith("Table ") if not word else of in scoreboard.registry()
        if word and dataset == "voc2011":
            assert scoreboard.verdict(of, differences) == word, of
    for name in scoreboard.registry():
        word = scoreboard.verdict(name, differences)
        assert word in (SUPPORTED, NOT_TESTED) or (name, "voc2011", word) in known, name
    (row,) = scoreboard.claims({"voc2011": {"chosen-eta": [["", (-1, -2, -0.5)]]}})
    assert row["voc2011"].endswith('<span class="reason">Unexplained.</span>')


def test_what_reasons_say_of_the_recorded_numbers_is_so(photos):
    values = {chapter: record["values"] for chapter, record in photos.items()}
    paper, *rows = tables.readings(values["alignment"]["readings"], "table2_alpha0.1")
    row = {row["reading"].strip("*"): row for row in rows}["before rectification"]
    assert round(paper["SIFT flow"] - paper["conv4 flow"], 1) == 0.3 and row["conv4 flow"] > row["SIFT flow"]
    conv1 = values["classification"]["rectification"]["conv1"]
    assert conv1["gain"][2] < 0, "rectified, it is better"
    paper, *rows = tables.readings(values["prediction"]["readings"], "table4")
    row = {row["reading"].strip("*"): row for row in rows}
    for method, reading in (("conv5", "1e-5"), ("conv5+prior", "by the plain logistic")):
        ours, other = (abs(row[name][method] - paper[method]) for name in ("rectified", reading))
        assert other < ours, reading
    assert 100 * values["prediction"]["means"]["prior alone"][0][0] > paper["SIFT+prior"]
    at = dict(zip(values["prediction"]["etas"], values["prediction"]["validated"]["SIFT"], strict=True))
    assert round(100 * (at[0.9][0] - at[0.1][0]), 1) == 1.3
    near = values["classification"]["localisation"]["features"]
    assert near["SIFT 10"]["difference"][2][1] > 0
    assert all(near[f"SIFT {radius}"]["difference"][2][2] < 0 for radius in (40, 80, 160))
    weaker = row["by conv5 averaged over its places"]
    assert weaker["SIFT+prior"] < paper["SIFT+prior"] and weaker["conv5+prior"] < weaker["conv5"]


def test_what_pages_say_of_the_two_networks_on_figurines_is_so():
    record = results.read(ROOT / "results" / "figurines-alexnet.json")
    known = results.read(ROOT / "results" / "voc2011-weights.json")["provenance"]
    assert record["provenance"]["weights"] == known["weights"]
    differences = {row["number"]: (row["ours"][1], row["other"][1]) for row in record["values"]["rows"]}
    for name in ("Table 3, conv4", *(f"Table 2, conv4 flow, alpha = {a:g}" for a in metrics.ALPHAS)):
        (_, _, upper), other = differences[name]
        assert upper < 0, "SIFT is ahead of the figurine network"
        if name == "Table 3, conv4":
            assert other[0] > differences[name][0][0] / 4, "mostly due to the figurine network"
        else:
            assert other[1] < 0 < other[2], "too small to resolve"


def test_pairs_are_compared_with_the_published_order_as_by_hand(photos):
    numbers = scoreboard.numbers({"voc2011": photos})
    means = photos["classification"]["values"]["means"]
    assert by_key(numbers)[3, "conv4", "mean"].ours["voc2011"] == tuple(means["conv4"])
    paper = {
        row["feature"].replace("sift_r", "SIFT "): sum(float(row[c]) for c in ("cow", "horse", "sheep"))
        for row in published("table3")
    }
    same = reversed_ = total = 0
    for a, b in combinations(paper, 2):
        if paper[a] != paper[b]:
            high, low = (means[name] for name in sorted((a, b), key=paper.get, reverse=True))
            total, same = total + 1, same + (high[0] > low[0])
            reversed_ += high[2] < low[1]
    words = [word for *_, word in pairs(numbers, "voc2011")[3, "mean"]]
    counted = sum(word in (SUPPORTED, SAME_DIRECTION) for word in words), words.count(CONTRADICTED)
    assert (len(words), *counted) == (total, same, reversed_) and 0 < same < total
    rows = {row["pairs of"]: row["voc2011"] for row in scoreboard.orders(numbers, ["voc2011"])}
    assert rows["Table 3, means"] == f"{same} of {total}" + f", {reversed_} reversed" * (reversed_ > 0)


def test_rows_show_each_number_once(made, photos):
    datasets = {"voc2011 (recorded)": photos, "figurines (this build)": made}
    numbers, shown = scoreboard.numbers(datasets), 0
    for table, means in ((1, True), *((table, means) for table in (2, 3, 4) for means in (True, False))):
        for row in scoreboard.single(numbers, table, list(datasets), means=means):
            (name,) = (row[head] for head in ("layer", "method", "feature") if head in row)
            of = row.get("category") or row.get("quantity", "mean" + ", alpha = 0.1" * (table == 4))
            if table == 2 and means:
                name, of = name.replace(", alpha", "; mean, alpha").split("; ")
            number, shown = by_key(numbers)[table, name, of], shown + 1
            assert float(row["published"]) == number.published
            if table > 1:
                assert row["difference"] == number.difference("voc2011 (recorded)")
                assert [row[dataset] for dataset in datasets] == [number.ours.get(d) for d in datasets]
    assert shown == len(numbers)
    assert re.search("^- SIFT.prior.*: The prior alone", scoreboard.outside(numbers, 4, "voc2011 (recorded)"))
    assert scoreboard.outside(numbers, 2, "figurines (this build)") == "- conv4 flow: Unexplained."
    assert scoreboard.outside(numbers, 4, "figurines") == "None."
    rows = scoreboard.sources(datasets)
    assert len(rows) == 8 and ["not tested" in row["seconds"] for row in rows].count(True) == 1


def test_claims_are_shown_with_the_papers_words_and_numbers(made, photos):
    columns = {"voc2011": scoreboard.differences(photos), "figurines": scoreboard.differences(made)}
    rows = {row["claim"].partition("<br>")[0]: row for row in scoreboard.quoted(5, columns)}
    claim, paper, *verdicts = rows["convnet features perform better than SIFT"].values()
    assert "\u201clocal part detectors" in claim and "[prediction](#table-prediction-claims)" in claim
    over = [sum(float(row[c]) for c in ("cow", "horse", "sheep")) / 3 for row in published("table4")]
    paper, same = paper.split("<br>")
    assert paper == "alpha = 0.1: +17.6" and same.endswith(f" {over[2] - over[0]:+.1f}")
    assert "**supported**" in verdicts[0] and "**contradicted**" in verdicts[1]
    (row,) = scoreboard.quoted(6, columns)
    values = re.findall(r": ([\u2212+][\d.]+)", row["published"])
    assert values == ["+0.2", "\u22120.3", "+5.0", "+9.0", "+17.6", "+18.7"]
    assert list(scoreboard.quoted(None, columns)[0]) == ["claim", "published", "voc2011", "figurines"]
    sections = [scoreboard.quoted(section, columns) for section in (2, 3, 4, 5, 6, None)]
    assert sum(map(len, sections)) == len(scoreboard.registry())
    rows, counted = scoreboard.glance(columns), scoreboard.counts(columns["figurines"]).values()
    assert len(rows) == 5 + sum(counted) + 6 and [row["figurines"] for row in rows[-6:-1]] == [
        *map(str, counted)
    ]
    assert sum(int(row["published"] or 0) for row in rows[-6:]) == sum(counted) and not rows[-1]["figurines"]
    (row,) = [row for row in rows if row["claim"].startswith("[convnet flow performs better than SIFT flow")]
    assert ">**supported**<" in row["published"] and "same direction" in row["figurines"]
    same = {"chosen-beta": columns["voc2011"]["chosen-beta"]}
    rows = scoreboard.glance({"voc2011": same, "figurines": same})
    (row,) = [row for row in rows if "hardly any pair" in row["claim"]]
    assert "voc2011 and figurines: At 0.003, in pixels, hardly any pair moves" in row["claim"]
    tasks = scoreboard.tasks(columns)
    assert [row["published"].partition("<br>")[0][-5:] for row in tasks] == [" +0.2", " +5.0", "+17.6"]
    assert "**contradicted**" in tasks[0]["voc2011"] and "**supported**" in tasks[2]["voc2011"]


def test_files_hold_all_numbers_and_claims(made):
    datasets = {"voc2011": made}
    assert "| cat | conv4 flow | 19.6 | 25.0 [25.0,\u00a025.0] | +5.4 |" in scoreboard.as_markdown(datasets)
    rows = list(csv.reader(io.StringIO(scoreboard.as_csv(datasets))))
    assert ["2", "conv4 flow", "cat", "19.6", "25", "25", "25", "5.4"] in rows
    written = json.loads(json.dumps(scoreboard.as_json(datasets)))
    assert len(written["numbers"]) == len(rows) - 1 == len(scoreboard.numbers({}))
    (claim,) = [each for each in written["claims"] if each["id"] == "conv-over-sift"]
    assert claim["verdicts"] == {"voc2011": CONTRADICTED}
    assert claim["differences"] == {"voc2011": [["", [-20, -30, -10]]]}


def test_results_of_different_data_or_networks_are_refused(folder):
    read, names = scoreboard.read, "{chapter}-voc2011.json"
    assert read(folder, names, data="d", weights="w") and read(folder, "{chapter}-none.json", data="e") == {}
    with pytest.raises(ValueError, match=r"results of different data .*alignment d.*, not e\): run their"):
        read(folder, names, data="e", weights="w")
    results.write(folder / "classification-voc2011.json", {}, provenance=ABOUT | {"weights": "other"})
    with pytest.raises(ValueError, match=r"results of different weights .*classification other"):
        read(folder, names)
