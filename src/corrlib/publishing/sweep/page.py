"""The report of a sweep: one figure, and one HTML page that needs no kernel, no other file and no host."""

import base64
import hashlib
import html
import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import nbformat
import numpy as np

from corrlib import cache
from corrlib.publishing import chapters
from corrlib.publishing.format import formatted, markdown
from corrlib.publishing.sweep import rows

#: The number that every chapter shows for its sweeps, and the suffixes of the ends of its interval.
SCORE, ENDS = "score", ("", "-low", "-high")
#: What that number is, by chapter.
SCORES = {
    "alignment": "mean PCK of transferred keypoints, percent",
    "classification": "mean accuracy of the best layer, percent",
    "prediction": "mean PCK of predicted keypoints, percent",
}
#: Values of parameters that the paper reports, to be marked in the figure.
PAPER = {"alpha": (0.025, 0.05, 0.1)}
#: Width in pixels to which figures are reduced in the page.
WIDTH = 800


def write(table: Sequence[dict[str, Any]], folder: Path) -> None:
    """Write a sweep's rows (see `rows.read`) as ``results.csv``, ``.json``, ``.png`` and ``.html``."""
    rows.write(table, folder)
    picture, plot = folder / "results.png", "<p>No numbers to draw yet.</p>"
    picture.unlink(missing_ok=True)
    if described := figure(table):
        drawn, about = described
        with cache.replacing(picture) as temporary:
            drawn.savefig(temporary, format="png")
        plot = f'<img src="{_url("png", picture.read_bytes())}" alt="{html.escape(about)}">'
    swept = " and ".join(dict.fromkeys(row["chapter"] for row in table if row["chapter"]))
    template = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    parts = {"TITLE": html.escape(f"Sweep of {swept}"), "SUMMARY": html.escape(summary(table)), "PLOT": plot}
    parts |= {"TABLE": _table(table), "DATA": json.dumps(_content(table, folder)).replace("<", "\\u003c")}
    text = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)
    with cache.replacing(folder / "results.html") as temporary:
        temporary.write_text(text, encoding="utf-8")


def summary(table: Sequence[dict[str, Any]]) -> str:
    """Describe the number of points in each state, the data and the network."""
    states = Counter(row["status"] for row in table)
    about = [f"{len(table)} points: {', '.join(f'{count} {state}' for state, count in states.items())}"]
    about += [f"{key} {' and '.join(found)}" for key in rows.ABOUT if (found := _texts(table, "about", key))]
    varying = varied(table, "parameters")
    about += [f"{k} = {_text(v)}" for k, v in table[0]["parameters"].items() if k not in varying]
    return "; ".join(about)


def figure(table: Sequence[dict[str, Any]]) -> tuple[Any, str] | None:
    """Draw the score against the parameter with the most values; return the figure and its alt text."""
    done = [row for row in table if row["status"] == "done" and _numeric(row["numbers"].get(SCORE))]
    if not (varying := varied(done, "parameters")):
        return None
    numeric = [name for name in varying if all(_numeric(row["parameters"].get(name)) for row in done)]
    across = max(numeric or varying, key=lambda name: len(_texts(done, "parameters", name)))
    others = [name for name in varying if name != across]
    ticks = None if numeric else _texts(done, "parameters", across)
    series: dict[str, list[list[float]]] = {}
    for row in done:
        values = {name: _text(row["parameters"].get(name)) for name in varying}
        label = ", ".join(values[name] if len(others) == 1 else f"{name} {values[name]}" for name in others)
        x = ticks.index(values[across]) if ticks else row["parameters"][across]
        numbers = [row["numbers"].get(f"{SCORE}{end}", math.nan) for end in ENDS]
        series.setdefault(label, []).append([x, *numbers])
    from corrlib.publishing import plots  # whose import takes seconds

    places = [point[0] for points in series.values() for point in points]
    marks = [value for value in PAPER.get(across, ()) if min(places) <= value <= max(places)]
    datasets = " and ".join(_texts(done, "about", "dataset"))
    score = " and ".join(dict.fromkeys(SCORES.get(row["chapter"], SCORE) for row in done))
    labels = dict(xlabel=across, ylabel=f"{score}\n({datasets})" if datasets else score)
    about = f"{' '.join(labels['ylabel'].split())} against {across}"
    about += f", a line for each of {', '.join(series)}" if others else ""
    drawn = {label: np.array(points, dtype=float) for label, points in series.items()}
    legend = others[0] if len(others) == 1 else ""
    return plots.swept(drawn, **labels, legend=legend, ticks=ticks, marks=marks), about


def varied(table: Sequence[dict[str, Any]], part: str) -> list[str]:
    """Return the names among the ``parameters`` or ``numbers`` of rows that differ from row to row."""
    names = dict.fromkeys(name for row in table for name in row[part])
    return [name for name in names if len({_text(row[part].get(name)) for row in table}) > 1]


def _content(table: Sequence[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """The content for the page's script: sliders, and each point's place on them, numbers and figures."""
    sliders, images, points = [], {}, []
    for name in varied(table, "parameters"):
        values = [row["parameters"].get(name) for row in table]
        values = sorted(values) if all(map(_numeric, values)) else values
        sliders.append({"name": name, "values": list(dict.fromkeys(map(_text, values)))})
    for row in table:
        point = {key: row[key] for key in ("status", "notebook", "error")} | {"seconds": _seconds(row)}
        point["numbers"] = {key: _text(value) for key, value in (row["numbers"] | row["about"]).items()}
        point["place"] = [s["values"].index(_text(row["parameters"].get(s["name"]))) for s in sliders]
        point["figures"] = _figures(folder / row["notebook"], images) if row["status"] == "done" else []
        points.append(point)
    return {"sliders": sliders, "points": points, "images": images, "score": SCORE}


def _figures(path: Path, images: dict[str, str]) -> list[dict[str, str]]:
    """The figures that a notebook shows; a picture that is the same for many points is kept once."""
    figures = []
    for about, output in chapters.shown(nbformat.read(path, as_version=4)):
        data = output["data"]
        if about["kind"] == "figure" and (encoded := data.get("image/png") or data.get("image/jpeg")):
            key = hashlib.sha256(encoded.encode()).hexdigest()[:16]
            if key not in images:
                images[key] = _reduced(base64.b64decode(encoded))
            figures.append({"name": about["name"], "image": key, "alt": about["alt"]})
    return figures


def _reduced(stored: bytes) -> str:
    """Return a picture as a data URL, no wider than `WIDTH`, because figures of notebooks have megabytes."""
    image = cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_COLOR)
    if (scale := WIDTH / image.shape[1]) < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return _url("webp", cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, 85])[1])


def _url(kind: str, stored: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(stored).decode()}"


def listed(table: Sequence[dict[str, Any]]) -> str:
    """The rows as text, for a terminal: the parameters that differ, status, seconds and score."""
    names = varied(table, "parameters")
    rows = [{name: _text(row["parameters"].get(name)) for name in names} | _state(row) for row in table]
    return markdown([row | {SCORE: _number(each, SCORE)} for row, each in zip(rows, table, strict=True)])


def _table(table: Sequence[dict[str, Any]]) -> str:
    """The rows as an HTML table, with the parameters and numbers that differ between points."""
    parameters = varied(table, "parameters")
    numbers = varied([row for row in table if row["status"] == "done"], "numbers")
    numbers = [name for name in numbers if not name.endswith(ENDS[1:])]
    numbers.sort(key=lambda name: not name.startswith(SCORE))
    names = [*parameters, "status", "seconds", *numbers]
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    lines = []
    for number, row in enumerate(table):
        cells = [_text(row["parameters"].get(name)) for name in parameters]
        cells += [*_state(row).values(), *(_number(row, name) for name in numbers)]
        filled = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        button = f'<button type="button" data-point="{number}">show</button>'
        lines.append(f'<tr class="{row["status"]}">{filled}<td>{button}</td></tr>')
    return f"<thead><tr>{head}<th></th></tr></thead><tbody>{''.join(lines)}</tbody>"


def _state(row: dict[str, Any]) -> dict[str, str]:
    return {"status": row["status"], "seconds": _seconds(row)}


def _number(row: dict[str, Any], name: str) -> str:
    """A number of a row, with its interval if it has one."""
    values = [row["numbers"].get(f"{name}{end}") for end in ENDS]
    return _text(values[0]) if None in values else formatted(values, ".4g")


def _text(value: Any) -> str:
    """Format a value for the page: numbers briefly, lists with commas."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return ",".join(map(_text, value)) if isinstance(value, list) else "" if value is None else str(value)


def _seconds(row: dict[str, Any]) -> str:
    return "" if row["seconds"] is None else f"{row['seconds']:.1f}"


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _texts(table: Sequence[dict[str, Any]], part: str, name: str) -> list[str]:
    """The different values of a parameter or number, as texts."""
    return list(dict.fromkeys(_text(row[part][name]) for row in table if name in row[part]))
