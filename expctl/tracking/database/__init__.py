"""The SQLite file behind a store: how it is created, its schema, and the statistics of its query planner."""
