"""Check a built book: python ci/check_html.py _build/html

No page may load anything from another host, every picture must have its own alt text, no cell may show an
error or a warning, and every link within the book must lead to a page, and an element of it, that exist.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

#: Attributes by which an element loads something; `LINKS` and these relations only name it.
LOADS = ("src", "srcset", "poster", "data", "href", "xlink:href")
LINKS = ("a", "area")
PASSIVE = {"alternate", "author", "canonical", "index", "license", "next", "prev", "search"}
CSS_URL = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])([^'")]+)""")
STYLE = re.compile(r"(?is)<style[^>]*>(.*?)</style>")


class Page(HTMLParser):
    """What a page loads, links to, offers as link targets, and what is wrong with its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads = [url for style in STYLE.findall(text) for url in CSS_URL.findall(style)]
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.problems: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids.update(values[name] for name in ("id", "name") if name in values)
        urls = self.links if tag in LINKS or PASSIVE & {*values.get("rel", "").split()} else self.loads
        for name in LOADS:
            choices = values.get(name, "").split(",") if name == "srcset" else [values.get(name, "")]
            urls += [choice.split()[0] for choice in choices if choice.strip()]
        self.loads += CSS_URL.findall(values.get("style", ""))
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.links.append(values["content"].partition("url=")[2])
        # Sphinx gives a picture without alt text the name of its file.
        alt = values.get("alt", "").strip()
        if tag == "img" and (not alt or alt.endswith((".png", ".jpg", ".svg"))):
            self.problems.append(f"no alt text on {values.get('src')}")
        for shown in {"traceback", "stderr"}.intersection(values.get("class", "").split()):
            self.problems.append(f"a cell shows {shown} output")


def external(url: str) -> bool:
    """Whether a browser would ask another host for it."""
    return url.startswith("//") or urlsplit(url).scheme in ("http", "https", "ftp", "ws", "wss")


def check(root: Path) -> list[str]:
    """Return the problems of the book in a folder, one per line; an empty list if there are none."""
    paths = [path for path in sorted(root.rglob("*.html")) if "_static" not in path.relative_to(root).parts]
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in paths}
    problems = [] if root / "index.html" in pages else [f"{root}: no index.html"]
    loads = {path: page.loads for path, page in pages.items()}
    loads |= {path: CSS_URL.findall(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.css"))}
    names = {path: path.relative_to(root).as_posix() for path in loads}
    for path, urls in loads.items():
        problems += [f"{names[path]}: loads {url} from another host" for url in urls if external(url)]
    for path, page in pages.items():
        name = names[path]
        problems += [f"{name}: {problem}" for problem in page.problems]
        for url in [*page.links, *page.loads]:
            if urlsplit(url).scheme or external(url):
                continue
            target, fragment = urldefrag(urljoin(name, url))
            target = root / unquote(urlsplit(target).path)
            if not target.is_file():
                problems.append(f"{name}: {url} leads to no file")
            elif fragment and target in pages and unquote(fragment) not in pages[target].ids:
                problems.append(f"{name}: {url} leads to no element of its page")
    return problems


if __name__ == "__main__":
    found = check(Path(sys.argv[1]))
    print(*found or [f"{sys.argv[1]}: nothing loads from other hosts, no errors, all links work"], sep="\n")
    sys.exit(bool(found))
