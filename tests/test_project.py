"""Workflows, citation, changelog and launched notebooks agree with the code, and with each other."""

import importlib.util
import re
import shlex
import subprocess
import tomllib

import nbformat
import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell
from setuptools.config.pyprojecttoml import read_configuration

import corrlib
from conftest import ROOT
from corrlib.publishing import cli

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def script(name):
    """A script of ci/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def workflow(path):
    found = yaml.safe_load(path.read_text())
    found["on"] = found.pop(True)  # YAML 1.1 takes `on` for a truth
    return found


def steps(path):
    return [step for job in workflow(path)["jobs"].values() for step in job["steps"]]


def commands(path):
    """The lines of a workflow that run something, those that go on joined."""
    text = "\n".join(step.get("run", "") for step in steps(path)).replace("\\\n", " ")
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]


def test_there_is_a_workflow_for_each_occasion():
    occasions = {path.stem: workflow(path)["on"] for path in WORKFLOWS}
    assert occasions["check"] == {"pull_request": None}
    assert occasions["publish"]["push"] == {"branches": ["main"]}
    assert set(occasions["reproduce"]) == {"workflow_dispatch"}
    assert occasions["release"] == {"push": {"tags": ["v*"]}}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_workflows_pin_their_actions_and_may_write_only_where_they_have_to(path):
    found = workflow(path)
    assert found["permissions"] == {"contents": "read"}
    assert found["concurrency"]["group"]
    uses = [step["uses"] for step in steps(path) if "uses" in step]
    assert uses and all(re.fullmatch(r"actions/[\w-]+(/\w+)?@v\d+", name) for name in uses)
    writes = {
        (path.stem, job, scope)
        for job, one in found["jobs"].items()
        for scope, right in one.get("permissions", {}).items()
        if right == "write"
    }
    assert writes <= {
        ("publish", "pages", "pages"),
        ("publish", "pages", "id-token"),
        ("publish", "notebooks", "contents"),
        ("release", "release", "contents"),
    }
    for job in found["jobs"].values():  # who may write runs no code of the project
        run = " ".join(step.get("run", "") for step in job["steps"])
        assert "permissions" not in job or not re.search(r"\.ci/|make |\.venv|corrlib |python", run)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_workflows_run_what_a_person_would(path):
    makefile = (ROOT / "Makefile").read_text()
    assert commands(path) or path.stem == "pages"
    for line in commands(path):
        for target in re.findall(r"^make (\w+)", line):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), line
        for name in re.findall(r"\b(?:ci|tests)/\w+\.py|\.ci/\w+", line):
            assert (ROOT / name).is_file(), line
        if "corrlib " in line:
            assert cli._parser().parse_args(shlex.split(line[line.index("corrlib ") + 8 :])).call
            readme = (ROOT / "README.md").read_text()
            assert line[line.index("corrlib ") :] in readme, "the README says the same"
    if path.stem in ("check", "publish", "release"):
        assert ".ci/run" in commands(path)


def test_no_file_names_a_package_index():
    for path in [*WORKFLOWS, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff"))]:
        assert not re.search(r"pypi|pytorch\.org|npmjs|anaconda\.org|index-url", path.read_text()), path


def test_the_version_has_one_source():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" not in project and project["dynamic"] == ["version"]
    assert read_configuration(ROOT / "pyproject.toml")["project"]["version"] == corrlib.__version__


def test_a_release_has_to_agree_with_its_tag():
    release = script("release")
    assert release.version() == corrlib.__version__
    text = release.main(f"v{corrlib.__version__}")
    assert text.startswith("### ") and "\n## " not in text and "]: http" not in text
    with pytest.raises(ValueError, match=f"expected the tag v{re.escape(corrlib.__version__)}"):
        release.main("v99.0.0")
    with pytest.raises(ValueError, match=r"expected 99\.0 as the newest version"):
        release.changes("99.0")


def test_the_changelog_has_an_unreleased_part_and_links_for_its_versions():
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.MULTILINE)
    assert headings[0] == ("Unreleased", "") and all(date for _, date in headings[1:])
    assert [name for name, _ in headings] == re.findall(r"^\[([^\]]+)\]: https://", text, re.MULTILINE)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds


def test_the_citation_names_this_version_and_the_paper():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["cff-version"] == "1.2.0" and cited["message"] and cited["type"] == "software"
    assert cited["version"] == corrlib.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited["license"] == project["license"]
    assert [one["name"] for one in cited["authors"]] == [one["name"] for one in project["authors"]]
    url = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    assert cited["repository-code"] == url
    (paper,) = cited["references"]
    entry = re.search(
        r"@inproceedings\{long2014,.*?\n\}", (ROOT / "book" / "references.bib").read_text(), re.S
    )[0]
    assert f"{{{paper['title']}}}" in entry and f"{{{paper['start']}--{paper['end']}}}" in entry
    names = " and ".join(f"{a['family-names']}, {a['given-names']}" for a in paper["authors"])
    assert f"{{{names}}}" in entry and f"{{{paper['year']}}}" in entry and f"{{{paper['volume']}}}" in entry


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    out = tmp_path_factory.mktemp("launched")
    script("notebooks").main(out)
    return out


def test_every_chapter_is_launched_as_a_notebook_that_sets_itself_up(launched, capsys):
    chapters = {path.stem for path in (ROOT / "book").glob("[!_]*.py")}
    assert {path.stem for path in (launched / "book").glob("*.ipynb")} == chapters
    for path in (launched / "book").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        first, *others = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert "%pip install" in first.source and "parameters" in others[0].metadata["tags"]
        assert not any(cell.outputs for cell in others)
    try:
        assert InteractiveShell.instance().run_cell(first.source).success
        assert not capsys.readouterr().out, "it does nothing where the package is installed"
    finally:
        InteractiveShell.clear_instance()
    assert (launched / ".binder" / "environment.yml").read_bytes() == (ROOT / "environment.yml").read_bytes()
    post_build = launched / ".binder" / "postBuild"
    assert post_build.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", post_build], check=True)


def test_launch_buttons_open_the_branch_that_is_published():
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    branch = config["repository"]["branch"]
    assert f"git push --force origin HEAD:{branch}" in commands(
        ROOT / ".github" / "workflows" / "publish.yml"
    )
    assert {"binderhub_url", "colab_url"} < set(config["launch_buttons"])
    assert config["launch_buttons"]["notebook_interface"] == "jupyterlab"
    edited = config["sphinx"]["config"]["html_context"]["edit_page_url_template"]
    assert "/edit/main/" in edited, "the source is edited in main"
