"""The paper's experiments, one part a chapter: compute, and write the numbers down with their provenance."""

from __future__ import annotations

from typing import Any

from corrlib.cache.code import code_digest


def origin(data: Any, network: Any = None) -> str:
    """Spell the data set and the network (if any) that the figures and tables of a chapter are of."""
    text = f"{data.name} {data.digest[:8]}"
    return f"{text}, network {network.name} {network.digest[:8]}" if network else text


def recorded(about: dict[str, Any]) -> str:
    """Spell where a recorded result is from, of its `provenance`."""
    data, network = (f"{about[a]} {about[b][:8]}" for a, b in (("tier", "data"), ("network", "weights")))
    return f"{data}, network {network}; recorded; {about['seconds']:.0f} s"


def provenance(
    data: Any, network: Any, *, parameters: dict[str, Any], module: str, seconds: float
) -> dict[str, Any]:
    """Describe where a result comes from, as `corrlib.cache.write_result` wants it.

    Parameters
    ----------
    data, network
        A `corrlib.data.VOC` and a `corrlib.convnet.Network`.
    parameters
        Of the chapter; which objects the data set leaves out is added to them.
    module
        Name of the module that computed the numbers.
    seconds
        That it took.
    """
    return {
        "tier": data.name,
        "data": data.digest,
        "weights": network.digest,
        "network": network.name,
        "parameters": dict(parameters, difficult=data.difficult, truncated=data.truncated),
        "code": code_digest(module),
        "seconds": round(seconds, 1),
    }
