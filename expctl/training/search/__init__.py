"""Search spaces, samplers, workers, and what the trials of a sweep share."""
