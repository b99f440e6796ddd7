"""The scoreboard against the paper's files and the recorded results, and against results made up here."""

import csv
import io
import json
from pathlib import Path

import pytest

from corrlib import scoreboard, store
from corrlib.scoreboard import CHAPTERS

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED, RECORDED = ROOT / "book" / "published", ROOT / "results"
ABOUT = {"tier": "voc2011", "data": "d", "weights": "w", "parameters": {}, "code": "c", "seconds": 1.0}


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.chdir(ROOT)


def write(folder, chapter, values, **about):
    store.write_result(folder / f"{chapter}-voc2011.json", values, provenance=ABOUT | about)


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
            "pck": {"conv4 flow": {"cat": 0.25, "gnu": 0.5}, "conv1 flow": {"cat": 0.1}},
            "means": {"conv4 flow": [lead(0.3, 0.2, 0.4), lead(0.03, 0.02, 0.04)]},
            "claims": {
                "conv4 flow is at least as good as SIFT flow": {"alphas": [0.1], "leads": [[0.1, 0.0, 0.2]]},
                "conv4 flow is better than SIFT flow": {"alphas": [0.1], "leads": [[0.1, 0.0, 0.2]]},
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
    assert find(numbers, 1, "pool5", "rf size").difference("voc2011") == -1
    assert find(numbers, 1, "conv1", "stride").difference("voc2011") == 0
    assert find(numbers, 4, "SIFT+prior", "tvmonitor").difference("voc2011") == pytest.approx(0)
    assert scoreboard.summary(numbers, "voc2011") == [
        {"table": 1, "count": 4, "mean": -0.25, "mean absolute": 0.25},
        {
            "table": 2,
            "count": 3,
            "mean": pytest.approx((5.4 + 5.1 - 1.08) / 3),
            "mean absolute": pytest.approx(11.58 / 3),
        },
        {"table": 4, "count": 2, "mean": pytest.approx(0), "mean absolute": pytest.approx(0)},
    ]


def test_another_tolerance_has_no_numbers_by_category(made):
    found = scoreboard.read(made, "{chapter}-voc2011.json")
    found["alignment"]["provenance"]["parameters"]["alpha"] = 0.05
    numbers = scoreboard.numbers({"voc2011": found})
    assert not find(numbers, 2, "conv4 flow", "cat").ours
    assert find(numbers, 2, "conv4 flow", "mean, alpha = 0.1").ours


def test_claims_are_judged_from_their_leads(made):
    tiers = {"voc2011": scoreboard.read(made, "{chapter}-voc2011.json")}
    found = scoreboard.claims(tiers)
    verdicts = [(c.section, c.verdicts["voc2011"]) for c in found]
    # A lower end of zero is no worse, but not better.
    assert verdicts == [(2, "cannot be told"), (3, "holds"), (3, "cannot be told"), (5, "does not hold")]
    assert found[0].leads["voc2011"][2] == ("conv5", [0.1, -0.1, 0.3])
    assert found[1].leads["voc2011"] == [("alpha = 0.1", pytest.approx([10, 0, 20]))]
    text = scoreboard.verdicts(found, ["voc2011", "photos"])
    assert "alpha\u00a0=\u00a00.1:\u00a0+10.0\u00a0[0.0,\u00a020.0]" in text
    assert text.count(scoreboard.NOT_RUN) == 4


def test_recorded_verdicts_are_those_of_their_own_leads():
    recorded = scoreboard.read(RECORDED, "photos-{chapter}.json")
    assert set(recorded) == set(CHAPTERS)
    written = {}
    for one in recorded.values():
        written |= {text: c["verdict"] for text, c in one["values"].get("claims", {}).items()}
    found = {c.text: c.verdicts["photos"] for c in scoreboard.claims({"photos": recorded}) if c.section > 2}
    assert len(written) > 15 and found == written


def test_tables_and_files(made):
    tiers = {"voc2011": scoreboard.read(made, "{chapter}-voc2011.json")}
    numbers, claims = scoreboard.numbers(tiers), scoreboard.claims(tiers)
    lines = scoreboard.table(numbers, 2, ["voc2011"]).splitlines()
    assert lines[0] == "|  | conv4 flow | SIFT flow | NN transfer |" and len(lines) == 2 + 23
    (cat,) = [line for line in lines if line.startswith("| cat |")]
    assert cat == "| cat | 19.6<br>25.0\u00a0(+5.4) | 16.0<br> | 11.1<br> |"
    assert "24.9<br>30.0\u00a0[20.0,\u00a040.0]\u00a0(+5.1)" in lines[-3]
    plain = scoreboard.table(numbers, 2, ["voc2011"], differences=False)
    assert "19.6<br>25.0 |" in plain
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


def test_what_is_not_there_is_left_out(tmp_path):
    assert scoreboard.read(tmp_path, "{chapter}-voc2011.json") == {}
    assert scoreboard.claims({"voc2011": {}}) == []
    assert all(not n.ours for n in scoreboard.numbers({"voc2011": {}}))
