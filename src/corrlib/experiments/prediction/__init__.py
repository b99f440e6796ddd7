"""Section 5 of the paper: keypoints of an object in a given box, found by sliding window detectors."""
