"""The twenty PASCAL categories of the figurine world, by name."""

from corrlib.figurines.figure import Category
from corrlib.figurines.models.animals import ANIMALS
from corrlib.figurines.models.indoor import INDOOR
from corrlib.figurines.models.vehicles import VEHICLES

CATEGORIES: dict[str, Category] = dict(sorted({**VEHICLES, **ANIMALS, **INDOOR}.items()))
