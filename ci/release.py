"""Check that a tag is the version everywhere, and print what is new in it: python ci/release.py v0.1.0

The version is ``__version__`` in src/corrlib/__init__.py, which the wheel takes; CITATION.cff and the first
heading of CHANGELOG.md have to agree. Nothing but the standard library: it runs before anything is installed.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def version() -> str:
    text = (ROOT / "src" / "corrlib" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)[1]


def changes(wanted: str) -> str:
    """Return a version's part of the changelog; ValueError if the newest is of another version."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    parts = re.split(r"^## \[(\d[^\]]*)\].*\n", text, flags=re.MULTILINE)
    if len(parts) < 3 or parts[1] != wanted:
        found = parts[1] if len(parts) > 1 else "none"
        raise ValueError(f"CHANGELOG.md: expected {wanted} as the newest version, found {found}")
    return re.split(r"^\[[^\]]+\]: ", parts[2], maxsplit=1, flags=re.MULTILINE)[0].strip()


def main(tag: str) -> str:
    """Return what is new in a tag's version; ValueError if tag, package, citation and changelog disagree."""
    wanted = version()
    if tag != f"v{wanted}":
        raise ValueError(f"the tag is {tag} and the package {wanted}: expected the tag v{wanted}")
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    if not cited or cited[1] != wanted:
        raise ValueError(f"CITATION.cff: expected version: {wanted}")
    return changes(wanted)


if __name__ == "__main__":
    try:
        print(main(sys.argv[1]))
    except ValueError as error:
        sys.exit(f"{error}")
