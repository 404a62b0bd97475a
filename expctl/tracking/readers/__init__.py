"""Reading a store, by one protocol: an SQLite file, a server, or whatever else MLflow's client opens."""
