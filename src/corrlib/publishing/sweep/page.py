"""A sweep to look at: one figure, and one HTML page that needs neither a kernel nor another file or host."""

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import nbformat
import numpy as np

from corrlib import cache
from corrlib.publishing import chapters, plots
from corrlib.publishing.sweep import rows

#: The number that every chapter shows for its sweeps; another one is drawn where there is none.
SCORE = "score"
#: Values of parameters that the paper reports, to be marked in the figure.
PAPER = {"alpha": (0.025, 0.05, 0.1)}
#: Width in pixels to which figures are reduced in the page.
WIDTH = 800


def write(table: Sequence[dict[str, Any]], folder: Path) -> None:
    """Write a sweep's rows (see `rows.read`) as ``results.csv``, ``.json``, ``.png`` and ``.html``."""
    rows.write(table, folder)
    picture, plot = folder / "results.png", "<p>No numbers to draw yet.</p>"
    if described := figure(table):
        drawn, about = described
        with cache.replacing(picture) as temporary:
            drawn.savefig(temporary, format="png")
        encoded = base64.b64encode(picture.read_bytes()).decode()
        plot = f'<img src="data:image/png;base64,{encoded}" alt="{html.escape(about)}">'
    else:
        picture.unlink(missing_ok=True)
    swept = " and ".join(dict.fromkeys(row["chapter"] for row in table if row["chapter"]))
    title = f"Sweep of {swept}" if swept else "Sweep"
    template = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    parts = {"TITLE": html.escape(title), "SUMMARY": html.escape(summary(table)), "PLOT": plot}
    parts |= {"TABLE": _table(table), "DATA": json.dumps(_content(table, folder)).replace("<", "\\u003c")}
    text = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)
    with cache.replacing(folder / "results.html") as temporary:
        temporary.write_text(text, encoding="utf-8")


def summary(table: Sequence[dict[str, Any]]) -> str:
    """Say how many points there are in each state, of which data and network."""
    states = [row["status"] for row in table]
    counted = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(sorted(states)))
    about = [
        f"{key} {' and '.join(found)}" for key in rows.ABOUT if (found := _distinct(table, "about", key))
    ]
    varying = varied(table, "parameters")
    fixed = dict.fromkeys(name for row in table for name in row["parameters"] if name not in varying)
    about += [f"{name} = {_text(table[0]['parameters'][name])}" for name in fixed]
    points = f"{len(table)} point{'s' * (len(table) != 1)}"
    return "; ".join([f"{points}: {counted}", *about])


def figure(table: Sequence[dict[str, Any]]) -> tuple[Any, str] | None:
    """Draw the score against the parameter that says most; return the figure and a text in its place."""
    done = [row for row in table if row["status"] == "done" and row["numbers"]]
    varying = varied(done, "parameters")
    candidates = [SCORE, *(name for name in varied(done, "numbers") if not name.endswith(("-low", "-high")))]
    score = next((name for name in candidates if any(name in row["numbers"] for row in done)), None)
    if not varying or score is None:
        return None
    numeric = [name for name in varying if all(_numeric(row["parameters"].get(name)) for row in done)]
    across = max(numeric or varying, key=lambda name: len(_distinct(done, "parameters", name)))
    others = [name for name in varying if name != across]
    ticks = None if numeric else _distinct(done, "parameters", across)
    series: dict[str, list[list[float]]] = {}
    for row in done:
        label = ", ".join(f"{k} {_text(row['parameters'].get(k))}" for k in others)
        label = _text(row["parameters"].get(others[0])) if len(others) == 1 else label
        value = row["parameters"].get(across)
        numbers = [row["numbers"].get(f"{score}{end}", math.nan) for end in ("", "-low", "-high")]
        series.setdefault(label, []).append([ticks.index(_text(value)) if ticks else value, *numbers])
    drawn = {label: np.array(values, dtype=float) for label, values in series.items()}
    datasets = " and ".join(_distinct(done, "about", "dataset"))
    places = np.concatenate([values[:, 0] for values in drawn.values()])
    paper = () if ticks else PAPER.get(across, ())
    inside = [value for value in paper if places.min() <= value <= places.max()]
    labels = dict(xlabel=across, ylabel=f"{score} ({datasets})" if datasets else score)
    legend = others[0] if len(others) == 1 else ""
    about = f"{labels['ylabel']} against {across}"
    about += f", a line for each of {', '.join(series)}" if others else ""
    return plots.swept(drawn, **labels, legend=legend, ticks=ticks, marks=inside, marked="the paper's"), about


def varied(table: Sequence[dict[str, Any]], part: str) -> list[str]:
    """Return the names among the ``parameters`` or ``numbers`` of rows that differ from row to row."""
    names = dict.fromkeys(name for row in table for name in row[part])
    return [name for name in names if len({_text(row[part].get(name)) for row in table}) > 1]


def _content(table: Sequence[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """What the page's script shows: sliders, and of each point its place on them, its numbers and figures."""
    names = varied(table, "parameters")
    sliders = [{"name": name, "values": _ordered(table, name)} for name in names]
    images: dict[str, str] = {}
    points = []
    for row in table:
        figures = _figures(folder / row["notebook"], images) if row["status"] == "done" else []
        place = [s["values"].index(_text(row["parameters"].get(s["name"]))) for s in sliders]
        numbers = {key: _text(value) for key, value in (row["numbers"] | row["about"]).items()}
        shown = {key: row[key] for key in ("status", "notebook", "error")} | {"seconds": _seconds(row)}
        points.append(shown | {"place": place, "numbers": numbers, "figures": figures})
    return {"sliders": sliders, "points": points, "images": images, "score": SCORE}


def _figures(path: Path, images: dict[str, str]) -> list[dict[str, str]]:
    """The figures that a notebook shows; the same picture of many points is kept once in `images`."""
    figures = []
    for about, output in chapters.shown(nbformat.read(path, as_version=4)):
        if about["kind"] == "figure" and (encoded := output["data"].get("image/png")):
            key = hashlib.sha256(encoded.encode()).hexdigest()[:16]
            if key not in images:
                images[key] = _reduced(base64.b64decode(encoded))
            figures.append({"name": about["name"], "image": key, "alt": about["alt"]})
    return figures


def _reduced(png: bytes) -> str:
    """Return a picture as a data URL, no wider than `WIDTH`: a notebook's figures weigh megabytes."""
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return f"data:image/png;base64,{base64.b64encode(png).decode()}"
    if image.shape[1] > WIDTH:
        size = (WIDTH, max(1, round(image.shape[0] * WIDTH / image.shape[1])))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, webp = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, 85])
    return f"data:image/webp;base64,{base64.b64encode(webp.tobytes()).decode()}"


def _table(table: Sequence[dict[str, Any]]) -> str:
    """The rows as an HTML table, with the parameters and numbers that differ between points."""
    parameters = varied(table, "parameters")
    numbers = varied([row for row in table if row["status"] == "done"], "numbers")
    numbers.sort(key=lambda name: not name.startswith(SCORE))
    names = [*parameters, "status", "seconds", *numbers]
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    lines = []
    for number, row in enumerate(table):
        cells = [_text(row["parameters"].get(name)) for name in parameters]
        cells += [row["status"], _seconds(row), *(_text(row["numbers"].get(name)) for name in numbers)]
        filled = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        button = f'<button type="button" data-point="{number}">show</button>'
        lines.append(f'<tr class="{html.escape(row["status"])}">{filled}<td>{button}</td></tr>')
    return f"<thead><tr>{head}<th></th></tr></thead><tbody>{''.join(lines)}</tbody>"


def _text(value: Any) -> str:
    """Spell a value for the page: numbers short, lists with commas."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return ",".join(map(_text, value)) if isinstance(value, list) else "" if value is None else str(value)


def _seconds(row: dict[str, Any]) -> str:
    return "" if row["seconds"] is None else f"{row['seconds']:.1f}"


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _distinct(table: Sequence[dict[str, Any]], part: str, name: str) -> list[str]:
    return list(dict.fromkeys(_text(row[part][name]) for row in table if name in row[part]))


def _ordered(table: Sequence[dict[str, Any]], name: str) -> list[str]:
    """The values of a parameter, numbers in their order, others as they come."""
    values = [row["parameters"].get(name) for row in table]
    values = sorted(values) if all(map(_numeric, values)) else values
    return list(dict.fromkeys(map(_text, values)))
