"""Interactive figures of the book: precomputed results that a reader explores without Python.

`places` shows where flows map a point, and where it truly is (`truths`). `tolerances` shows which keypoints
are correct, and `nearest` which patches are similar to a patch. Each returns the content that a script of
``book/_static`` reads, and a picture for readers without scripts. The flows of the alignment chapter and the
features of the visualization chapter come from the cache.
"""
# ruff: noqa: F401

from corrlib.publishing.explorer.patch import nearest
from corrlib.publishing.explorer.place import places
from corrlib.publishing.explorer.tolerance import tolerances
