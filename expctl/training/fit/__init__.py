"""Fitting and evaluating one pipeline."""
