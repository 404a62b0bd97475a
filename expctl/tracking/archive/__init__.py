"""Runs as one file: the container, its schema, writing it from a store and loading it into another."""
