"""The paper's experiments, a package for each of its sections 2 to 5: settings in, results out."""
