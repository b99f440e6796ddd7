"""What the alignment chapter did, as it wrote it down: explorers show its flows, and compute none anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corrlib import store
from corrlib.convnet import Network
from corrlib.datasets import VOC
from corrlib.experiments.alignment import studies

#: Kinds of flow, as readers know them.
CONV, SIFT = "convnet flow", "SIFT flow"


@dataclass(frozen=True)
class Chapter:
    """How the chapter aligned.

    Attributes
    ----------
    how
        What of `flows.align` was the same for all.
    top
        Aligned keypoints whose median is the prediction.
    feature, beta
        Kind of flow -> the layer or the radius of its tables; its beta.
    studied
        The categories that it aligned by every layer and radius.
    """

    how: dict[str, Any]
    top: int
    feature: dict[str, str | float]
    beta: dict[str, float]
    studied: Sequence[str]

    @property
    def chosen(self) -> dict[str, str]:
        """Kind of flow -> name of its feature."""
        return {kind: named(feature) for kind, feature in self.feature.items()}

    @property
    def methods(self) -> dict[str, dict[str, Any]]:
        """Rows of its Table 2 -> what of `flows.align` is their own."""
        names = f"{self.feature[CONV]} flow", SIFT
        return {
            name: self._own(kind, self.feature[kind]) for name, kind in zip(names, self.feature, strict=True)
        }

    def kinds(self, category: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Kind of flow -> name of a feature that a category was aligned by -> as `methods`."""
        studied = {CONV: studies.LAYERS, SIFT: studies.RADII} if category in self.studied else {}
        return {
            kind: {named(f): self._own(kind, f) for f in dict.fromkeys([*studied.get(kind, ()), feature])}
            for kind, feature in self.feature.items()
        }

    def _own(self, kind: str, feature: str | float) -> dict[str, Any]:
        return {"feature": feature, "beta": self.beta[kind]}


def named(feature: str | float) -> str:
    """A layer or a radius in words."""
    return feature if isinstance(feature, str) else f"radius {feature:g}"


def chapter(data: VOC, network: Network) -> Chapter:
    """Read what the alignment chapter wrote last of this tier.

    Raises
    ------
    ValueError
        If there is nothing, or it is of other data or of another network.
    """
    path = store.cache_dir() / "results" / f"alignment-{data.tier}.json"
    result = store.read_result(path)
    about, values = result["provenance"], result["values"]
    if (about.get("data"), about["weights"]) != (data.digest, network.digest):
        raise ValueError(
            f"{path} is of data {about.get('data')} and network {about['weights']}, not of {data.digest} and"
            f" {network.digest}: run the alignment chapter with these first"
        )
    used = about["parameters"]
    layer = "conv4" if used["layer"] == "sift" else used["layer"]  # as the chapter has it
    return Chapter(
        how={name: used[name] for name in ("count", "retrieval_layer", "size", "solver", "iterations")},
        top=used["top"],
        feature={CONV: layer, SIFT: used["radius"]},
        beta=dict(zip((CONV, SIFT), values["beta"].values(), strict=True)),
        studied=values["some"],
    )
