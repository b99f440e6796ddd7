"""The points of a sweep: from ranges, lists and YAML to typed parameters, before anything starts."""

import hashlib
import itertools
import math
import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml

from corrlib.publishing import chapters

#: Maximum number of points; more are probably a mistake, such as a step with too many zeros.
MOST = 10_000
#: Maximum depth of collections in YAML: all parameters, the values of one, the items of a list value.
DEEPEST = 3
#: Maximum decimal exponent of a number in a range, about that of a float.
LARGEST = 300


@dataclass(frozen=True)
class Point:
    """One execution of a chapter."""

    #: Name of its notebook, without ``.ipynb``.
    name: str
    #: Parameter -> value.
    values: dict[str, Any]
    #: Digest of everything that its outputs depend on.
    digest: str
    #: Whether its notebook exists and was computed with the present code and data.
    done: bool


def points(chapter: Path, grid: Mapping[str, str | Sequence[Any]]) -> list[dict[str, Any]]:
    """Return the parameters of every point of a grid, typed; the last parameter varies fastest.

    ``grid`` maps names to values as text, ``"conv1,conv2"`` or ``"0.01:0.2:0.01"`` (first, last and step,
    both ends included), or to a sequence of such items. Values that are lists are separated by semicolons.
    ValueError for invalid names or values, or more than `MOST` points.
    """
    if not grid:
        raise ValueError("nothing to sweep: name a parameter and its values, such as -p alpha=0.05,0.1")
    known, values = chapters.parameters(chapter), {}
    chapters.typed({name: "" for name in grid if name not in known}, chapter, known=known)  # which raises
    for name in (name for name in known if name in grid):
        found = [
            chapters.typed({name: item}, chapter, known=known)[name]
            for item in _items(name, grid[name], known[name][0])
        ]
        if not found:
            raise ValueError(f"parameter {name} has no values: the grid is empty")
        values[name] = list({repr(value): value for value in found}.values())  # lists have no hash, True is 1
    if (total := math.prod(map(len, values.values()))) > MOST:
        raise ValueError(f"a grid of {total:,} points: at most {MOST:,} are possible; take larger steps")
    return [dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())]


def read_yaml(path: Path) -> dict[str, str | list[Any]]:
    """Read a grid from a YAML file: one line per parameter, with a value, a range or a list of these.

    Scalars are kept as text: YAML would read ``1:10:1`` as a number to the base 60, and 1e-4 as text.
    """
    example, depth = f"{path}: expected a line such as `alpha: [0.05, 0.1]` for each parameter", 0
    try:
        text = path.read_text(encoding="utf-8")
        for event in yaml.parse(text):  # one by one, so that the rest of a hostile file is not read
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST or isinstance(event, yaml.AliasEvent):  # a few lines for a billion values
                raise ValueError(f"{example}, found an alias, or lists in lists of lists")
        content = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{example}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{example}, found {type(content).__name__}")
    names = [key.value for key, _ in yaml.compose(text, Loader=yaml.BaseLoader).value]
    if len(names) > len(content):  # the last would count
        raise ValueError(f"{path} gives a parameter twice: {', '.join(names)}")
    for name, value in content.items():
        if not isinstance(value, str | list):
            raise ValueError(f"{example}; {name} has {value!r}")
    return content


def name(values: Mapping[str, Any]) -> str:
    """Return a file name for a point: readable, the same in every sweep, and different for other points."""
    plain = ",".join(f"{key}={_spelled(value)}" for key, value in values.items())
    safe = re.sub(r"[^\w.,=+-]", "_", plain, flags=re.ASCII)[:120]  # a file's name has 255 bytes
    if safe == plain:
        return plain
    return f"{safe}-{hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:8]}"


def _items(name: str, given: str | Sequence[Any], hint: Any) -> list[Any]:
    """Split the values of a parameter and expand ranges; the values are typed later."""
    kinds = get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    listed, numeric = any(get_origin(k) in (list, tuple) for k in kinds), {int, float} & set(kinds)
    items = given.split(";" if listed else ",") if isinstance(given, str) else given
    if isinstance(given, str) and len(items) > 1 and not all(item.strip() for item in items):
        raise ValueError(f"parameter {name}: there is an empty value in {given!r}")
    result: list[Any] = []
    for item in items:
        item = item.strip() if isinstance(item, str) else item
        result += _range(name, item) if numeric and isinstance(item, str) and ":" in item else [item]
    return result


def _range(name: str, text: str) -> list[str]:
    """Expand ``first:last:step`` in decimal, so that 0.1 + 0.2 is 0.3."""
    wrong = f"parameter {name}: expected a range first:last:step such as 0.01:0.2:0.01, got {text!r}"
    try:
        first, last, step = numbers = [Decimal(part) for part in text.split(":")]
    except (InvalidOperation, ValueError):
        raise ValueError(wrong) from None
    if max(abs(number.adjusted()) for number in numbers) > LARGEST:
        raise ValueError(wrong)
    if not all(map(Decimal.is_finite, numbers)) or not step or (steps := (last - first) / step) < 0:
        raise ValueError(f"{wrong}: the step leads nowhere")
    if steps >= MOST:
        raise ValueError(f"parameter {name}: {text} has too many values; at most {MOST:,} are possible")
    # Whole numbers as whole, since int("10") reads them and int("10.0") does not.
    return [f"{(first + k * step).normalize():f}" for k in range(int(steps) + 1)]


def _spelled(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(map(_spelled, value))
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
