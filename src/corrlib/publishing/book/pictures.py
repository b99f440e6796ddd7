"""Pictures of executed chapters, made light enough for a page."""

from __future__ import annotations

import base64

import cv2
import nbformat
import numpy as np

#: Bytes from which on a PNG is made a JPEG: below, it is line art, which is small and should stay sharp.
HEAVY = 200_000
QUALITY = 92


def lighten(notebook: nbformat.NotebookNode) -> None:
    """Make JPEGs of the large PNGs of a chapter, in place: photographs, and figures that are full of them.

    The executed notebook beside the book keeps what it has.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind in [kind for kind in data if kind.endswith("image/png")]:
                stored = base64.b64decode("".join(data[kind]))
                if len(stored) > HEAVY and kind.replace("png", "svg+xml") not in data:
                    del data[kind]
                    data[kind.replace("png", "jpeg")] = base64.b64encode(_jpeg(stored)).decode("ascii")


def _jpeg(png: bytes) -> bytes:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    full = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _, stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY, *full])
    return stored.tobytes()
