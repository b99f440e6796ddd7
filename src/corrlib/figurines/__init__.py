"""Figurines: a rendered world of PASCAL's twenty categories whose correspondence is known everywhere."""

from corrlib.figurines.models import CATEGORIES, parts
from corrlib.figurines.scene import portrait
from corrlib.figurines.truth import Truth, correspond, read_truth
from corrlib.figurines.world import image_id, instance, write_world

__all__ = [
    "CATEGORIES",
    "Truth",
    "correspond",
    "image_id",
    "instance",
    "parts",
    "portrait",
    "read_truth",
    "write_world",
]
