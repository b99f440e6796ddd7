"""Interactive figures of the book: precomputed results that a reader explores without Python.

`places` shows where flows take a point, and where it truly is (`truths`); `tolerances` which keypoints are
correct; `nearest` which patches are similar to a patch. Each returns the content that a script of
``book/_static`` reads, and a picture for readers without scripts. Flows are those of the alignment chapter,
features those of the visualization chapter, from the cache.
"""
# ruff: noqa: F401

from corrlib.publishing.explorer.patch import nearest
from corrlib.publishing.explorer.place import places
from corrlib.publishing.explorer.tolerance import tolerances
