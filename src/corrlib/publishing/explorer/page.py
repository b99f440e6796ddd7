"""Explorers in a page: their content beside a picture, which a script of ``book/_static`` replaces."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure

#: Where a rendered page of ``book/`` finds ``book/_static``.
STATIC = "../_static"
QUALITY = 80


def widget(kind: str, content: Mapping[str, Any], picture: Figure, description: str) -> str:
    """An explorer as HTML, for `IPython.display.HTML`.

    Parameters
    ----------
    kind
        Its script in ``book/_static``, which looks for elements of that ``data-explorer``.
    content
        What the script reads: JSON, `webp` and `packed` within.
    picture, description
        What is shown where scripts do not run, and its alternative text.
    """
    stored = io.BytesIO()
    picture.savefig(stored, format="webp", bbox_inches="tight")
    still = _url(stored.getvalue())
    # The only sequences that would end a script element early, or open a comment in one, begin with "<".
    text = json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return (
        f'<div class="explorer" data-explorer="{kind}">'
        f'<img class="explorer-still" alt="{html.escape(description)}" src="{still}">'
        f'<script type="application/json">{text}</script></div>'
        f'<link rel="stylesheet" href="{STATIC}/explorer.css">'
        f'<script defer src="{STATIC}/explorer.js"></script>'
        f'<script defer src="{STATIC}/explorer-{kind}.js"></script>'
    )


def webp(image: np.ndarray) -> str:
    """An image ``(H, W, 3)`` uint8 as an address that holds it as WebP: half as large as a JPEG."""
    done, stored = cv2.imencode(".webp", image[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    if not done:
        raise ValueError(f"no picture can be made of an array of shape {image.shape}")
    return _url(stored.tobytes())


def pixels(url: str) -> np.ndarray:
    """The image ``(H, W, 3)`` uint8 of an address that `webp` made."""
    stored = np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8)
    return cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1]


def packed(numbers: np.ndarray) -> str:
    """Whole numbers from 0 to 255 of an array, in C order, as base64: a byte each."""
    if numbers.size and (numbers.min() < 0 or numbers.max() > 255):
        raise ValueError(f"a byte holds 0 to 255, got {numbers.min()} to {numbers.max()}")
    return base64.b64encode(np.asarray(numbers, dtype=np.uint8).tobytes()).decode("ascii")


def _url(stored: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(stored).decode('ascii')}"
