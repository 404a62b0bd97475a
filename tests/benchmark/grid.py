"""The grids of the sweep benchmark, by their number of trials."""

GRIDS = {
    "24": {"c": [0.1, 1.0, 10.0, 30.0], "max_features": [2000, 5000, 20000], "ngram_max": [1, 2]},
    "18": {"c": [0.1, 1.0, 10.0], "max_features": [2000, 5000, 20000], "ngram_max": [1, 2]},
}
