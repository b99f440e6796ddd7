"""Result files: numbers with where they come from, whole or not written; and the paper's own tables."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from corrlib.cache import CacheError, code_digest
from corrlib.publishing import results

PROVENANCE = {"dataset": "figurines", "weights": "01", "parameters": {"k": np.int64(5)}}


def test_results_are_read_as_they_were_written_and_others_are_refused(tmp_path):
    path, score = tmp_path / "results" / "chapter.json", np.float32(0.5)
    values = {"score": score, "interval": np.array([0.25, 0.75]), "layers": ("conv3",), "none": None}
    results.write(path, values, provenance=PROVENANCE)
    for value in (float("nan"), np.array([1, np.inf]), object()):
        with pytest.raises(ValueError, match=r"chapter\.json.*finite numbers"):
            results.write(path, {"x": value}, provenance=PROVENANCE)
    expected = {"score": 0.5, "interval": [0.25, 0.75], "layers": ["conv3"], "none": None}
    assert results.read(path) == {"values": expected, "provenance": PROVENANCE}, "the older one is whole"
    assert [p.name for p in path.parent.iterdir()] == ["chapter.json"]


def test_corrupt_results_name_the_file_and_the_cure(tmp_path):
    for text in ("", "{", "[1]", "{}", '{"values": {}}'):
        (tmp_path / "r.json").write_text(text)
        with pytest.raises(CacheError, match=r"r\.json.*delete it"):
            results.read(tmp_path / "r.json")
    with pytest.raises(CacheError, match=r"absent\.json: run the chapter"):
        results.read(tmp_path / "absent.json")


@dataclasses.dataclass(frozen=True)
class Settings:
    layer: str = "conv4"
    neighbors: int = 25


def test_provenance_says_what_ran_on_what():
    data = SimpleNamespace(name="voc2011", digest="d", difficult=False, truncated=True)
    network = SimpleNamespace(name="caffenet", digest="w")
    Settings.__module__ = "corrlib.mrf.solvers"
    about = results.provenance(data, network, Settings(neighbors=5), seconds=1.26)
    parameters = {"layer": "conv4", "neighbors": 5, "difficult": False, "truncated": True}
    expected = {"dataset": "voc2011", "data": "d", "weights": "w", "network": "caffenet", "seconds": 1.3}
    assert about == expected | {"parameters": parameters, "code": code_digest("corrlib.mrf")}


def test_results_lie_in_the_cache_unless_another_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CORRLIB_RESULTS", raising=False)
    assert results.folder() == tmp_path / "cache" / "results"
    monkeypatch.setenv("CORRLIB_RESULTS", str(tmp_path / "point"))
    assert results.folder() == tmp_path / "point"


def test_the_published_tables_are_found_from_the_project_and_its_book(tmp_path, monkeypatch):
    (tmp_path / "book" / "published").mkdir(parents=True)
    (tmp_path / "book" / "published" / "table9.csv").write_text("method,mean\nSIFT,15.7\n")
    for folder in (tmp_path, tmp_path / "book"):
        monkeypatch.chdir(folder)
        assert results.published("table9") == [{"method": "SIFT", "mean": "15.7"}]
    monkeypatch.chdir(tmp_path / "book" / "published")
    with pytest.raises(ValueError, match="start the chapter there"):
        results.published("table9")
