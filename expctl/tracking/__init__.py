"""Runs in MLflow: written, found, read back. The only package that imports mlflow."""
