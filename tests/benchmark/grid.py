"""The grid of the sweep benchmark: 24 trials."""

AXES = {"c": [0.1, 1.0, 10.0, 30.0], "max_features": [2000, 5000, 20000], "ngram_max": [1, 2]}
