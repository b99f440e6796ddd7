"""pyproject.toml, constraints.txt, environment.yml and the Makefile ask for the same packages."""

import re
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from conftest import ROOT

# The names on conda-forge that differ from the package index's.
CONDA_NAMES = {"matplotlib": "matplotlib-base", "opencv-python-headless": "py-opencv", "torch": "pytorch-cpu"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"].values()
DIRECT = [Requirement(text) for texts in (PROJECT["dependencies"], *EXTRAS) for text in texts]
PINS = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines()]


def test_every_direct_requirement_has_one_pin_that_satisfies_it():
    torch = re.search(r"^TORCH\s*\?=\s*(\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    pins = [*PINS, Requirement(torch)]
    for requirement in DIRECT:
        (pin,) = (p for p in pins if canonicalize_name(p.name) == canonicalize_name(requirement.name))
        assert pin.marker is None, "one version for every Python"
        (specifier,) = pin.specifier
        assert specifier.operator == "==" and specifier.version in requirement.specifier
    for python in ("3.11", "3.12", "3.13"):
        environment = {"python_version": python, "python_full_version": f"{python}.0"}
        names = [canonicalize_name(p.name) for p in PINS if not p.marker or p.marker.evaluate(environment)]
        assert len(names) == len(set(names))


def test_constraints_hold_no_cuda_and_no_address_and_the_licence_is_bsd():
    text = (ROOT / "constraints.txt").read_text()
    assert not re.search(r"^(torch|triton|nvidia|cuda)", text, re.MULTILINE)
    assert "://" not in text and "--" not in text and "@" not in text
    assert PROJECT["license"] == "BSD-3-Clause"
    assert (ROOT / "LICENSE").read_text().startswith("BSD 3-Clause License")


def test_environment_yml_names_the_same_packages_with_the_same_bounds():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    split = (text.partition(" ") for text in environment["dependencies"])
    conda = {name: SpecifierSet(bounds) for name, _, bounds in split}
    assert conda.pop("python") == SpecifierSet(PROJECT["requires-python"])
    assert conda.pop("pip") == SpecifierSet()
    assert environment["channels"][0] == "conda-forge"
    assert conda == {CONDA_NAMES.get(r.name, r.name): r.specifier for r in DIRECT}
