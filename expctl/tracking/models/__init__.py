"""Models of runs: how they are stored, whether they may be loaded, and the registry."""
