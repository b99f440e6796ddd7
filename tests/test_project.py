"""Requirements, workflows, citation, changelog and launched notebooks agree with the code and each other."""

import importlib.util
import re
import shlex
import subprocess
import tomllib

import nbformat
import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from setuptools.config.pyprojecttoml import read_configuration

import corrlib
from conftest import ROOT
from corrlib.publishing import cli


def script(name):
    """A script of ci/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The names on conda-forge that differ from the package index's.
CONDA_NAMES = {"matplotlib": "matplotlib-base", "opencv-python-headless": "py-opencv", "torch": "pytorch-cpu"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"].values()
DIRECT = [Requirement(text) for texts in (PROJECT["dependencies"], *EXTRAS) for text in texts]
PINS = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines()]
WORKFLOWS = {p.stem: yaml.safe_load(p.read_text()) for p in ROOT.glob(".github/workflows/*.yml")}
#: Workflow, job, scope.
WRITES = {("publish", "pages", "pages"), ("publish", "pages", "id-token")}
WRITES |= {("publish", "notebooks", "contents"), ("release", "release", "contents")}


def commands(name):
    """The lines of a workflow that run something, those that go on joined."""
    steps = [step for job in WORKFLOWS[name]["jobs"].values() for step in job["steps"]]
    text = "\n".join(step.get("run", "") for step in steps).replace("\\\n", " ")
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_workflows_run_what_a_person_would_and_may_write_only_where_they_have_to(name):
    found = WORKFLOWS[name]
    assert found["permissions"] == {"contents": "read"} and found["concurrency"]["group"]
    uses = [step["uses"] for job in found["jobs"].values() for step in job["steps"] if "uses" in step]
    assert uses and all(re.fullmatch(r"actions/[\w-]+(/\w+)?@v\d+", action) for action in uses)
    for job, about in found["jobs"].items():
        rights = about.get("permissions", {})
        assert {(name, job, scope) for scope, right in rights.items() if right == "write"} <= WRITES
        run = " ".join(step.get("run", "") for step in about["steps"])
        assert not rights or not re.search(r"\.ci/|make |\.venv|corrlib |python", run), "runs our code"
    makefile, readme = (ROOT / "Makefile").read_text(), (ROOT / "README.md").read_text()
    for line in commands(name):
        targets = re.findall(r"^make (\w+)", line)
        assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets), line
        paths = re.findall(r"\b(?:ci|tests)/\w+\.py|\.ci/\w+", line)
        assert all((ROOT / path).is_file() for path in paths), line
        if "corrlib " in line:
            typed = line[line.index("corrlib ") :]
            assert cli._parser().parse_args(shlex.split(typed)[1:]).call and typed in readme
    assert name == "reproduce" or ".ci/run" in commands(name)


def test_launch_buttons_open_what_is_published():
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert f"git push --force origin HEAD:{config['repository']['branch']}" in commands("publish")
    assert {"binderhub_url", "colab_url"} < set(config["launch_buttons"])


def test_a_release_has_to_agree_with_its_tag(monkeypatch):
    release = script("release")
    text = release.main(f"v{corrlib.__version__}")
    assert text.startswith("### ") and "\n## " not in text and "]: http" not in text
    read = release.read
    monkeypatch.setattr(release, "read", lambda name, kind: "9.0" if name == wrong else read(name, kind))
    for wrong in ("src/corrlib/__init__.py", "CITATION.cff", "CHANGELOG.md"):
        with pytest.raises(ValueError, match=rf"{wrong}: .* {re.escape(corrlib.__version__)}, found 9\.0"):
            release.main(f"v{corrlib.__version__}")


def test_the_citation_names_this_version_and_the_paper():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = read_configuration(ROOT / "pyproject.toml")["project"]
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert cited["version"] == project["version"] and cited["license"] == project["license"]
    assert [one["name"] for one in cited["authors"]] == [one["name"] for one in project["authors"]]
    assert cited["repository-code"] == config["repository"]["url"]
    (paper,) = cited["references"]
    entry = re.search(r"(?s)@inproceedings\{long2014,.*?\n\}", (ROOT / "book/references.bib").read_text())[0]
    assert all(f"{{{paper[key]}}}" in entry for key in ("title", "year", "volume"))


def test_every_chapter_is_launched_as_a_notebook_that_sets_itself_up(tmp_path):
    script("notebooks").main(tmp_path)
    paths = list((tmp_path / "book").glob("*.ipynb"))
    assert {path.stem for path in paths} == {path.stem for path in (ROOT / "book").glob("[!_]*.py")}
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        first, *others = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert "%pip install" in first.source and "parameters" in others[0].metadata["tags"]
        assert not any(cell.outputs for cell in others)
    exec(TransformerManager().transform_cell(first.source))  # it does nothing where the package is installed
    binder = tmp_path / ".binder"
    assert (binder / "environment.yml").read_bytes() == (ROOT / "environment.yml").read_bytes()
    assert (binder / "postBuild").stat().st_mode & 0o111
    subprocess.run(["bash", "-n", binder / "postBuild"], check=True)


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


def test_constraints_hold_no_cuda_and_no_address():
    text = (ROOT / "constraints.txt").read_text()
    assert not re.search(r"^(torch|triton|nvidia|cuda)", text, re.MULTILINE)
    assert "://" not in text and "--" not in text and "@" not in text


def test_environment_yml_names_the_same_packages_with_the_same_bounds():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    split = (text.partition(" ") for text in environment["dependencies"])
    conda = {name: SpecifierSet(bounds) for name, _, bounds in split}
    assert conda.pop("python") == SpecifierSet(PROJECT["requires-python"])
    assert conda.pop("pip") == SpecifierSet()
    assert environment["channels"][0] == "conda-forge"
    assert conda == {CONDA_NAMES.get(r.name, r.name): r.specifier for r in DIRECT}
