"""The device on which torch computes features and nearest neighbours."""

import os

import torch

#: The environment variable that names the device.
VARIABLE = "CORRLIB_DEVICE"


def device() -> torch.device:
    """The device named by ``$CORRLIB_DEVICE``, by default a GPU if there is one, else the CPU.

    ValueError if there is no such device.

    Returns
    -------
    torch.device
        ``cpu``, ``cuda``, ``cuda:1``, ... On a GPU convolutions are computed in float32, not TensorFloat-32.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    name = os.environ.get(VARIABLE) or ("cuda" if gpus else "cpu")
    try:
        chosen = torch.device(name)
        torch.zeros(1, device=chosen).cpu()
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without CUDA
        known = ", ".join(["cpu", *["cuda"][:gpus], *(f"cuda:{n}" for n in range(gpus))])
        raise ValueError(
            f"no device {name!r}: torch {torch.__version__} sees {known} here; choose one of these, by"
            f" --device or by {VARIABLE}"
        ) from error
    if chosen.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    return chosen
