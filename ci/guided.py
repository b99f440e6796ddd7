"""Fuzz the readers of files guided by coverage: a plugin of pytest for ci/faults.py; needs atheris.

The tests are those of the test suite that are given the `content` of a file, with their checks. Where
hypothesis draws each file anew, atheris changes those that it drew, and keeps the changes which reach code
that none has reached before.
"""

import base64
import inspect
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import atheris
import pytest

with atheris.instrument_imports(include=["corrlib", "tarfile", "yaml"]):
    pass

#: Bytes of the largest file that is tried.
LONGEST = 1 << 16


class Guide:
    """Does so many runs of each such test, instead of what hypothesis would do, and of no other test."""

    def __init__(self, runs: int):
        self.runs = runs

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if "content" in _given(item)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        test, seeds = pyfuncitem.obj, []
        fixtures = {name: pyfuncitem.funcargs[name] for name in inspect.signature(test).parameters}
        check = partial(test.hypothesis.inner_test, **fixtures)
        test.hypothesis.inner_test = lambda **drawn: seeds.append(drawn)
        test(**fixtures)
        pyfuncitem.user_properties.append(("count", self.runs))
        with tempfile.TemporaryDirectory() as folder:
            corpus, log = Path(folder, "corpus"), Path(folder, "log")
            corpus.mkdir()
            for number, drawn in enumerate(seeds):
                (corpus / str(number)).write_bytes(drawn["content"])
            others = {name: value for name, value in seeds[0].items() if name != "content"}
            if not (child := os.fork()):
                self._fuzz(partial(_keeping, partial(check, **others), Path(folder)), corpus, log)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if status:
                failed = [path.read_bytes() for path in Path(folder).glob("crash-*")]
                said, found = log.read_text(errors="replace")[-4000:], [*map(base64.b64encode, failed)]
                pytest.fail(f"status {status}\n{said}\nthe file, in base64: {found}", pytrace=False)
        return True

    def _fuzz(self, try_one, corpus: Path, log: Path) -> None:
        """Never returns: atheris ends the process."""
        with log.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        # Time and memory of each run are bounded by the tests themselves.
        options = [f"-runs={self.runs}", f"-max_len={LONGEST}", "-seed=1", "-timeout=0", "-rss_limit_mb=0"]
        options.append(f"-artifact_prefix={corpus.parent}/")
        try:
            atheris.Setup([sys.argv[0], *options, str(corpus)], try_one)
            atheris.Fuzz()
        finally:
            os._exit(1)


def _keeping(check, folder: Path, content: bytes) -> None:
    """Keep a file that fails, as libFuzzer does with one that ends the process."""
    try:
        check(content=bytes(content))
    except BaseException:
        (folder / "crash-").write_bytes(content)
        raise


def _given(item: pytest.Item) -> set[str]:
    """Names of what hypothesis gives to a test."""
    if not hasattr(item.obj, "hypothesis"):
        return set()
    given = inspect.signature(item.obj.hypothesis.inner_test).parameters
    return set(given) - set(inspect.signature(item.obj).parameters)
