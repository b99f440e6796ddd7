"""Progress of a build: a file to which the chapters' processes append, and a line about it on a terminal."""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

Known = Mapping[str, tuple[float, Sequence[float]]]
#: The line on a terminal, as tqdm's `bar_format`.
LINE = "{percentage:3.0f} %|{bar:20}| {elapsed}, about {remaining} left; {desc}"
#: Seconds between two looks at the file.
EVERY = 1.0
#: Seconds that a chapter is expected to take if none are recorded.
UNKNOWN = 10.0


def say(log: Path, name: str, cell: int, cells: int, section: str) -> None:
    """Append that a chapter has reached a cell, out of `cells`, in a section; both are equal at the end."""
    with log.open("a", encoding="utf-8") as file:  # short lines of several processes do not mix
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\t{name}\t{cell}\t{cells}\t{section}\n")


def recorded(results: Path) -> Known:
    """Chapter -> the seconds that it took when last recorded, and the share of them before each cell."""
    found = json.loads(results.read_text(encoding="utf-8")) if results.is_file() else {}
    pages = found["book"]["builds"][-1]["pages"] if "book" in found else []
    return {f"book/{page['name']}": (page["seconds"], page.get("progress", ())) for page in pages}


def reached(log: Path, names: Sequence[str], known: Known, since: int = 0) -> tuple[float, str]:
    """How far chapters have come: the share of the expected seconds that are over, and a text.

    What was said in the first `since` bytes of the log is of earlier chapters.
    """
    at, share = {}, dict.fromkeys(names, 0.0)
    said = log.read_bytes()[since:].decode("utf-8") if log.is_file() else ""
    for entry in said.splitlines():
        _, name, cell, cells, section = entry.split("\t")
        _, shares = known.get(name, (UNKNOWN, ()))
        share[name] = shares[int(cell)] if len(shares) == int(cells) > int(cell) else int(cell) / int(cells)
        at[name] = f"{name.rsplit('/', 1)[-1]}: {section}"
    seconds = {name: known.get(name, (UNKNOWN, ()))[0] for name in names}
    done = sum(share[name] == 1 for name in names)
    text = "; ".join([f"{done} of {len(names)} pages", *(at[name] for name in at if share[name] < 1)])
    return sum(share[name] * seconds[name] for name in names) / max(sum(seconds.values()), 1e-9), text


@contextmanager
def shown(log: Path, names: Sequence[str], known: Known) -> Iterator[None]:
    """Show on a terminal what chapters `say` meanwhile, and the time left at this speed."""
    since = log.stat().st_size if log.is_file() else 0
    bar, ended = tqdm(total=1.0, bar_format=LINE, leave=False, disable=None), threading.Event()

    def watch() -> None:
        while not ended.wait(EVERY):
            bar.n, text = reached(log, names, known, since)
            bar.set_description_str(text)

    thread = threading.Thread(target=watch, daemon=True)
    if not bar.disable:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if thread.is_alive():
            thread.join()
        bar.close()
