"""Figurines: a rendered world of PASCAL's twenty categories whose correspondence is known everywhere."""
# ruff: noqa: F401

from corrlib.figurines.models import CATEGORIES, parts
from corrlib.figurines.scene import portrait
from corrlib.figurines.truth import Truth, correspond, read_truth
from corrlib.figurines.world import image_id, instance, write_world
