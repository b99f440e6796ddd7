"""How the alignment chapter aligned: explorers show its flows, which are in the cache, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments.alignment import scores, studies
from corrlib.publishing import chapters, tables

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
    """How the alignment chapter aligns with the parameters that it has by default, as in the book.

    It chooses beta on train; so does this, from the flows that it has left in the cache. (Its result file may
    be of a run with other parameters, such as one of a sweep.)
    """
    known = chapters.parameters(tables.project() / "book" / "alignment.py")
    given = {name: default for name, (_, default) in known.items()}
    how = {name: given[name] for name in ("size", "solver", "iterations")} | {"count": given["neighbors"]}
    own = next(name for name in crops.SIGNATURES if name in network.layers)
    how["retrieval_layer"] = given["retrieval_layer"] or own
    feature = {CONV: given["layer"], SIFT: given["radius"]}
    limits = dict(limit=given["studied"], top=given["top"])
    world = (data, network, list(data.categories))
    return Chapter(
        how=how,
        top=given["top"],
        feature=feature,
        beta={
            kind: given["beta"] or scores.validate(*world, given["betas"], feature=one, **limits, **how)[0]
            for kind, one in feature.items()
        },
        studied=studies.few(world[2]),
    )
