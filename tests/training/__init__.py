"""A package, because its `test_sweep.py` has a namesake in `tests/cli`."""
