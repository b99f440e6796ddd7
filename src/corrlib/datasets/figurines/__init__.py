"""Figurines: a rendered world of PASCAL's twenty categories whose correspondence is known everywhere."""

from corrlib.datasets.figurines.models import CATEGORIES
from corrlib.datasets.figurines.placing import parts
from corrlib.datasets.figurines.scene import Scene, Thing, portrait
from corrlib.datasets.figurines.truth import Truth, correspond, read_truth
from corrlib.datasets.figurines.world import image_id, instance, write_world

__all__ = [
    "CATEGORIES",
    "Scene",
    "Thing",
    "Truth",
    "correspond",
    "image_id",
    "instance",
    "parts",
    "portrait",
    "read_truth",
    "write_world",
]
