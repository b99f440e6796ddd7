"""The twenty PASCAL categories of the figurine world, by name."""

from corrlib.datasets.figurines.figure import Category
from corrlib.datasets.figurines.models.animals import ANIMALS
from corrlib.datasets.figurines.models.indoor import INDOOR
from corrlib.datasets.figurines.models.vehicles import VEHICLES

CATEGORIES: dict[str, Category] = dict(sorted({**VEHICLES, **ANIMALS, **INDOOR}.items()))
