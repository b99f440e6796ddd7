"""Section 2 of the paper: what remains of an image, or of a patch, in the neighbours of its features.

`units` computes features densely and finds neighbours, `reconstruction` is Figure 1 and its score, `averages`
is Figure 2. This file imports none of them: an edit of one is no reason to compute the others anew.
"""
