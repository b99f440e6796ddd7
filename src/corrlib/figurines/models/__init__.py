"""The twenty PASCAL categories of the figurine world, by name."""

from functools import cache

import numpy as np

from corrlib.figurines.figure import Category
from corrlib.figurines.models.animals import ANIMALS
from corrlib.figurines.models.indoor import INDOOR
from corrlib.figurines.models.vehicles import VEHICLES

CATEGORIES: dict[str, Category] = dict(sorted({**VEHICLES, **ANIMALS, **INDOOR}.items()))


@cache
def parts(category: str) -> tuple[str, ...]:
    """Names of all parts that some subtype of the category has; a part's number is its place here."""
    model = CATEGORIES[category]
    figures = (model.build(np.random.default_rng(0), subtype) for subtype in model.subtypes)
    return tuple(dict.fromkeys(solid.part for figure in figures for solid in figure.solids))
