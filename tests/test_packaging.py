"""pyproject.toml, constraints.txt, environment.yml and the Makefile ask for the same packages."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]

# The names on conda-forge that differ from the package index's.
CONDA_NAMES = {
    "matplotlib": "matplotlib-base",
    "opencv-python-headless": "py-opencv",
    "torch": "pytorch-cpu",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIRECT = [
    Requirement(text)
    for text in [
        *PROJECT["dependencies"],
        *(t for extra in PROJECT["optional-dependencies"].values() for t in extra),
    ]
]
PINS = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines()]


def torch_pin():
    makefile = (ROOT / "Makefile").read_text()
    return Requirement(re.search(r"^TORCH\s*\?=\s*(\S+)$", makefile, re.MULTILINE)[1])


def version_of(pin):
    (specifier,) = pin.specifier
    assert specifier.operator == "==", pin
    return specifier.version


@pytest.mark.parametrize("requirement", DIRECT, ids=str)
def test_every_direct_requirement_has_one_pin_that_satisfies_it(requirement):
    pins = [torch_pin()] if requirement.name == "torch" else PINS
    found = [p for p in pins if canonicalize_name(p.name) == canonicalize_name(requirement.name)]
    assert len(found) == 1
    assert found[0].marker is None, "one version for every Python"
    assert version_of(found[0]) in requirement.specifier


def test_no_pin_is_given_twice_for_one_python():
    for python in ("3.11", "3.12", "3.13"):
        environment = {"python_version": python, "python_full_version": f"{python}.0"}
        names = [canonicalize_name(p.name) for p in PINS if not p.marker or p.marker.evaluate(environment)]
        assert len(names) == len(set(names))


def test_constraints_hold_neither_torch_nor_what_only_cuda_needs_nor_addresses():
    text = (ROOT / "constraints.txt").read_text()
    assert not re.search(r"^(torch|triton|nvidia|cuda)", text, re.MULTILINE)
    assert "://" not in text and "--" not in text and "@" not in text


def test_environment_yml_names_the_same_packages_with_the_same_bounds():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = {}
    for text in environment["dependencies"]:
        name, _, bounds = text.partition(" ")
        conda[name] = SpecifierSet(bounds)
    assert conda.pop("python") == SpecifierSet(PROJECT["requires-python"])
    assert conda.pop("pip") == SpecifierSet()
    assert environment["channels"][0] == "conda-forge"
    # atheris is not built for every system, and only `make faults` would use it.
    named = {CONDA_NAMES.get(r.name, r.name): r.specifier for r in DIRECT if r.name != "atheris"}
    assert conda == named


def test_wheel_metadata_license_is_the_one_in_the_file():
    assert PROJECT["license"] == "BSD-3-Clause"
    assert (ROOT / "LICENSE").read_text().startswith("BSD 3-Clause License")


def test_make_alone_lists_the_targets_that_exist():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^  make (\w+)", listed, re.MULTILINE)
    assert {"book", "test"} <= set(targets)
    makefile = (ROOT / "Makefile").read_text()
    assert targets and all(re.search(rf"^{t}:", makefile, re.MULTILINE) for t in targets)
