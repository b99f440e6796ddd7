"""Section 3 of the paper: instances of a category aligned with each other by their features."""
