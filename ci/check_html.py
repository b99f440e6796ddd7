"""Check a built book: python ci/check_html.py _build/html

No page loads anything from another host, every picture has an alt text of its own, no cell shows an error or
a warning, and every link inside the book leads to a page, and an element of it, that exist.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

# The attributes by which an element loads something without being asked.
LOADS = dict.fromkeys(("audio", "embed", "iframe", "input", "script", "track"), ("src",))
LOADS |= dict.fromkeys(("img", "source"), ("src", "srcset")) | {
    "object": ("data",),
    "video": ("src", "poster"),
}
LOADS |= dict.fromkeys(("image", "use"), ("href", "xlink:href"))
PASSIVE_LINKS = {"alternate", "author", "canonical", "index", "license", "next", "prev", "search"}
CSS_URL = re.compile(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""")


class Page(HTMLParser):
    """What a page loads, links to, offers as link targets, and what is wrong with its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.problems: list[str] = []
        self._in_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids.update(values[name] for name in ("id", "name") if name in values)
        self._in_style = tag == "style"
        if tag == "link" and not PASSIVE_LINKS.intersection(values.get("rel", "").split()):
            self.loads.append(values.get("href", ""))
        for name in LOADS.get(tag, ()):
            found = values.get(name, "")
            choices = found.split(",") if name == "srcset" else [found]
            self.loads += [choice.split()[0] for choice in choices if choice.strip()]
        self.loads += css_urls(values.get("style", ""))
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.links.append(values["content"].partition("url=")[2])
        if tag in ("a", "area") and "href" in values:
            self.links.append(values["href"])
        # Sphinx gives a picture without an alternative text the name of its file.
        alt = values.get("alt", "").strip()
        if tag == "img" and (not alt or alt.endswith((".png", ".jpeg", ".svg"))):
            self.problems.append(f"no alternative text on {values.get('src')}")
        shown = {"traceback", "stderr"}.intersection(values.get("class", "").split())
        if shown:
            self.problems.append(f"a cell shows {shown.pop()} output")

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.loads += css_urls(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def css_urls(text: str) -> list[str]:
    """Return what a style sheet loads."""
    return [a or b for a, b in CSS_URL.findall(text)]


def external(url: str) -> bool:
    """Whether a browser would ask another host for it."""
    return url.startswith("//") or urlsplit(url).scheme in ("http", "https", "ftp", "ws", "wss")


def check(root: Path) -> list[str]:
    """Return what is wrong with the book in a folder, a line each; an empty list if nothing is."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.html"))}
    pages = {path: page for path, page in pages.items() if path.relative_to(root).parts[0] != "_static"}
    problems = [] if root / "index.html" in pages else [f"{root}: no index.html"]
    for path, page in pages.items():
        name = path.relative_to(root).as_posix()
        problems += [f"{name}: {problem}" for problem in page.problems]
        problems += [f"{name}: loads {url} from another host" for url in page.loads if external(url)]
        for url in [*page.links, *page.loads]:
            if external(url) or urlsplit(url).scheme or url in ("", "#"):
                continue
            target, fragment = urldefrag(urljoin(name, url))
            target = root / unquote(urlsplit(target).path)
            if not target.is_file():
                problems.append(f"{name}: {url} leads to no file")
            elif fragment and target in pages and unquote(fragment) not in pages[target].ids:
                problems.append(f"{name}: {url} leads to no place on its page")
    for path in sorted(root.rglob("*.css")):
        name = path.relative_to(root).as_posix()
        urls = css_urls(path.read_text(encoding="utf-8"))
        problems += [f"{name}: loads {url} from another host" for url in urls if external(url)]
    return problems


if __name__ == "__main__":
    found = check(Path(sys.argv[1]))
    print(*found or [f"{sys.argv[1]}: nothing loaded from outside, no error shown, all links live"], sep="\n")
    sys.exit(bool(found))
