"""The HTML of an explorer: its content, and a picture that a script of ``book/_static`` replaces."""

import base64
import html
import io
import json
from collections.abc import Mapping
from typing import Any

import cv2
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure

#: Path from a rendered page of ``book/`` to ``book/_static``.
STATIC = "../_static"
QUALITY = 75


def widget(kind: str, content: Mapping[str, Any], picture: Figure, alt: str) -> HTML:
    """Build the HTML of an explorer, and close its picture, which is shown where scripts do not run.

    Its script, ``book/_static/explorer-<kind>.js``, finds its element by ``data-explorer``. The content must
    be JSON, without NaN or infinity, with images encoded by `webp` and arrays by `packed`.
    """
    stored = io.BytesIO()
    picture.savefig(stored, format="webp", bbox_inches="tight")
    plt.close(picture)
    # Every sequence that would end a script element, or open a comment in it, begins with "<".
    text = json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return HTML(
        f'<div class="explorer" data-explorer="{kind}">'
        f'<img class="explorer-still" alt="{html.escape(alt)}" src="{_url(stored.getvalue())}">'
        f'<script type="application/json">{text}</script></div>'
        f'<link rel="stylesheet" href="{STATIC}/explorer.css">'
        f'<script defer src="{STATIC}/explorer.js"></script>'
        f'<script defer src="{STATIC}/explorer-{kind}.js"></script>'
    )


def webp(image: np.ndarray) -> str:
    """Encode an image ``(H, W, 3)`` uint8 as a data URL of a WebP file, half as large as a JPEG."""
    return _url(cv2.imencode(".webp", image[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1].tobytes())


def pixels(url: str) -> np.ndarray:
    """Decode a data URL from `webp` into an image ``(H, W, 3)`` uint8."""
    stored = np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8)
    return cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1]


def packed(numbers: np.ndarray) -> str:
    """Encode integers from 0 to 255, in C order, as the base64 of one byte each."""
    if numbers.min(initial=0) < 0 or numbers.max(initial=0) > 255:
        raise ValueError(f"a byte holds 0 to 255, got {numbers.min()} to {numbers.max()}")
    return base64.b64encode(numbers.astype(np.uint8).tobytes()).decode("ascii")


def unpacked(text: str, *shape: int) -> np.ndarray:
    """Decode what `packed` has encoded, into an array of a shape."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape)


def _url(stored: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(stored).decode('ascii')}"
