"""One tidy table of executed notebooks: a row a point, with its parameters and every number that it shows."""

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corrlib import cache
from corrlib.publishing import chapters

#: What every row has, before and after its parameters and numbers.
FIRST, LAST = ("chapter", "status", "seconds"), ("notebook", "error")
#: What is kept beside the numbers: of which dataset and of which network they are.
ABOUT = ("dataset", "network")

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def read(path: Path, root: Path) -> dict[str, Any] | None:
    """Return the row of an executed notebook, its name relative to ``root``; None if it was never executed.

    It has ``chapter``, ``status`` (``done``, ``failed`` or ``unfinished``), ``seconds``, ``parameters``,
    ``numbers`` (of one with an interval also ``name-low`` and ``name-high``), ``about``, ``notebook`` and
    ``error`` (the traceback).
    """
    where = path.relative_to(root).as_posix()
    row = dict(chapter="", status="failed", seconds=None, parameters={}, numbers={}, about={}, notebook=where)
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        about = notebook["metadata"].get("papermill")
        outputs = [o for cell in notebook["cells"] for o in cell.get("outputs", [])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return row | {"error": f"this is no notebook: {type(error).__name__}: {error}"}
    if not about:
        return None
    row |= {"chapter": Path(about.get("input_path") or "").stem, "seconds": about.get("duration")}
    row["parameters"] = about.get("parameters") or {}
    row["status"] = "done" if about.get("end_time") else "unfinished"
    row["error"] = "\n".join(
        _COLOURS.sub("", "\n".join(o.get("traceback") or [f"{o.get('ename')}: {o.get('evalue')}"]))
        for o in outputs
        if o.get("output_type") == "error"
    )
    if row["error"] or about.get("exception"):
        row["status"] = "failed"
    for about, _ in chapters.shown(notebook):
        row["about"] |= {key: about[key] for key in ABOUT if key in about}
        for name, value in about.get("numbers", {}).items():
            values = value if isinstance(value, list) else [value]
            ends = zip(("", "-low", "-high"), values, strict=False)
            row["numbers"] |= {f"{name}{end}": number for end, number in ends}
    return row


def write(rows: Sequence[dict[str, Any]], folder: Path) -> None:
    """Write ``results.csv`` and ``results.json``, each in one step: there is never half a table."""
    flat = [flatten(row) for row in rows]
    columns, text = columns_of(rows), io.StringIO()
    table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(flat)
    whole = [{key: row.get(key) for key in columns} for row in flat]
    files = {"csv": text.getvalue(), "json": json.dumps(whole, indent=1, allow_nan=False) + "\n"}
    for kind, content in files.items():
        with cache.replacing(folder / f"results.{kind}") as temporary:
            temporary.write_text(content, encoding="utf-8", newline="")


def columns_of(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the columns of a table: parameters first, then status and seconds, then numbers."""
    parts = ("parameters", "about", "numbers")
    parameters, about, numbers = (dict.fromkeys(key for row in rows for key in row[part]) for part in parts)
    first, *others = FIRST
    numbers = sorted(numbers, key=lambda name: not name.startswith("score"))
    named = [key for key in [*about, *numbers] if key not in parameters]
    return list(dict.fromkeys([first, *map(_free, parameters), *others, *map(_free, named), *LAST]))


def flatten(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as one dictionary, whose keys are columns; lists are spelled with commas."""
    flat = {key: row.get(key) for key in (*FIRST, *LAST)}
    for part in ("numbers", "about", "parameters"):  # a parameter counts more than a number of the same name
        flat |= {_free(key): value for key, value in row.get(part, {}).items()}
    return {k: ",".join(map(str, v)) if isinstance(v, list) else v for k, v in flat.items()}


def _free(name: str) -> str:
    """Return the column of a parameter or a number, whose name may be that of a column of ours."""
    return f"{name} (chapter's)" if name in (*FIRST, *LAST) else name
