"""Section 4 of the paper: given a keypoint's place, its name, by linear classifiers on one feature."""
