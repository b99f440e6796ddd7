"""Where torch computes: features and nearest neighbours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["VARIABLE", "device"]

#: The environment variable that names the device.
VARIABLE = "CORRLIB_DEVICE"


def device() -> torch.device:
    """The device that ``$CORRLIB_DEVICE`` names; without it a GPU if torch sees one, else the processor.

    Read anew by whoever asks, so that it holds for chapters' kernels and the workers of sweeps too.

    Returns
    -------
    torch.device
        ``cpu``, ``cuda``, ``cuda:1``, ... On a GPU convolutions are computed in float32 as on a processor,
        not in the shorter TensorFloat-32.

    Raises
    ------
    ValueError
        If there is no such device, naming it.
    """
    import torch

    seen = torch.cuda.device_count() if torch.cuda.is_available() else 0
    name = os.environ.get(VARIABLE) or ("cuda" if seen else "cpu")
    try:
        found = torch.device(name)
        torch.zeros(1, device=found).cpu()
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without CUDA
        known = ", ".join(["cpu", *(["cuda"] if seen else []), *(f"cuda:{n}" for n in range(seen))])
        raise ValueError(
            f"no device {name!r}: torch {torch.__version__} sees {known} here; choose one of these, by"
            f" --device or by {VARIABLE}"
        ) from error
    if found.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    return found
