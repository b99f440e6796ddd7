"""The scoreboard against the paper's files and the recorded results, and against results made up here."""

import csv
import io
import json
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from corrlib import cache, metrics
from corrlib.publishing import scoreboard
from corrlib.publishing.scoreboard import CHAPTERS
from corrlib.publishing.scoreboard.stated import CLAIMS

ROOT = Path(__file__).resolve().parents[1]
PAPER = ROOT.parent / "shared" / "paper" / "long2014.md"
PUBLISHED, RECORDED = ROOT / "book" / "published", ROOT / "results"
ABOUT = {"tier": "voc2011", "data": "d", "weights": "w", "parameters": {}, "code": "c", "seconds": 1.0}


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.chdir(ROOT)


def write(folder, chapter, values, **about):
    cache.write_result(folder / f"{chapter}-voc2011.json", values, provenance=ABOUT | about)


def lead(value, *ends):
    return [value, *(ends or (value - 0.01, value + 0.01))]


@pytest.fixture
def made(tmp_path):
    """Results of a run in which a few numbers are known."""
    keep = {"detail": {"difference": lead(0.2)}}
    fine = {name: {"1": keep, "7": keep} for name in ("conv3", "conv4")}
    fine["conv5"] = {"1": keep, "7": {"detail": {"difference": [0.1, -0.1, 0.3]}}}
    sides = {"table 1": {"conv1": [11, 4], "pool5": [194, 32]}}
    write(tmp_path, "visualization", fine | sides, parameters={"k": 7})
    write(
        tmp_path,
        "alignment",
        {
            "alphas": [0.1, 0.025],
            "pck": {"conv4 flow": {"cat": 0.25, "dog": 0.2, "gnu": 0.5}, "conv1 flow": {"cat": 0.1}},
            "intervals": {"conv4 flow": {"dog": [0.1, 0.3]}},
            "means": {"conv4 flow": [lead(0.3, 0.2, 0.4), lead(0.03, 0.02, 0.04)]},
            "claims": {
                "conv4 flow is at least as good as SIFT flow": {"alphas": [0.1], "leads": [[0.1, 0.0, 0.2]]},
                "conv4 flow is better than SIFT flow at stricter tolerances": {
                    "alphas": [0.05],
                    "leads": [[0.1, 0.0, 0.2]],
                },
            },
        },
        parameters={"alpha": 0.1},
    )
    write(
        tmp_path,
        "prediction",
        {
            "alphas": [0.1],
            "pck": {"SIFT+prior": {"tvmonitor": 0.324}},
            "means": {"SIFT+prior": [lead(0.284)]},
            "claims": {"conv5 is better than SIFT": {"lead": [-0.2, -0.3, -0.1]}},
        },
        parameters={"alpha": 0.1},
    )
    return tmp_path


def find(numbers, table, name, of):
    (one,) = [n for n in numbers if (n.table, n.name, n.of) == (table, name, of)]
    return one


def test_every_published_number_is_there_once():
    numbers = scoreboard.numbers({})
    assert len({(n.table, n.name, n.of) for n in numbers}) == len(numbers)
    kept = 0
    for path in sorted(PUBLISHED.glob("table*.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                values = [float(v) for v in list(row.values())[1:]]
                name = next(iter(row.values())).replace("sift_r", "SIFT ")
                which = int(path.name[5])
                found = [n.published for n in numbers if (n.table, n.name) == (which, name)]
                assert set(values) <= set(found)
                # Table 2's mean at 0.1 is in two files.
                kept += len(values) - (path.stem == "table2_mean_by_alpha")
    assert len(numbers) == kept == 12 + 3 * 23 + 10 * 21 + 4 * 21


def test_ours_stand_beside_the_published_in_one_unit(made):
    numbers = scoreboard.numbers({"voc2011": scoreboard.read(made, "{chapter}-voc2011.json")})
    cat = find(numbers, 2, "conv4 flow", "cat")
    assert (cat.published, cat.ours["voc2011"]) == (19.6, (25.0, None, None))
    assert cat.difference("voc2011") == pytest.approx(5.4) and cat.difference("photos") is None
    assert find(numbers, 2, "conv4 flow", "mean, alpha = 0.1").ours["voc2011"] == pytest.approx((30, 20, 40))
    strict = find(numbers, 2, "conv4 flow", "mean, alpha = 0.025")
    assert (strict.published, strict.digits) == (4.08, 2)
    assert strict.ours["voc2011"] == pytest.approx((3, 2, 4))
    assert not find(numbers, 2, "conv4 flow", "mean, alpha = 0.05").ours
    assert not find(numbers, 2, "SIFT flow", "cat").ours
    assert find(numbers, 2, "conv4 flow", "dog").ours["voc2011"] == pytest.approx((20, 10, 30))
    assert find(numbers, 1, "pool5", "rf size").difference("voc2011") == -1
    assert find(numbers, 1, "conv1", "stride").difference("voc2011") == 0
    assert find(numbers, 4, "SIFT+prior", "tvmonitor").difference("voc2011") == pytest.approx(0)
    assert scoreboard.summary(numbers, "voc2011") == [
        {"table": 1, "count": 4, "mean": -0.25, "mean absolute": 0.25},
        {
            "table": 2,
            "count": 4,
            "mean": pytest.approx((5.4 + 1.3 + 5.1 - 1.08) / 4),
            "mean absolute": pytest.approx(12.88 / 4),
        },
        {"table": 4, "count": 2, "mean": pytest.approx(0), "mean absolute": pytest.approx(0)},
    ]


def test_another_tolerance_has_no_numbers_by_category(made):
    found = scoreboard.read(made, "{chapter}-voc2011.json")
    found["alignment"]["provenance"]["parameters"]["alpha"] = 0.05
    numbers = scoreboard.numbers({"voc2011": found})
    assert not find(numbers, 2, "conv4 flow", "cat").ours
    assert find(numbers, 2, "conv4 flow", "mean, alpha = 0.1").ours


def claim(found, beginning):
    (one,) = [one for one in found if one.text.startswith(beginning)]
    return one


def test_claims_are_judged_from_their_leads(made):
    tiers = {"voc2011": scoreboard.read(made, "{chapter}-voc2011.json")}
    found = scoreboard.claims(tiers)
    assert len(found) == len(CLAIMS) and [one.section for one in found] == sorted(
        one.section for one in found
    )
    neighbours = claim(found, "neighbours tell")
    assert neighbours.verdicts == {"voc2011": "holds in order only"}, "conv5's interval reaches below zero"
    assert neighbours.leads["voc2011"][2] == ("conv5", (0.1, -0.1, 0.3))
    # A lower end of zero is no worse, but not better.
    level, better = (
        claim(found, "conv4 flow is at least"),
        claim(found, "conv4 flow is better than SIFT flow at"),
    )
    assert level.verdicts == {"voc2011": "holds"} and better.verdicts == {"voc2011": "holds in order only"}
    ((label, lead),) = level.leads["voc2011"]
    assert label == "alpha = 0.1" and lead == pytest.approx((10, 0, 20))
    assert claim(found, "conv5 is better than SIFT").verdicts == {"voc2011": "does not hold"}
    unknown = [one for one in found if not one.verdicts]
    assert all(not one.leads for one in unknown) and claim(unknown, "SIFT+prior is better than SIFT")
    counted = scoreboard.counted(found, "voc2011")
    assert list(counted.values()) == [1, 2, 0, 1, sum(not one.beside for one in found) - 4]
    text = scoreboard.as_markdown([], found, ["voc2011", "photos"])
    assert "alpha\u00a0=\u00a00.1:\u00a0+10.0\u00a0[0.0,\u00a020.0]" in text
    assert text.count(scoreboard.NOT_RUN) == 2 * len(found) - 4


@pytest.mark.parametrize(
    ("leads", "ties", "word"),
    [
        ([(1, 0.5, 2), (1, 0, 2)], True, "holds"),
        ([(1, 0.5, 2), (1, 0, 2)], False, "holds in order only"),
        ([(1, -1, 2), (0, -1, 2)], True, "holds in order only"),
        ([(1, -1, 2), (0, -1, 2)], False, "cannot be told"),
        ([(1, 0.5, 2), (-0.1, -1, 2)], True, "cannot be told"),
        ([(1, 0.5, 2), (-1, -2, -0.1)], True, "does not hold"),
        ([(1, 0.5, 2), (-1, -2, 0)], False, "does not hold"),
        ([(1, None, None)], False, "holds in order only"),
        ([(-1, None, None)], True, "cannot be told"),
    ],
)
def test_verdicts(leads, ties, word):
    from corrlib.publishing.scoreboard.judging import verdict

    assert verdict([("", lead) for lead in leads], ties=ties) == word
    ends = [(v, -np.inf if a is None else a, np.inf if b is None else b) for v, a, b in leads]
    assert (metrics.judge(np.array(ends), ties=ties) == word) == (word != "holds in order only")


def test_claims_have_the_papers_words_and_say_why_if_nothing_measures_them():
    for one in CLAIMS:
        assert bool(one.why) == (one.leads is None), one.text
        assert bool(one.quote) != one.text.endswith("(not in the paper)"), one.text
    if not PAPER.is_file():
        pytest.skip(f"the quotes are not compared: no text of the paper at {PAPER}")
    text = re.sub(r"[`$*]", "", PAPER.read_text())
    for latex, plain in ((r"\beta", "\u03b2"), (r"\eta", "\u03b7"), (r"\cdot", "\u00b7")):
        text = text.replace(latex, plain)
    text = text.replace("10^{-3}", "10\u207b\u00b3").replace("10^{-6}", "10\u207b\u2076")
    text = " ".join(text.split())
    for one in CLAIMS:
        for part in one.quote.split(" [...] "):
            assert " ".join(part.split()) in text, part


def test_claims_are_shown_where_they_say():
    for one in CLAIMS:
        chapter, label = one.place
        if label:
            text = (ROOT / "book" / f"{chapter}.py").read_text()
            assert re.search(rf"^# :name: {label}$", text, re.MULTILINE), one.place


def test_published_leads_are_differences_of_the_papers_tables():
    found = {one.text: dict(one.published) for one in scoreboard.claims({})}
    with (PUBLISHED / "table2_mean_by_alpha.csv").open(newline="") as file:
        means = {row["method"]: row for row in csv.DictReader(file)}
    for alpha, text in (
        ("0.1", "conv4 flow is at least as good as SIFT flow"),
        ("0.025", "conv4 flow is better than SIFT flow at stricter tolerances"),
    ):
        value = float(means["conv4 flow"][alpha]) - float(means["SIFT flow"][alpha])
        assert found[text][f"alpha = {alpha}"] == (pytest.approx(value), None, None)
    assert found["conv5 is better than SIFT"] == {"": (17.6, None, None)}
    assert found["convnet features are at least as good as SIFT"] == {"conv4 \u2212 SIFT 40": (5, None, None)}
    assert [v[0] for v in found[CLAIMS[-1].text].values()] == [0.2, 5, 17.6]


def test_what_was_chosen_on_train_is_compared_with_the_best_other(made):
    curve = [[0.5, 0.4, 0.6], [0.7, 0.65, 0.75], [0.6, 0.5, 0.68]]
    values = {"betas": [1e-4, 1e-3, 3e-3], "validated": {"conv4 flow": curve}, "claims": {}}
    write(made, "alignment", values, parameters={"alpha": 0.1})
    fits = {"conv1": [10, 30, 20], "conv4": [10, 20, 40], "SIFT 10": [5, 6, 7]}
    values = {"Cs": [1e-7, 1e-6, 1e-5], "validation": fits, "claims": {}, "categories": [], "table": {}}
    write(made, "classification", values)
    found = scoreboard.claims({"voc2011": scoreboard.read(made, "{chapter}-voc2011.json")})
    ((label, lead),) = claim(found, "beta = 0.003").leads["voc2011"]
    # Ours less the best, and as far apart as the two intervals allow.
    assert label == "conv4 flow, over 0.001" and lead == pytest.approx((-10, -25, 3))
    assert claim(found, "beta = 0.003").verdicts["voc2011"] == "cannot be told"
    leads = dict(claim(found, "C = 1e-6").leads["voc2011"])
    assert leads == {"layers, over 1e-05": (-5, None, None), "SIFT, over 1e-05": (-1, None, None)}


def test_recorded_verdicts_are_those_of_their_own_leads():
    recorded = scoreboard.read(RECORDED, "photos-{chapter}.json")
    assert set(recorded) == set(CHAPTERS)
    written = {}
    for chapter, one in recorded.items():
        for text, c in one["values"].get("claims", {}).items():
            written[chapter, text.replace("they are", "convnet features are")] = c["verdict"]
    # The chapter asks of SIFT what the paper denies.
    opposite = [key for key in written if key[1].startswith("so does SIFT")]
    found = {(c.place[0], c.text): c.verdicts.get("photos") for c in scoreboard.claims({"photos": recorded})}
    same = {key: word for key, word in written.items() if key not in opposite}
    assert len(same) > 15
    for key, word in same.items():
        assert found[key] == word or (found[key], word) == ("holds in order only", "cannot be told"), key
    (sift,) = [word for (_, text), word in found.items() if text.startswith("SIFT of no radius")]
    for one in scoreboard.claims({"photos": recorded}):
        for _, (value, lower, upper) in one.leads.get("photos", ()):
            assert lower is None or lower <= value <= upper, one.text
    leads = recorded["classification"]["values"]["claims"][opposite[0][1]]["leads"]
    assert (sift == "does not hold") == any(lower > 0 for _, lower, _ in leads)


def test_numbers_are_judged_by_their_order_and_on_the_papers_data_by_their_intervals(made):
    found = scoreboard.read(made, "{chapter}-voc2011.json")
    for tier in ("voc2011", "figurines"):
        numbers = scoreboard.numbers({tier: found})
        word = {
            (n.table, n.name, n.of): w for n, w in zip(numbers, scoreboard.judged(numbers, tier), strict=True)
        }
        assert word[1, "conv1", "rf size"] == "holds" and word[1, "pool5", "rf size"] == "does not hold"
        assert word[2, "conv4 flow", "dog"] == ("holds" if tier == "voc2011" else "cannot be told")
        assert (
            word[2, "conv4 flow", "cat"] == "cannot be told" and word[2, "SIFT flow", "cat"] == "not run here"
        )


def test_pairs_are_compared_with_the_published_order_as_by_hand():
    recorded = scoreboard.read(RECORDED, "photos-{chapter}.json")
    numbers = scoreboard.numbers({"photos": recorded})
    found = scoreboard.pairs(numbers, "photos")
    means = recorded["classification"]["values"]["means"]
    with (PUBLISHED / "table3.csv").open(newline="") as file:
        paper = {
            row["feature"].replace("sift_r", "SIFT "): float(row["mean"]) for row in csv.DictReader(file)
        }
    same = reverse = total = 0
    for one, other in combinations(paper, 2):
        sign = np.sign(paper[one] - paper[other])
        total += sign != 0
        same += sign * (means[one][0] - means[other][0]) > 0
        gap = means[other][1] - means[one][2] if sign > 0 else means[one][1] - means[other][2]
        reverse += sign != 0 and gap > 0
    words = [word for _, _, word in found[3, "mean"]]
    assert [len(words), words.count("holds"), words.count("does not hold")] == [total, same, reverse]
    assert reverse > 0 and f"{same} of {total}, {reverse} reversed" in scoreboard.orders(numbers, ["photos"])


def test_what_the_page_shows_is_what_was_found(made):
    recorded = scoreboard.read(RECORDED, "photos-{chapter}.json")
    tiers = {"photos": recorded, "voc2011 (this build)": scoreboard.read(made, "{chapter}-voc2011.json")}
    names, numbers, claims = list(tiers), scoreboard.numbers(tiers), scoreboard.claims(tiers)
    shown = 0
    for table in (1, 2, 3, 4):
        for means in (True, False):
            text = scoreboard.listed(numbers, table, names, means=means).splitlines()
            head = text[0].strip("| ").split(" | ")
            assert head[1:] == ["of", "published", *names, "difference", "verdict"] and head[0]
            for line in text[2:]:
                name, of, published, *_ = (cell.strip() for cell in line.strip("|").split("|"))
                name, of = (
                    name.replace("\u00a0", " "),
                    of.replace("\u00a0", " ").replace("\u03b1", "mean, alpha"),
                )
                assert float(published) == find(numbers, table, name, of).published
                shown += 1
    assert shown == len(numbers)
    cat = next(
        line for line in scoreboard.listed(numbers, 2, names, means=False).splitlines() if "| cat" in line
    )
    assert cat == "| conv4\u00a0flow | cat | 19.6 |  | 25.0 | +5.4 | [cannot be told]{.verdict .untold} |"
    other = scoreboard.listed(numbers, 2, names[::-1], means=True).splitlines()
    assert "| difference (two worlds) |" in other[0], "the last tier is of other pictures"
    assert "| 72.7\u00a0[69.8,\u00a075.2] | +47.8 | [holds in order only]{.verdict .in-order} |" in other[2]
    text = scoreboard.claimed([claim(claims, "conv5 is better than SIFT")], names).splitlines()[-1]
    assert text == (
        "| conv5 is better than SIFT<br>[\u201clocal part detectors trained on the conv5 feature outperform"
        " SIFT by a large margin\u201d]{.quote} {numref}`table-prediction-claims` | +17.6 |"
        " [holds]{.verdict .holds}<br>+26.4\u00a0[23.5,\u00a029.3] |"
        " [does not hold]{.verdict .fails}<br>\u221220.0\u00a0[\u221230.0,\u00a0\u221210.0] |"
    )
    beside = scoreboard.claimed([one for one in claims if one.beside], names)
    assert beside.startswith("| claim | photos | voc2011 (this build) |"), "the paper has no numbers of these"
    glance = scoreboard.glance(claims, names).splitlines()
    held = [sum(not one.beside and one.verdicts.get(name) == "holds" for one in claims) for name in names]
    assert glance[2] == f"| [holds]{{.verdict .holds}} | {held[0]} | {held[1]} |" and held[1] == 1
    total = sum(not one.beside for one in claims)
    assert glance[-1] == f"| together | {total} | {total} |"
    assert scoreboard.sources(tiers).count("\n| photos |") == 4 and "not run here" in scoreboard.sources(
        tiers
    )


def test_tables_and_files(made):
    tiers = {"voc2011": scoreboard.read(made, "{chapter}-voc2011.json")}
    numbers, claims = scoreboard.numbers(tiers), scoreboard.claims(tiers)
    text = scoreboard.as_markdown(numbers, claims, ["voc2011"])
    lines = text.partition("## Table 2\n")[2].partition("## Table 3")[0].strip().splitlines()[2:]
    assert lines[0] == "|  | conv4 flow | SIFT flow | NN transfer |" and len(lines) == 2 + 23
    (cat,) = [line for line in lines if line.startswith("| cat |")]
    assert cat == "| cat | 19.6<br>25.0\u00a0(+5.4) | 16.0<br> | 11.1<br> |"
    assert "24.9<br>30.0\u00a0[20.0,\u00a040.0]\u00a0(+5.1)" in lines[-3]
    rows = list(csv.DictReader(io.StringIO(scoreboard.as_csv(numbers, ["voc2011"]))))
    assert len(rows) == len(numbers)
    (cat,) = [r for r in rows if (r["table"], r["name"], r["of"]) == ("2", "conv4 flow", "cat")]
    assert (cat["published"], cat["voc2011"], cat["voc2011 lower"], cat["voc2011 difference"]) == (
        "19.6",
        "25",
        "",
        "5.4",
    )
    written = json.loads(json.dumps(scoreboard.as_json(numbers, claims)))
    assert len(written["numbers"]) == len(numbers) and len(written["claims"]) == len(claims)


def test_results_of_different_networks_or_data_are_not_mixed(made):
    write(made, "classification", {"categories": [], "table": {}, "means": {}, "claims": {}}, weights="other")
    with pytest.raises(ValueError, match=r"results of different weights .*classification other"):
        scoreboard.read(made, "{chapter}-voc2011.json")


def test_results_of_another_network_or_data_than_asked_for_are_refused(made):
    assert scoreboard.read(made, "{chapter}-voc2011.json", data="d", weights="w")
    with pytest.raises(ValueError, match=r"results of different data .*alignment d.*, not e\): run their"):
        scoreboard.read(made, "{chapter}-voc2011.json", data="e", weights="w")
    assert scoreboard.read(made, "{chapter}-none.json", data="e") == {}


def test_what_is_not_there_is_left_out(tmp_path):
    assert scoreboard.read(tmp_path, "{chapter}-voc2011.json") == {}
    assert not any(one.verdicts or one.leads for one in scoreboard.claims({"voc2011": {}}))
    assert all(not n.ours for n in scoreboard.numbers({"voc2011": {}}))
