"""One tidy table of executed notebooks: a row per point, with its parameters and every number it shows."""

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corrlib import cache
from corrlib.publishing import chapters

#: Parts of a row that differ from chapter to chapter.
PARTS = ("parameters", "about", "numbers")
#: What is kept in addition to the numbers: the dataset and the network.
ABOUT = ("dataset", "network")
#: Escape sequences that colour a traceback.
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def read(path: Path, root: Path) -> dict[str, Any] | None:
    """Return the row of an executed notebook, its name relative to ``root``; None if it was never executed.

    It has ``chapter``, ``status`` (``done``, ``failed`` or ``unfinished``), ``seconds``, ``parameters``,
    ``numbers`` (of one with an interval also ``name-low`` and ``name-high``), ``about``, ``notebook`` and
    ``error`` (the traceback).
    """
    where = path.relative_to(root).as_posix()
    row = dict(chapter="", status="failed", seconds=None, parameters={}, numbers={}, about={}, notebook=where)
    try:
        # A table in JSON has no NaN, which papermill takes for a parameter: it becomes text.
        notebook = json.loads(path.read_text(encoding="utf-8"), parse_constant=str)
        about = notebook["metadata"].get("papermill")
        outputs = [o for cell in notebook["cells"] for o in cell.get("outputs", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return row | {"error": f"this is no notebook: {type(error).__name__}: {error}"}
    if not about:
        return None
    row |= {"chapter": Path(about.get("input_path") or "").stem, "seconds": about.get("duration")}
    row["parameters"] = about.get("parameters") or {}
    traceback = [line for o in outputs if o["output_type"] == "error" for line in o.get("traceback", ["?"])]
    row["error"] = COLOURS.sub("", "\n".join(traceback))
    row["status"] = "failed" if traceback else "done" if about.get("end_time") else "unfinished"
    for about, _ in chapters.shown(notebook):
        row["about"] |= {key: about[key] for key in ABOUT if key in about}
        for name, value in about.get("numbers", {}).items():
            values = value if isinstance(value, list) else [value]
            ends = zip(("", "-low", "-high"), values, strict=False)
            row["numbers"] |= {f"{name}{end}": number for end, number in ends}
    return row


def write(rows: Sequence[dict[str, Any]], folder: Path) -> None:
    """Write ``results.csv`` and ``results.json``, each in one step: there is never half a table.

    A row is one line: chapter, parameters, status, seconds, dataset and network, numbers, notebook and error.
    If names are equal, these columns take precedence, then parameters. Lists are formatted with commas.
    """
    names = {part: dict.fromkeys(key for row in rows for key in row[part]) for part in PARTS}
    numbers = sorted(names["numbers"], key=lambda name: not name.startswith("score"))
    columns = ["chapter", *names["parameters"], "status", "seconds", *names["about"], *numbers]
    columns = list(dict.fromkeys([*columns, "notebook", "error"]))
    whole = []
    for row in rows:
        flat = row["numbers"] | row["about"] | row["parameters"] | row
        cells = {name: flat.get(name) for name in columns}
        whole.append({k: ",".join(map(str, v)) if isinstance(v, list) else v for k, v in cells.items()})
    text = io.StringIO()
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(whole)
    files = {"csv": text.getvalue(), "json": json.dumps(whole, indent=1, allow_nan=False) + "\n"}
    for kind, content in files.items():
        with cache.replacing(folder / f"results.{kind}") as temporary:
            temporary.write_text(content, encoding="utf-8", newline="")
