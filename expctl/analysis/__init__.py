"""Pure functions over recorded runs: differences, intervals, ranking. No store, no screen, numpy and scipy only."""
