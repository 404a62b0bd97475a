"""What a run holds: its items, metadata, life cycle, artifacts and predictions, and how a run is referred to."""
