"""Check that a tag agrees with the version, and print what is new in it: python ci/release.py v0.1.0

The version is ``__version__`` in src/corrlib/__init__.py, from which the wheel takes it. CITATION.cff and the
first heading of CHANGELOG.md have to agree with it. The script needs only the standard library, because it
runs before anything is installed.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def read(name: str, pattern: str) -> str:
    """Return the text that a pattern captures in a file of the project, or "none"."""
    found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return found[1] if found else "none"


def main(tag: str) -> str:
    """Return the changes in a tag's version; ValueError if tag, package, citation or changelog disagree."""
    wanted = tag.removeprefix("v")
    versions = {
        "src/corrlib/__init__.py": r'^__version__ = "([^"]+)"$',
        "CITATION.cff": r"^version: (\S+)$",
        "CHANGELOG.md": r"^## \[(\d[^\]]*)\]",
    }
    for name, pattern in versions.items():
        if (version := read(name, pattern)) != wanted:
            raise ValueError(f"{name}: the tag is {tag}, expected the version {wanted}, found {version}")
    return read("CHANGELOG.md", r"^## \[\d[^\n]*\n(.*?)(?=^## \[|^\[[^\]]+\]: |\Z)").strip()


if __name__ == "__main__":
    try:
        print(main(sys.argv[1]))
    except ValueError as error:
        sys.exit(f"{error}")
